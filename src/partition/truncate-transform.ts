import type { Type, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { humanValue } from './human-value.js'
import type { Transform } from './transform-contract.js'

const TRUNCATABLE: ReadonlySet<Type['kind']> = new Set<Type['kind']>(['int', 'long', 'decimal', 'string', 'binary'])

/** `truncate[W]`: numbers to a multiple of `W`, text to `W` code points, bytes to `W`. Spec: Partitioning › Truncate Transform Details */
export function truncateTransform(width: number): Transform {
  return {
    kind: 'truncate',
    text: `truncate[${width}]`,
    parameter: width,
    preservesOrder: true,
    accepts: (sourceType) => TRUNCATABLE.has(sourceType.kind),
    resultType: (sourceType) => sourceType,
    apply: (sourceType) => truncateFunction(sourceType, width),
    satisfiesOrderOf: (other) => other.kind === 'truncate' && other.parameter! <= width,
    toHumanString: humanValue,
  }
}

/** The first `width` code points of `text`. */
export function truncateText(text: string, width: number): string {
  if (text.length <= width) return text
  let end = 0
  for (let points = 0; points < width && end < text.length; points++) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1
  }
  return end >= text.length ? text : text.slice(0, end)
}

function truncateFunction(type: Type, width: number): (value: Value) => Value {
  switch (type.kind) {
    case 'int':
      return (value) => (value === null ? null : truncateInt(value as number, width))
    case 'long': {
      const wide = BigInt(width)
      return (value) => (value === null ? null : truncateLong(value as bigint, wide))
    }
    case 'decimal': {
      const wide = BigInt(width)
      return (value) => (value === null ? null : (value as bigint) - positiveRemainder(value as bigint, wide))
    }
    case 'string':
      return (value) => (value === null ? null : truncateText(value as string, width))
    case 'binary':
      return (value) => (value === null ? null : truncateBytes(value as Uint8Array, width))
    default:
      throw new FloeError('INVALID', `Cannot truncate values of type ${type.kind}; truncate takes int, long, decimal, string and binary`)
  }
}

// The multiple below the smallest int or long does not exist. The reference wraps it to a large positive value, which breaks
// the order that its own pruning relies on; the smallest value itself keeps it.
const SMALLEST_INT = -(2 ** 31)
const SMALLEST_LONG = -(2n ** 63n)

function truncateInt(value: number, width: number): number {
  const remainder = value % width
  return Math.max(value - (remainder < 0 ? remainder + width : remainder), SMALLEST_INT)
}

function truncateLong(value: bigint, width: bigint): bigint {
  const multiple = value - positiveRemainder(value, width)
  return multiple < SMALLEST_LONG ? SMALLEST_LONG : multiple
}

function positiveRemainder(value: bigint, width: bigint): bigint {
  const remainder = value % width
  return remainder < 0n ? remainder + width : remainder
}

function truncateBytes(value: Uint8Array, width: number): Uint8Array {
  return value.length <= width ? value : value.slice(0, width)
}
