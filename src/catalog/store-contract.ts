/** What commits rely on of a store, tried on objects of its own. */
import type { FileIO } from '../io/file-io.js'
import { joinLocation } from '../io/location.js'
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
/** Larger than one part of an upload. */
const MULTIPART_BYTES = 17 * 2 ** 20

/**
 * Tries the contract of conditional writes. `quick` looks at what commits need and costs some forty small requests; `full` adds
 * uploads in parts, replacement under a condition, listings and etags, which tell of quirks that other tools may stumble on.
 */
export async function checkStore(io: FileIO, folder: string, runtime: Runtime, depth: 'quick' | 'full'): Promise<StoreReport> {
  const trial = new StoreTrial(io, folder, runtime)
  try {
    const properties = [await trial.createOnce(), await trial.createIfAbsent()]
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
    this.#folder = folder
    this.#runtime = runtime
  }

  async createOnce(): Promise<StoreProperty> {
    const location = this.#newLocation()
    const bodies = Array.from({ length: RACERS }, () => this.#body())
    const wins = await Promise.all(bodies.map((body) => this.#creates(location, body)))
    const winners = bodies.filter((_, i) => wins[i] === true)
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
    const etag = (await this.#io.head(location))?.etag
    if (etag === undefined) return [absent('replace-once'), absent('stale-match-refused'), absent('distinct-etags')]
    const wins = await Promise.all(Array.from({ length: RACERS }, () => this.#replaces(location, this.#body(), etag)))
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

  async remove(): Promise<void> {
    await this.#io.delete(this.#locations).catch(() => undefined)
  }

  #newLocation(): string {
    const location = joinLocation(this.#folder, `.floe-probe-${this.#runtime.uuid()}`)
    this.#locations.push(location)
    return location
  }

  #body(): Uint8Array {
    return encodeUtf8(this.#runtime.uuid())
  }

  async #read(location: string): Promise<Uint8Array | undefined> {
    return this.#io.read(location).catch(() => undefined)
  }

  async #creates(location: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<boolean> {
    try {
      await this.#io.write(location, body, { ifNoneMatch: '*' })
      return true
    } catch (error) {
      if (isFloeError(error, 'ALREADY_EXISTS', 'CONFLICT')) return false
      // A lost answer proves nothing either way: what is there decides.
      if (!isFloeError(error, 'COMMIT_STATE_UNKNOWN') || !(body instanceof Uint8Array)) throw error
      const seen = await this.#read(location)
      return seen !== undefined && compareBytes(seen, body) === 0
    }
  }

  async #replaces(location: string, body: Uint8Array, etag: string): Promise<boolean> {
    try {
      await this.#io.write(location, body, { ifMatch: etag })
      return true
    } catch (error) {
      if (isFloeError(error, 'CONFLICT', 'ALREADY_EXISTS', 'COMMIT_STATE_UNKNOWN', 'UNSUPPORTED')) return false
      throw error
    }
  }
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
  return { name, holds: undefined, isRequired: false, detail: 'the store has no etags' }
}
