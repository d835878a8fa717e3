/** A catalog in memory whose every request can be counted and broken; Parquet runs on this thread, so that nothing needs waiting for. */
import { openCatalog } from '../../src/index.js'
import type { Catalog, OpenCatalogOptions, Row, Table, TableScan } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { FloeError } from '../../src/util/errors.js'
import { InterceptedFileIO } from './intercepted-file-io.js'
import { locationsBelow } from './locations-below.js'

export interface Lake {
  readonly catalog: Catalog
  readonly io: InterceptedFileIO
  /** Every object there is. */
  files(): Promise<string[]>
  dataFiles(): Promise<string[]>
}

export async function memoryLake(options: OpenCatalogOptions = {}): Promise<Lake> {
  const io = new InterceptedFileIO(new MemoryFileIO())
  const catalog = await openCatalog('memory:', { io, cacheBytes: 0, parquet: { workers: 0 }, ...options })
  const files = (): Promise<string[]> => locationsBelow(io, 'memory:///warehouse')
  return { catalog, io, files, dataFiles: async () => (await files()).filter((file) => file.endsWith('.parquet')) }
}

/** The values of one column over a scan's rows, sorted. */
export async function column(scan: TableScan | Table, name: string): Promise<unknown[]> {
  const rows = await ('scan' in scan ? scan.scan() : scan).rows().toArray()
  return rows.map((row) => row[name]).sort((a, b) => (a! < b! ? -1 : a! > b! ? 1 : 0))
}

/** Rows as texts that compare: members by name, bigints as digits, bytes in hex. */
export function rowTexts(rows: readonly (Row | Record<string, unknown>)[]): string[] {
  return rows.map((row) => JSON.stringify(comparable(row))).sort()
}

function comparable(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value)
  if (value === undefined || value === null) return null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (value instanceof Map) return [...value].map(([key, item]) => [comparable(key), comparable(item)])
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object') return value
  if ('unscaled' in value) return String(value)
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, item]) => [name, comparable(item)]))
}

/** The typed error of `action`; fails when it succeeds or throws another. */
export async function failureOf(action: Promise<unknown>): Promise<FloeError> {
  const error = await action.then(() => undefined, (reason: unknown) => reason)
  if (error instanceof FloeError) return error
  throw new Error(`expected a FloeError, got ${error === undefined ? 'success' : String(error)}`, { cause: error })
}
