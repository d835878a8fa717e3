/** What catalogs and tables are opened with, and the names of it, held against the types by the compiler. */
import type { FilterLog } from '../compaction/clustering/filter-log.js'
import type { RestAuth } from '../catalog/rest/rest-catalog.js'
import type { S3FileIOOptions } from '../io/s3-options.js'
import type { ParquetWasmEngineOptions } from '../parquet/parquet-wasm-engine.js'
import { checkOneOf } from '../util/option-values.js'
import { checkArgument, checkNamedOptions, checkNames, namesOf, type Names } from './checked-arguments.js'
import type { BackendOptions, RestOptions } from './open-backend.js'

export interface OpenCatalogOptions extends BackendOptions {
  /** Records the filters of scans, for compactions to be measured by. It costs a scan nothing that it reads. */
  readonly filterLog?: FilterLog | undefined
}

/** The members of what reaches a catalog or a table. */
export const BACKEND = {
  s3: true,
  pathMapping: true,
  io: true,
  cacheBytes: true,
  parquet: true,
  runtime: true,
  allowedLocations: true,
  verifyStore: true,
  onMetrics: true,
  rest: true,
} as const
const OPEN_NAMES = namesOf<OpenCatalogOptions>()({ ...BACKEND, filterLog: true })

/** Of the members that are objects of options themselves. */
const INNER_NAMES = {
  s3: namesOf<S3FileIOOptions>()({
    endpoint: true,
    region: true,
    credentials: true,
    anonymous: true,
    forcePathStyle: true,
    checksums: true,
    partSizeBytes: true,
    parallelParts: true,
    parallelRanges: true,
    maxGapBytes: true,
    maxAttempts: true,
    connectTimeoutMs: true,
    requestTimeoutMs: true,
    serverSideEncryption: true,
    loadSdk: true,
    runtime: true,
  }),
  rest: namesOf<RestOptions>()({
    warehouse: true,
    auth: true,
    headers: true,
    properties: true,
    snapshots: true,
    accessDelegation: true,
    pageSize: true,
    requestTimeoutMs: true,
    maxAttempts: true,
    fetch: true,
  }),
  parquet: namesOf<ParquetWasmEngineOptions>()({ workers: true, workerUrl: true, writeBufferBytes: true }),
} as const

/** Of every kind of proof of who one is. */
const AUTH_NAMES = namesOf<RestAuth>()({
  type: true,
  token: true,
  clientId: true,
  clientSecret: true,
  scope: true,
  audience: true,
  resource: true,
  tokenUri: true,
  subject: true,
  actor: true,
  tokenExchange: true,
  region: true,
  service: true,
  credentials: true,
})

/** @throws FloeError `INVALID` naming the option that `verb` does not have, also of `s3`, `rest`, its `auth` and `parquet` */
export function checkOpenOptions(options: BackendOptions, verb: string, known: Names = OPEN_NAMES): void {
  checkNamedOptions(options, known, verb)
  for (const [member, names] of Object.entries(INNER_NAMES)) {
    const inner = options[member as keyof typeof INNER_NAMES]
    if (inner === undefined) continue
    checkArgument(inner, 'object', member)
    checkNames(inner, names, `${member} of ${verb}`)
  }
  checkOneOf(options.verifyStore, ['auto', 'never', 'always'], 'verifyStore')
  checkOneOf(options.s3?.checksums, ['when-required', 'when-supported'], 's3.checksums')
  checkOneOf(options.rest?.snapshots, ['all', 'refs'], 'rest.snapshots')
  checkOneOf(options.rest?.accessDelegation, ['vended-credentials', 'none'], 'rest.accessDelegation')
  const auth: unknown = options.rest?.auth
  if (typeof auth === 'object' && auth !== null) checkNames(auth, AUTH_NAMES, `rest.auth of ${verb}`)
}
