import type { FileIO } from '../io/file-io.js'
import { joinLocation } from '../io/location.js'
import { FloeError, isFloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { compareBytes } from '../util/utf8.js'

const RACERS = 4

/**
 * Tries, on an object of its own in `folder`, what commits rely on: of creators at once exactly one succeeds, an existing
 * object is not created again, and what was written is read at once. Throws `UNSUPPORTED`, naming the property that the
 * store lacks; writing to it would lose commits.
 */
export async function probeStore(io: FileIO, folder: string, runtime: Runtime): Promise<void> {
  const location = joinLocation(folder, `.floe-probe-${runtime.uuid()}`)
  try {
    const bodies = Array.from({ length: RACERS }, () => new TextEncoder().encode(runtime.uuid()))
    const wins = await Promise.all(bodies.map((body) => creates(io, location, body)))
    const winners = bodies.filter((_, i) => wins[i] === true)
    if (winners.length !== 1) throw lacks(location, `of ${RACERS} creations of one object at once, ${winners.length} succeeded instead of one`)
    if (await creates(io, location, bodies[0]!)) throw lacks(location, 'it created an object that existed already')
    const seen = await io.read(location).catch(() => new Uint8Array(0))
    if (compareBytes(seen, winners[0]!) !== 0) throw lacks(location, 'what was written is not what is read at once')
  } finally {
    await io.delete([location]).catch(() => undefined)
  }
}

async function creates(io: FileIO, location: string, body: Uint8Array): Promise<boolean> {
  try {
    await io.write(location, body, { ifNoneMatch: '*' })
    return true
  } catch (error) {
    if (isFloeError(error, 'ALREADY_EXISTS', 'CONFLICT')) return false
    // A lost answer proves nothing either way: what is there decides.
    if (isFloeError(error, 'COMMIT_STATE_UNKNOWN')) return compareBytes(await io.read(location), body) === 0
    throw error
  }
}

function lacks(location: string, property: string): FloeError {
  return new FloeError(
    'UNSUPPORTED',
    `The store does not keep its conditions (If-None-Match): ${property}. Commits to it could be lost; use another store, ` +
      "or accept the risk for a single writer with verifyStore: 'never'",
    { file: location },
  )
}
