/** What commits rely on of a store, tried on objects of its own. */
import type { FileIO, WriteOptions } from '../io/file-io.js'
import { asFolder, joinLocation, parseLocation } from '../io/location.js'
import { FloeError, isFloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { compareBytes, encodeUtf8 } from '../util/utf8.js'

export type StorePropertyName =
  | 'create-once'
  | 'create-if-absent'
  | 'read-after-write'
  | 'create-after-delete'
  | 'list-after-write'
  | 'create-if-absent-multipart'
  | 'replace-once'
  | 'stale-match-refused'
  | 'distinct-etags'

export interface StoreProperty {
  readonly name: StorePropertyName
  /** `undefined`: the store does not offer what the property is about. */
  readonly holds: boolean | undefined
  /** Whether commits are unsafe without it. */
  readonly isRequired: boolean
  readonly detail: string
}

export interface StoreReport {
  /** The folder that was tried. */
  readonly location: string
  readonly properties: readonly StoreProperty[]
  /** Whether every required property holds. */
  readonly isSafe: boolean
}

const RACERS = 32
/** More than a server takes in before it looks at conditions; a version's metadata is about as large. */
const LARGE_BYTES = 64 * 2 ** 10
/** For what is on its way to arrive, so that the last bytes meet as many writes under way as there can be. */
const SETTLING_MS = 50
/** A store that takes few requests at once holds back the others. */
const LONGEST_WAIT_MS = 1000
/** Some stores keep an object listed after they said that it was deleted. */
const REMOVALS = 5
/** Larger than one part of an upload. */
const MULTIPART_BYTES = 17 * 2 ** 20

/**
 * Tries the contract of conditional writes on objects in a folder of its own, which it removes. `quick` looks at what commits
 * need and costs some fifty requests and 2 MiB; `full` adds uploads in parts, replacement under a condition, listings and
 * etags, which tell of quirks that other tools may stumble on.
 */
export async function checkStore(io: FileIO, folder: string, runtime: Runtime, depth: 'quick' | 'full'): Promise<StoreReport> {
  const trial = new StoreTrial(io, folder, runtime)
  try {
    const properties = [await trial.createOnce(depth), await trial.createIfAbsent()]
    properties.push(await trial.readAfterWrite(), await trial.createAfterDelete())
    if (depth === 'full') properties.push(await trial.listAfterWrite(), await trial.multipart(), ...(await trial.replacement()))
    return { location: folder, properties, isSafe: properties.every(({ holds, isRequired }) => holds !== false || !isRequired) }
  } finally {
    await trial.remove()
  }
}

/** Throws `UNSUPPORTED`, naming what the store lacks, unless it is safe. */
export function requireSafe(report: StoreReport): void {
  const lacking = report.properties.find(({ holds, isRequired }) => isRequired && holds === false)
  if (lacking === undefined) return
  throw new FloeError(
    'UNSUPPORTED',
    `The store does not keep its conditions (${lacking.name}): ${lacking.detail}. Commits to it could be lost; use another store, ` +
      "or accept the risk for a single writer with verifyStore: 'never'",
    { file: report.location },
  )
}

class StoreTrial {
  readonly #io: FileIO
  readonly #folder: string
  readonly #runtime: Runtime
  readonly #locations: string[] = []

  constructor(io: FileIO, folder: string, runtime: Runtime) {
    this.#io = io
    this.#folder = joinLocation(folder, `.floe-probe-${runtime.uuid()}`)
    this.#runtime = runtime
  }

  /**
   * All wait with their last byte for each other: a store that looks whether the object exists and only then takes it in, or
   * puts it in place, lets more than one through. `full` tries small objects too, which a server may treat in another way.
   */
  async createOnce(depth: 'quick' | 'full'): Promise<StoreProperty> {
    const small = depth === 'quick' ? undefined : await this.#createAtOnce(Array.from({ length: RACERS }, () => this.#body()))
    if (small?.holds === false) return small
    const gate = new Gate(this.#runtime, RACERS)
    const large = Array.from({ length: RACERS }, () => this.#body(LARGE_BYTES))
    return this.#createAtOnce(large, () => gate.pass()).finally(() => { gate.open() })
  }

  async #createAtOnce(bodies: readonly Uint8Array[], hold?: WriteOptions['beforeLastByte']): Promise<StoreProperty> {
    const location = this.#newLocation()
    const outcomes = await Promise.allSettled(bodies.map((body) => this.#creates(location, body, hold)))
    const winners = bodies.filter((_, i) => {
      const outcome = outcomes[i]!
      return outcome.status === 'fulfilled' && outcome.value
    })
    for (const outcome of outcomes) {
      // Where one succeeded, a store that was too busy for others has shown what it does.
      if (outcome.status === 'rejected' && !(winners.length > 0 && isFloeError(outcome.reason, 'UNAVAILABLE'))) throw outcome.reason
    }
    const seen = await this.#read(location)
    const isWinner = winners.length === 1 && seen !== undefined && compareBytes(seen, winners[0]!) === 0
    const outcome = `of ${RACERS} creations of one object at once, ${winners.length} succeeded`
    if (winners.length !== 1) return required('create-once', false, `${outcome} instead of one`)
    return required('create-once', isWinner, isWinner ? outcome : `${outcome}, and another one's content is there`)
  }

  async createIfAbsent(): Promise<StoreProperty> {
    const location = this.#newLocation()
    const first = await this.#creates(location, this.#body())
    const again = await this.#creates(location, this.#body())
    const holds = first && !again
    return required('create-if-absent', holds, holds ? 'an object that exists is not created again' : 'it created an object that existed already')
  }

  async readAfterWrite(): Promise<StoreProperty> {
    const location = this.#newLocation()
    const body = this.#body()
    await this.#creates(location, body)
    const seen = await this.#read(location)
    const status = await this.#io.head(location)
    const holds = seen !== undefined && compareBytes(seen, body) === 0 && status?.sizeBytes === body.length
    return required('read-after-write', holds, holds ? 'what was written is read at once' : 'what was written is not what is read at once')
  }

  async createAfterDelete(): Promise<StoreProperty> {
    const location = this.#newLocation()
    await this.#creates(location, this.#body())
    await this.#io.delete([location])
    const gone = (await this.#io.head(location)) === undefined
    const body = this.#body()
    const made = await this.#creates(location, body)
    const seen = await this.#read(location)
    const holds = gone && made && seen !== undefined && compareBytes(seen, body) === 0
    const detail = holds ? 'a deleted object can be created again' : gone ? 'a deleted object could not be created again' : 'a deleted object was still there'
    return required('create-after-delete', holds, detail)
  }

  async listAfterWrite(): Promise<StoreProperty> {
    const location = this.#newLocation()
    await this.#creates(location, this.#body())
    let holds = false
    for await (const status of this.#io.list(this.#folder)) if (status.location === location) holds = true
    return optional('list-after-write', holds, holds ? 'a new object is listed at once' : 'a new object is not listed at once: listings are stale')
  }

  async multipart(): Promise<StoreProperty> {
    const location = this.#newLocation()
    await this.#creates(location, this.#body())
    const overwrote = await this.#creates(location, pieces())
    const detail = overwrote ? 'an upload in parts replaced an object that existed' : 'an upload in parts does not replace an object that exists'
    return optional('create-if-absent-multipart', !overwrote, detail)
  }

  /** Properties of replacement under a condition, which commits here do without. */
  async replacement(): Promise<readonly StoreProperty[]> {
    const location = this.#newLocation()
    const first = this.#body()
    await this.#creates(location, first)
    const etag = await this.#replacedEtag(location, first)
    if (etag === undefined) return [absent('replace-once'), absent('stale-match-refused'), absent('distinct-etags')]
    const gate = new Gate(this.#runtime, RACERS)
    const replacing = Array.from({ length: RACERS }, () => this.#replaces(location, this.#body(LARGE_BYTES), etag, () => gate.pass()))
    const wins = await allSettled(replacing).finally(() => { gate.open() })
    const count = wins.filter((win) => win).length
    const stale = await this.#replaces(location, this.#body(), etag)
    await this.#io.write(location, first)
    const returned = (await this.#io.head(location))?.etag
    return [
      optional('replace-once', count === 1, `of ${RACERS} replacements of one version at once, ${count} succeeded`),
      optional('stale-match-refused', !stale, stale ? 'a version that was gone was replaced' : 'a version that is gone is not replaced'),
      optional('distinct-etags', returned !== etag, returned === etag ? 'the etag of equal content is the same again' : 'each version has its own etag'),
    ]
  }

  /** The etag of an object after it was replaced by itself; undefined where the store does no such thing. */
  async #replacedEtag(location: string, body: Uint8Array): Promise<string | undefined> {
    const etag = (await this.#io.head(location))?.etag
    if (etag === undefined) return undefined
    try {
      await this.#io.write(location, body, { ifMatch: etag })
    } catch (error) {
      if (isFloeError(error, 'UNSUPPORTED')) return undefined
      if (!isFloeError(error, 'CONFLICT', 'ALREADY_EXISTS', 'COMMIT_STATE_UNKNOWN')) throw error
    }
    return (await this.#io.head(location))?.etag
  }

  /** As far as the store lets it: what is still listed is deleted again. */
  async remove(): Promise<void> {
    const { scheme } = parseLocation(this.#folder)
    try {
      await this.#io.delete(this.#locations)
      for (let removal = 1; removal < REMOVALS; removal++) {
        const left: string[] = []
        for await (const { location } of this.#io.list(this.#folder)) left.push(location)
        if (left.length === 0) break
        // What a store forgot to delete, after writes that overlapped, it deletes once it is written again.
        for (const location of left) await this.#io.write(location, this.#body())
        await this.#io.delete(left)
      }
      // Elsewhere a folder is gone with its last object.
      if (scheme === 'file') await this.#io.delete([asFolder(this.#folder)])
    } catch {
      // The report tells of a store that cannot delete.
    }
  }

  #newLocation(): string {
    const location = joinLocation(this.#folder, String(this.#locations.length))
    this.#locations.push(location)
    return location
  }

  /** No two are the same. */
  #body(sizeBytes = 0): Uint8Array {
    return encodeUtf8(this.#runtime.uuid().padEnd(sizeBytes))
  }

  async #read(location: string): Promise<Uint8Array | undefined> {
    return this.#io.read(location).catch(() => undefined)
  }

  async #creates(
    location: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    beforeLastByte?: WriteOptions['beforeLastByte'],
  ): Promise<boolean> {
    try {
      await this.#io.write(location, body, { ifNoneMatch: '*', beforeLastByte })
      return true
    } catch (error) {
      if (isFloeError(error, 'ALREADY_EXISTS', 'CONFLICT')) return false
      // A lost answer proves nothing either way: what is there decides.
      if (!isFloeError(error, 'COMMIT_STATE_UNKNOWN')) throw error
      const seen = body instanceof Uint8Array ? await this.#read(location) : undefined
      if (seen !== undefined) return compareBytes(seen, body as Uint8Array) === 0
      throw new FloeError('UNAVAILABLE', `The store could not be tried, as its answers were lost; try again (${error.message})`, { file: location })
    }
  }

  async #replaces(location: string, body: Uint8Array, ifMatch: string, beforeLastByte?: WriteOptions['beforeLastByte']): Promise<boolean> {
    try {
      await this.#io.write(location, body, { ifMatch, beforeLastByte })
      return true
    } catch (error) {
      if (isFloeError(error, 'CONFLICT', 'ALREADY_EXISTS', 'COMMIT_STATE_UNKNOWN', 'UNSUPPORTED')) return false
      throw error
    }
  }
}

/** Holds writes back until all are there. */
class Gate {
  readonly #runtime: Runtime
  readonly #expected: number
  readonly #waiting = new AbortController()
  readonly #opened: Promise<void>
  #open: () => void = () => undefined
  #held = 0

  constructor(runtime: Runtime, expected: number) {
    this.#runtime = runtime
    this.#expected = expected
    this.#opened = new Promise((resolve) => { this.#open = resolve })
  }

  pass(): Promise<void> {
    this.#held++
    if (this.#held === 1) this.#openAfter(LONGEST_WAIT_MS)
    if (this.#held === this.#expected) this.#openAfter(SETTLING_MS)
    return this.#opened
  }

  open(): void {
    this.#open()
    this.#waiting.abort()
  }

  #openAfter(ms: number): void {
    this.#runtime.sleep(ms, this.#waiting.signal).then(() => { this.open() }, () => undefined)
  }
}

/** Waits for all, so that none is under way when another's failure is thrown. */
async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}

async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
  const piece = new Uint8Array(2 ** 20)
  for (let bytes = 0; bytes < MULTIPART_BYTES; bytes += piece.length) yield await Promise.resolve(piece)
}

function required(name: StorePropertyName, holds: boolean, detail: string): StoreProperty {
  return { name, holds, isRequired: true, detail }
}

function optional(name: StorePropertyName, holds: boolean, detail: string): StoreProperty {
  return { name, holds, isRequired: false, detail }
}

function absent(name: StorePropertyName): StoreProperty {
  return { name, holds: undefined, isRequired: false, detail: 'the store replaces nothing on a condition; no commit relies on it' }
}
