/** Remembers in the warehouse that its store was found safe. */
import type { FileIO } from '../io/file-io.js'
import { canonicalLocation, joinLocation } from '../io/location.js'
import { JsonObject, printJson } from '../util/json.js'
import { isFloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js'
import { checkStore, requireSafe, type StoreReport } from './store-contract.js'

/** Hidden from other engines by its dot. */
const MARKER_NAME = '.floe-store'
/** Higher when more is looked at than before. */
const CONTRACT_VERSION = 2
/** A store may be replaced by another version of itself, or another one put in front of the same files: it is tried again. */
const REMEMBERED_MS = 7 * 24 * 60 * 60 * 1000
/** One store goes by few names. */
const MAX_ENDPOINTS = 16

/** When a store was found safe, by the endpoint through which it was tried; `''` for Amazon's. */
type Verified = ReadonlyMap<string, number>

/**
 * Tries what commits rely on, unless the warehouse says that this was done through the same endpoint within a week. Throws
 * `UNSUPPORTED`, naming the property that the store lacks; writing to it would lose commits.
 */
export async function probeStore(io: FileIO, warehouse: string, runtime: Runtime): Promise<void> {
  const verifiedAt = (await readVerified(io, warehouse)).get(endpointKey(io))
  if (verifiedAt !== undefined && Math.abs(runtime.now() - verifiedAt) < REMEMBERED_MS) return
  const report = await checkStore(io, warehouse, runtime, 'quick')
  requireSafe(report)
  await rememberVerdict(io, warehouse, report, runtime)
}

/** Forgets, of a store that is not safe, that it was. Not being able to remember costs a look the next time. */
export async function rememberVerdict(io: FileIO, warehouse: string, report: StoreReport, runtime: Runtime): Promise<void> {
  const known = new Map(await readVerified(io, warehouse).catch(() => []))
  const wasKnown = known.delete(endpointKey(io))
  if (report.isSafe) known.set(endpointKey(io), runtime.now())
  else if (!wasKnown) return
  const latest = [...known].sort(([, a], [, b]) => b - a).slice(0, MAX_ENDPOINTS)
  const verified = latest.map(([endpoint, at]) => ({ endpoint, 'verified-at-ms': at }))
  const content = { 'contract-version': CONTRACT_VERSION, location: canonicalLocation(warehouse), verified }
  await io.write(joinLocation(warehouse, MARKER_NAME), encodeUtf8(printJson(content))).catch(() => undefined)
}

function endpointKey(io: FileIO): string {
  return io.endpoint ?? ''
}

/** Nothing where the marker is damaged, older than what is looked at now, or of the warehouse that this one was copied from. */
async function readVerified(io: FileIO, warehouse: string): Promise<Verified> {
  const marker = joinLocation(warehouse, MARKER_NAME)
  try {
    const content = JsonObject.parse(decodeUtf8(await io.read(marker)), { source: marker })
    if ((content.optionalInt('contract-version') ?? 0) < CONTRACT_VERSION) return new Map()
    if (content.optionalString('location') !== canonicalLocation(warehouse)) return new Map()
    return new Map((content.optionalObjects('verified') ?? []).map((each) => [each.requireString('endpoint'), each.requireSafeInteger('verified-at-ms')]))
  } catch (error) {
    if (isFloeError(error, 'NOT_FOUND', 'CORRUPT')) return new Map()
    throw error
  }
}
