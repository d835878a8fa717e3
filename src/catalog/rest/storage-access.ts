/** Which store, with which credentials, serves a table's files: from what the catalog sends with the table. */
import type { AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ReadOptions, WriteOptions } from '../../io/file-io.js'
import { canonicalLocation, canonicalScheme } from '../../io/location.js'
import type { S3Credentials, S3FileIOOptions } from '../../io/s3-options.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import type { JsonObject } from '../../util/json.js'
import type { Runtime } from '../../util/runtime.js'

/** Credentials for the locations that start with a prefix. */
export interface StorageCredential {
  readonly prefix: string
  readonly config: ReadonlyMap<string, string>
}

/** Opens a store for `location`. `s3` is what the catalog says of it; absent where it says nothing. */
export type OpenStore = (location: string, s3: S3FileIOOptions | undefined) => FileIO

export interface StorageAccess {
  readonly config: ReadonlyMap<string, string>
  readonly credentials: readonly StorageCredential[]
  /** Asks the catalog for the credentials anew; absent where it does not offer that. */
  readonly renew?: (() => Promise<readonly StorageCredential[]>) | undefined
  readonly open: OpenStore
  readonly runtime: Runtime
}

export function parseStorageCredentials(answer: JsonObject): readonly StorageCredential[] {
  return (answer.optionalObjects('storage-credentials') ?? []).map((credential) => ({
    prefix: credential.requireString('prefix'),
    config: credential.requireStringMap('config'),
  }))
}

/** Every secret in what the catalog sent. */
export function storageSecrets(config: ReadonlyMap<string, string>, credentials: readonly StorageCredential[]): readonly string[] {
  return [config, ...credentials.map((credential) => credential.config)].flatMap((properties) =>
    [...properties].filter(([name, value]) => isSecretName(name) && !PLAIN_VALUE.test(value)).map(([, value]) => value),
  )
}

/** Whether properties of that name hold secrets, as a rule: some only speak of one. */
export function isSecretName(name: string): boolean {
  return SECRET_NAMES.test(name)
}

const SECRET_NAMES =
  /secret|password|credential|sas|:token-type:|token(?!-(?:expires|refresh-enabled|exchange|provider))|access-key|account\.key|(?:sse|client)\.key|connection-string|^header\.|authorization|cookie/i
/** Of members that only speak of a secret: when it expires, whether it is renewed. */
const PLAIN_VALUE = /^(?:true|false|-?\d*)$/i
const DEFAULT_PREFIX = ''
/** Credentials with less left than this are renewed before they are used. */
const MARGIN_MS = 60_000
/** Refusals soon after a renewal are about permissions. */
const RENEWAL_PAUSE_MS = 10_000

/**
 * A FileIO that picks the credentials whose prefix is the longest that a location starts with, and renews them through the
 * catalog before they expire. Credentials are never used for a location outside their prefix.
 */
export class TableStore implements FileIO {
  #access: StorageAccess
  readonly #stores = new Map<string, FileIO>()
  #credentials: readonly StorageCredential[]
  #renewal: Promise<void> | undefined
  #renewedAtMs = -Infinity
  /** Stores whose credentials were refused; requests of theirs may still be under way. */
  readonly #replaced: FileIO[] = []

  constructor(access: StorageAccess) {
    this.#access = access
    this.#credentials = access.credentials
  }

