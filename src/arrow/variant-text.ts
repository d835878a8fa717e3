import { hexFromBytes } from '../schema/hex-text.js'
import { foldVariant } from '../schema/variant-format.js'
import type { VariantFold, VariantKind, VariantPrimitive } from '../schema/variant-format.js'
import { compareUtf8 } from '../util/utf8.js'

/**
 * The canonical JSON text of a variant: object members sorted by name, no spaces, integers and decimals in plain digits,
 * floats as JavaScript prints them, other values as text with their kind, as `"date:19000"`.
 *
 * @throws FloeError `CORRUPT` for bytes that are no variant, `UNSUPPORTED` for another version or an unknown primitive.
 */
export function variantText(metadata: Uint8Array, value: Uint8Array): string {
  return foldVariant(metadata, value, text)
}

const text: VariantFold<string> = {
  primitive: primitiveText,
  array: (values) => `[${values.join(',')}]`,
  object(names, values) {
    const members = names.map((name, i) => ({ name, value: values[i]! }))
    members.sort((a, b) => compareUtf8(a.name, b.name))
    return `{${members.map(({ name, value }) => `${JSON.stringify(name)}:${value}`).join(',')}}`
  },
}

function primitiveText(kind: VariantKind, value: VariantPrimitive): string {
  switch (kind) {
    case 'float':
    case 'double':
      return Object.is(value, -0) ? '-0' : String(value as number)
    case 'string':
    case 'uuid':
      return JSON.stringify(value)
    case 'binary':
      return `"hex:${hexFromBytes(value as Uint8Array)}"`
    case 'null':
    case 'boolean':
    case 'int':
    case 'long':
    case 'decimal':
      return String(value as boolean)
    default:
      return `"${kind}:${String(value as bigint)}"`
  }
}
