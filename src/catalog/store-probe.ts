/** Remembers in the warehouse that its store was found safe. */
import type { FileIO } from '../io/file-io.js'
import { canonicalLocation, joinLocation } from '../io/location.js'
import { JsonObject, printJson } from '../util/json.js'
import { isFloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js'
import { checkStore, requireSafe } from './store-contract.js'

/** Hidden from other engines by its dot. */
const MARKER_NAME = '.floe-store'
/** Higher when more is looked at than before. */
const CONTRACT_VERSION = 1

/**
 * Tries what commits rely on, unless the warehouse says that this was done. Throws `UNSUPPORTED`, naming the property that
 * the store lacks; writing to it would lose commits.
 */
export async function probeStore(io: FileIO, warehouse: string, runtime: Runtime): Promise<void> {
  const marker = joinLocation(warehouse, MARKER_NAME)
  if (await isRemembered(io, marker, warehouse)) return
  requireSafe(await checkStore(io, warehouse, runtime, 'quick'))
  await rememberSafe(io, warehouse, runtime)
}

/** Not being able to remember costs a look the next time. */
export async function rememberSafe(io: FileIO, warehouse: string, runtime: Runtime): Promise<void> {
  const content = { 'contract-version': CONTRACT_VERSION, location: canonicalLocation(warehouse), 'verified-at-ms': runtime.now() }
  await io.write(joinLocation(warehouse, MARKER_NAME), encodeUtf8(printJson(content))).catch(() => undefined)
}

/** A warehouse that was copied to another store has that of the first one: its location tells. */
async function isRemembered(io: FileIO, marker: string, warehouse: string): Promise<boolean> {
  try {
    const content = JsonObject.parse(decodeUtf8(await io.read(marker)), { source: marker })
    const isCurrent = (content.optionalInt('contract-version') ?? 0) >= CONTRACT_VERSION
    return isCurrent && content.optionalString('location') === canonicalLocation(warehouse)
  } catch (error) {
    if (isFloeError(error, 'NOT_FOUND', 'CORRUPT')) return false
    throw error
  }
}
