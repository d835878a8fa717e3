import { FloeError } from '../../util/errors.js'
import type { JsonObject } from '../../util/json.js'
import type { Runtime } from '../../util/runtime.js'
import { EndpointSet } from './rest-endpoints.js'
import { DEFAULT_NAMESPACE_SEPARATOR, RestPaths } from './rest-paths.js'

/** What the server and the caller agreed on. */
export interface RestConfig {
  /** Defaults of the server, then what the caller said, then overrides of the server. */
  readonly properties: ReadonlyMap<string, string>
  readonly endpoints: EndpointSet
  readonly paths: RestPaths
  /** How long the server remembers an `Idempotency-Key`; `undefined`: it does not. */
  readonly idempotencyLifetimeMs: number | undefined
}

/**
 * Properties that a server must not change: they decide where credentials go. What it sends for them is left out.
 */
const CLIENT_ONLY = /^(?:uri|token|credential|oauth2-server-uri|rest\.auth\..*|header\..*|rest\.sig.*|tls\..*)$/

/** Merges the answer of `v1/config` with what the caller said. Throws `CORRUPT` for an answer that is none. */
export function mergeConfig(answer: JsonObject, own: ReadonlyMap<string, string>): RestConfig {
  const allowed = (properties: ReadonlyMap<string, string> | undefined): readonly (readonly [string, string])[] =>
    [...(properties ?? [])].filter(([name]) => !CLIENT_ONLY.test(name))
  const properties = new Map([...allowed(optionalStrings(answer, 'defaults')), ...own, ...allowed(optionalStrings(answer, 'overrides'))])
  const lifetime = answer.optionalString('idempotency-key-lifetime')
  return {
    properties,
    endpoints: new EndpointSet(answer.optionalStrings('endpoints'), { views: properties.get('view-endpoints-supported') === 'true' }),
    paths: new RestPaths(properties.get('prefix'), separatorOf(properties)),
    idempotencyLifetimeMs: lifetime === undefined ? undefined : parseDuration(lifetime),
  }
}

/** The server's members may be null, and so may their values. */
function optionalStrings(answer: JsonObject, name: string): ReadonlyMap<string, string> | undefined {
  const object = answer.optionalObject(name)
  if (object === undefined) return undefined
  const named = object.names().filter((member) => object.value(member) !== null)
  return new Map(named.map((member) => [member, object.requireString(member)]))
}

function separatorOf(properties: ReadonlyMap<string, string>): string {
  const separator = properties.get('namespace-separator')
  if (separator === undefined || separator === '') return DEFAULT_NAMESPACE_SEPARATOR
  try {
    const plain = decodeURIComponent(separator)
    if (plain === '' || /[/?#]/.test(plain)) throw new FloeError('CORRUPT', 'It would end a path')
    // Sent as the server wrote it: some compare before they decode.
    return separator === plain ? encodeURIComponent(plain) : separator
  } catch (cause) {
    throw new FloeError('CORRUPT', `The catalog's namespace separator ${JSON.stringify(separator.slice(0, 40))} cannot be used`, { cause })
  }
}

const DURATION = /^P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})(?:\.\d{1,9})?S)?)?$/

/** ISO 8601, in milliseconds; `undefined` for what is no duration. */
function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (match === null) return undefined
  const [days, hours, minutes, seconds] = [1, 2, 3, 4].map((group) => Number(match[group] ?? 0)) as [number, number, number, number]
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
}

/** A key for one change and all repetitions of it: a UUID of version 7, RFC 9562. */
export function idempotencyKey(runtime: Runtime): string {
  const time = BigInt(Math.max(0, Math.trunc(runtime.now())))
    .toString(16)
    .padStart(12, '0')
    .slice(-12)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${runtime.uuid().slice(15)}`
}