  /** Goes on with newer credentials for the same stores; false when the catalog names other stores by now. */
  update(access: StorageAccess): boolean {
    if (placeOf(access) !== placeOf(this.#access)) return false
    this.#access = access
    this.#credentials = access.credentials
    return true
  }

  /** Takes further credentials, in place of those for the same prefix. */
  useCredentials(credentials: readonly StorageCredential[]): void {
    const given = new Set(credentials.map(({ prefix }) => prefix))
    this.#credentials = [...this.#credentials.filter(({ prefix }) => !given.has(prefix)), ...credentials]
  }

  read(location: string, options?: ReadOptions): Promise<Uint8Array> {
    return this.#renewing(location, (store) => store.read(location, options))
  }

  readMany(location: string, ranges: readonly ByteRange[], options?: AbortOptions): Promise<Uint8Array[]> {
    return this.#renewing(location, (store) => store.readMany(location, ranges, options))
  }

  write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectStatus> {
    // What was refused had no effect; a stream is spent by then.
    if (!(body instanceof Uint8Array)) return this.#of(location).write(location, body, options)
    return this.#renewing(location, (store) => store.write(location, body, options))
  }

  head(location: string): Promise<ObjectStatus | undefined> {
    return this.#renewing(location, (store) => store.head(location))
  }

  list(prefix: string, options?: AbortOptions): AsyncIterable<ObjectStatus> {
    return this.#listing(prefix, (store) => store.list(prefix, options))
  }

  listFolder(folder: string, options?: AbortOptions): AsyncIterable<FolderEntry> {
    return this.#listing(folder, (store) => {
      if (store.listFolder === undefined) throw new FloeError('UNSUPPORTED', 'This store does not list folders')
      return store.listFolder(folder, options)
    })
  }

  async delete(locations: readonly string[]): Promise<void> {
    const groups = new Map<FileIO, string[]>()
    for (const location of locations) {
      const store = this.#of(location)
      const group = groups.get(store)
      if (group === undefined) groups.set(store, [location])
      else group.push(location)
    }
    for (const group of groups.values()) await this.#renewing(group[0]!, (store) => store.delete(group))
  }

