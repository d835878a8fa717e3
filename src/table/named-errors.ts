import { printTableIdentifier } from '../catalog/table-identifier.js'
import type { TableIdentifier } from '../catalog/catalog-backend.js'
import { abortedError } from '../io/aborted.js'
import { FloeError } from '../util/errors.js'

/**
 * The typed form of what went wrong with a table: errors name the table, and an abort is `ABORTED` whatever the layer below
 * threw when it noticed.
 */
export function errorOfTable(error: unknown, table: TableIdentifier, signal?: AbortSignal): unknown {
  const typed = signal?.aborted === true && !(error instanceof FloeError) ? abortedError(signal) : error
  if (!(typed instanceof FloeError) || typed.table !== undefined) return typed
  return typed.withTable(printTableIdentifier(table))
}

/** Runs `work`; what it throws names the table. */
export function namingTable<T>(table: TableIdentifier, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw errorOfTable(error, table)
  }
}

/** Awaits `work`; what it throws names the table. */
export async function namingTableAsync<T>(table: TableIdentifier, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw errorOfTable(error, table, signal)
  }
}

/** Passes a stream on; what it throws names the table. */
export async function* namingTableOf<T>(
  table: TableIdentifier,
  open: () => AsyncIterable<T> | Promise<AsyncIterable<T>>,
  signal?: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* await open()
  } catch (error) {
    throw errorOfTable(error, table, signal)
  }
}
