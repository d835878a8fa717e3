import { FloeError } from '../util/errors.js'
import type { PrimitiveType, Type, VariantType } from './type.js'

/** A type that is written as a string in the schema's JSON. */
export type NamedType = PrimitiveType | VariantType

/** The CRS of geometry and geography types that name none. Spec: Schemas and Data Types › CRS */
export const DEFAULT_CRS = 'OGC:CRS84'

/** The edge interpolation of geography types that name none. */
export const DEFAULT_EDGE_ALGORITHM = 'spherical'

/** Spec: Schemas and Data Types › Edge-Interpolation Algorithm */
export const EDGE_ALGORITHMS: readonly string[] = ['spherical', 'vincenty', 'thomas', 'andoyer', 'karney']

export const MAX_DECIMAL_PRECISION = 38
const MAX_FIXED_LENGTH = 2 ** 31 - 1
/** Longer than any type with a sensible CRS; keeps errors and memory bounded. */
const MAX_TYPE_NAME_LENGTH = 10_000

const PLAIN_TYPES: ReadonlyMap<string, NamedType> = new Map(
  (
    [
      'boolean', 'int', 'long', 'float', 'double', 'date', 'time', 'timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns',
      'string', 'uuid', 'binary', 'unknown', 'variant',
    ] as const
  ).map((kind) => [kind, Object.freeze({ kind })]),
)

/**
 * Reads a type string such as `long`, `decimal(9, 2)` or `geography(EPSG:4326, karney)`: any case, optional white space
 * around parameters, as the reference reads them. Linear in the text.
 *
 * @throws FloeError `UNSUPPORTED` for a type this version does not know, `CORRUPT` for wrong parameters.
 */
// Spec: Appendix C › Schemas
export function parseTypeName(text: string): NamedType {
  if (text.length > MAX_TYPE_NAME_LENGTH) throw new FloeError('CORRUPT', `Type string of ${text.length} characters: ${clip(text)}`)
  const plain = PLAIN_TYPES.get(text.toLowerCase())
  if (plain !== undefined) return plain
  const open = text.search(/[([]/)
  const name = (open < 0 ? text : text.slice(0, open)).trimEnd().toLowerCase()
  switch (name) {
    case 'decimal':
      return parseDecimal(text, parametersOf(text, open, '()'))
    case 'fixed':
      return parseFixed(text, parametersOf(text, open, '[]'))
    case 'geometry':
      return { kind: 'geometry', crs: open < 0 ? undefined : parseCrs(text, parametersOf(text, open, '()')) }
    case 'geography':
      return open < 0 ? { kind: 'geography', crs: undefined, algorithm: undefined } : parseGeography(text, parametersOf(text, open, '()'))
    default:
      throw new FloeError('UNSUPPORTED', `Unknown type ${clip(text)}; it may belong to a newer version of the format`)
  }
}

/**
 * The canonical string of a type, as the reference prints it: `decimal(9, 2)`, `fixed[16]`, `geometry(OGC:CRS84)`.
 *
 * Nested types are printed for messages only: `struct<1: a: required int>`, `list<string>`, `map<string, long>`.
 */
export function printTypeName(type: Type): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'fixed':
      return `fixed[${type.length}]`
    case 'geometry':
      return `geometry(${type.crs ?? DEFAULT_CRS})`
    case 'geography':
      return `geography(${type.crs ?? DEFAULT_CRS}, ${type.algorithm ?? DEFAULT_EDGE_ALGORITHM})`
    case 'struct':
      return `struct<${type.fields
        .map((field) => `${field.id}: ${field.name}: ${field.required ? 'required' : 'optional'} ${printTypeName(field.type)}`)
        .join(', ')}>`
    case 'list':
      return `list<${printTypeName(type.element)}>`
    case 'map':
      return `map<${printTypeName(type.key)}, ${printTypeName(type.value)}>`
    default:
      return type.kind
  }
}

/** What stands between the bracket at `open` and its partner, which must end the text; trimmed. */
function parametersOf(text: string, open: number, brackets: '()' | '[]'): string {
  const end = text.trimEnd()
  if (open < 0 || text[open] !== brackets[0] || !end.endsWith(brackets[1]!)) throw malformed(text)
  return end.slice(open + 1, -1).trim()
}

function parseDecimal(text: string, parameters: string): NamedType {
  const [precision, scale, ...rest] = parameters.split(',').map((part) => parseDigits(part.trim()))
  if (precision === undefined || scale === undefined || rest.length > 0) throw malformed(text)
  if (precision < 1 || precision > MAX_DECIMAL_PRECISION || scale > MAX_DECIMAL_PRECISION) {
    throw new FloeError('CORRUPT', `${clip(text)}: the precision of a decimal is 1 to ${MAX_DECIMAL_PRECISION}, its scale at most that`)
  }
  return { kind: 'decimal', precision, scale }
}

function parseFixed(text: string, parameters: string): NamedType {
  const length = parseDigits(parameters)
  if (length === undefined || length > MAX_FIXED_LENGTH) throw malformed(text)
  return { kind: 'fixed', length }
}

/** Up to ten digits, so that the number is exact. */
function parseDigits(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined
}

function parseCrs(text: string, crs: string): string {
  if (crs === '' || crs.includes(')')) throw malformed(text)
  return crs
}

function parseGeography(text: string, parameters: string): NamedType {
  const comma = parameters.indexOf(',')
  if (comma < 0) return { kind: 'geography', crs: parseCrs(text, parameters), algorithm: undefined }
  const algorithm = parameters.slice(comma + 1).trim().toLowerCase()
  if (!EDGE_ALGORITHMS.includes(algorithm)) {
    throw new FloeError('CORRUPT', `${clip(text)}: the edge interpolation must be one of ${EDGE_ALGORITHMS.join(', ')}`)
  }
  return { kind: 'geography', crs: parseCrs(text, parameters.slice(0, comma).trimEnd()), algorithm }
}

function malformed(text: string): FloeError {
  return new FloeError('CORRUPT', `Malformed type ${clip(text)}`)
}

const SHOWN_CHARACTERS = 80

function clip(text: string): string {
  return JSON.stringify(text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`)
}