  async close(): Promise<void> {
    for (const store of [...this.#stores.values(), ...this.#replaced.splice(0)]) await store.close?.()
  }

  /** Once more with other credentials, when those that the catalog gave are refused and it has others by now. */
  async #renewing<T>(location: string, action: (store: FileIO) => Promise<T>): Promise<T> {
    const store = this.#of(location)
    try {
      return await action(store)
    } catch (error) {
      if (!isFloeError(error, 'UNAUTHORIZED') || !(await this.#replace(location, store))) throw error
      return action(this.#of(location))
    }
  }

  /** Again from the start, as long as nothing of the list has been seen. */
  async *#listing<T>(location: string, list: (store: FileIO) => AsyncIterable<T>): AsyncGenerator<T> {
    const store = this.#of(location)
    let isBegun = false
    try {
      for await (const entry of list(store)) {
        isBegun = true
        yield entry
      }
      return
    } catch (error) {
      if (isBegun || !isFloeError(error, 'UNAUTHORIZED') || !(await this.#replace(location, store))) throw error
    }
    yield* list(this.#of(location))
  }

  /** Whether there is a store to take the place of one that refused: others may have replaced it already. */
  async #replace(location: string, store: FileIO): Promise<boolean> {
    const { prefix, key } = this.#placeOf(location)
    if (this.#stores.get(key) !== store) return true
    const { renew, runtime } = this.#access
    const before = this.#configOf(prefix).get('s3.access-key-id')
    if (renew === undefined || before === undefined || runtime.now() - this.#renewedAtMs < RENEWAL_PAUSE_MS) return false
    await this.#renew(renew).catch(() => undefined)
    if (this.#stores.get(key) !== store) return true
    if (this.#configOf(prefix).get('s3.access-key-id') === before) return false
    this.#stores.delete(key)
    this.#replaced.push(store)
    return true
  }

  #placeOf(location: string): { readonly scheme: string; readonly prefix: string; readonly key: string } {
    const place = canonicalLocation(location)
    const prefix = longestPrefix(place, this.#credentials)?.prefix ?? DEFAULT_PREFIX
    const scheme = place.slice(0, place.indexOf(':') + 1)
    return { scheme, prefix, key: `${scheme} ${prefix}` }
  }

  #of(location: string): FileIO {
    const { scheme, prefix, key } = this.#placeOf(location)
    const known = this.#stores.get(key)
    if (known !== undefined) return known
    const store = this.#access.open(location, scheme === 's3:' ? this.#s3Options(prefix) : undefined)
    this.#stores.set(key, store)
    return store
  }

  #s3Options(prefix: string): S3FileIOOptions | undefined {
    const config = this.#configOf(prefix)
    const endpoint = config.get('s3.endpoint')
    const region = config.get('client.region') ?? config.get('s3.region')
    const pathStyle = config.get('s3.path-style-access')
    const hasCredentials = config.get('s3.access-key-id') !== undefined && config.get('s3.secret-access-key') !== undefined
    if (!hasCredentials && config.get('s3.remote-signing-enabled') === 'true') {
      const message = 'The catalog wants to sign every request to the store itself (s3.remote-signing-enabled), which is not supported'
      throw new FloeError('UNSUPPORTED', `${message}: have it vend credentials`)
    }
    const options: S3FileIOOptions = {
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
      ...(pathStyle === undefined ? {} : { forcePathStyle: pathStyle === 'true' }),
      ...(hasCredentials ? { credentials: () => this.#s3Credentials(prefix) } : {}),
    }
    return Object.keys(options).length === 0 ? undefined : options
  }

  async #s3Credentials(prefix: string): Promise<S3Credentials> {
    if (this.#isDue(prefix) && this.#access.renew !== undefined) await this.#renew(this.#access.renew)
    const config = this.#configOf(prefix)
    const [accessKeyId, secretAccessKey] = [config.get('s3.access-key-id'), config.get('s3.secret-access-key')]
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      throw new FloeError('UNAUTHORIZED', 'The catalog sent no credentials for these files any more: load the table again', { file: prefix })
    }
    const expiresAtMs = expiryOf(config)
    return {
      accessKeyId,
      secretAccessKey,
      sessionToken: config.get('s3.session-token'),
      // The client asks again this early.
      ...(expiresAtMs === undefined ? {} : { expiration: new Date(expiresAtMs) }),
    }
  }

  #isDue(prefix: string): boolean {
    const expiresAtMs = expiryOf(this.#configOf(prefix))
    return expiresAtMs !== undefined && expiresAtMs - MARGIN_MS <= this.#access.runtime.now()
  }

  /** Requests that find old credentials at the same time wait for one renewal. */
  async #renew(renew: () => Promise<readonly StorageCredential[]>): Promise<void> {
    this.#renewal ??= renew()
      .then((credentials) => {
        this.#credentials = credentials
        this.#renewedAtMs = this.#access.runtime.now()
      })
      .finally(() => {
        this.#renewal = undefined
      })
    await this.#renewal
  }

  /** What the table's configuration says, and the credentials of a prefix above it. */
  #configOf(prefix: string): ReadonlyMap<string, string> {
    const credential = this.#credentials.find((candidate) => candidate.prefix === prefix)
    return credential === undefined ? this.#access.config : new Map([...this.#access.config, ...credential.config])
  }
}

/** Everything but credentials that decides which store is opened. */
function placeOf({ config, credentials }: StorageAccess): string {
  const named = [{ prefix: DEFAULT_PREFIX, config }, ...credentials]
  const places = named.map(({ prefix, config: properties }) => [prefix, ...STORE_PROPERTIES.map((name) => properties.get(name) ?? null), properties.has('s3.access-key-id')])
  return JSON.stringify(places)
}

const STORE_PROPERTIES = ['s3.endpoint', 'client.region', 's3.region', 's3.path-style-access'] as const

function longestPrefix(location: string, credentials: readonly StorageCredential[]): StorageCredential | undefined {
  let best: StorageCredential | undefined
  for (const credential of credentials) {
    if (covers(credential.prefix, location) && credential.prefix.length >= (best?.prefix.length ?? 0)) best = credential
  }
  return best
}

/** `s3` alone stands for everything in S3; other prefixes end at a slash or where the location does. */
function covers(asWritten: string, location: string): boolean {
  if (!asWritten.includes('/')) return location.startsWith(`${canonicalScheme(asWritten.replace(/:$/, ''))}:`)
  const prefix = canonicalLocation(asWritten)
  if (!location.startsWith(prefix)) return false
  return prefix.endsWith('/') || location.length === prefix.length || location[prefix.length] === '/'
}

function expiryOf(config: ReadonlyMap<string, string>): number | undefined {
  const text = config.get('s3.session-token-expires-at-ms') ?? config.get('expiration-time')
  const time = text === undefined ? Number.NaN : Number(text)
  return Number.isFinite(time) ? time : undefined
}
