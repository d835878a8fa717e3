import { floorDivide } from '../schema/temporal-text.js'
import type { PrimitiveType, Type, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { humanValue } from './human-value.js'
import { murmur3, murmur3Bigint, murmur3Int } from './murmur3.js'
import type { Transform } from './transform-contract.js'

const BUCKETABLE: ReadonlySet<Type['kind']> = new Set<PrimitiveType['kind']>([
  'int', 'long', 'decimal', 'date', 'time', 'timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns', 'string', 'uuid', 'fixed', 'binary',
])

/** `bucket[N]`: the hash of a value without its sign bit, modulo `N`. Spec: Partitioning › Bucket Transform Details */
export function bucketTransform(buckets: number): Transform {
  const text = `bucket[${buckets}]`
  return {
    kind: 'bucket',
    text,
    parameter: buckets,
    preservesOrder: false,
    accepts: (sourceType) => BUCKETABLE.has(sourceType.kind),
    resultType: () => ({ kind: 'int' }),
    apply: (sourceType) => bucketFunction(sourceType, buckets),
    satisfiesOrderOf: (other) => other.text === text,
    toHumanString: (_, value) => humanValue({ kind: 'int' }, value),
  }
}

function bucketFunction(type: Type, buckets: number): (value: Value) => Value {
  const hash = hashFunction(type)
  return (value) => (value === null ? null : (hash(value) & 0x7fff_ffff) % buckets)
}

/**
 * The 32-bit hash of non-null values of one type. Spec: Appendix B: 32-bit Hash Requirements
 *
 * @throws FloeError `INVALID` for a type that cannot be bucketed
 */
export function hashFunction(type: Type): (value: Value) => number {
  switch (type.kind) {
    case 'int':
    case 'date':
      return (value) => murmur3Int(value as number)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return (value) => murmur3Bigint(value as bigint)
    case 'timestamp_ns':
    case 'timestamptz_ns':
      // Nanoseconds hash as microseconds, rounded down.
      return (value) => murmur3Bigint(floorDivide(value as bigint, 1000n))
    case 'decimal':
      return (value) => hashDecimal(value as bigint)
    case 'string':
      return (value) => hashString(value as string)
    case 'uuid':
      return (value) => hashUuid(value as string)
    case 'fixed':
    case 'binary':
      return (value) => murmur3(value as Uint8Array)
    default:
      throw new FloeError('INVALID', `Cannot bucket values of type ${type.kind}; bucket takes numbers, dates, times, strings, uuids and bytes`)
  }
}

const scratch = new Uint8Array(1024)
const scratchView = new DataView(scratch.buffer)
const encoder = new TextEncoder()

function hashString(value: string): number {
  // Short ASCII is the common key: cheaper by hand than a call into the encoder.
  if (value.length <= 64) {
    let at = 0
    for (; at < value.length; at++) {
      const unit = value.charCodeAt(at)
      if (unit > 0x7f) break
      scratch[at] = unit
    }
    if (at === value.length) return murmur3(scratch, 0, at)
  }
  if (value.length * 3 > scratch.length) return murmur3(encoder.encode(value))
  return murmur3(scratch, 0, encoder.encodeInto(value, scratch).written)
}

function hashUuid(value: string): number {
  let at = 0
  for (let index = 0; index < value.length; index += 2) {
    if (value.charCodeAt(index) === 0x2d) index++
    scratch[at++] = (hexDigit(value.charCodeAt(index)) << 4) | hexDigit(value.charCodeAt(index + 1))
  }
  return murmur3(scratch, 0, at)
}

function hexDigit(unit: number): number {
  return unit <= 0x39 ? unit - 0x30 : (unit | 0x20) - 0x57
}

/** Decimals hash as the fewest big-endian two's complement bytes that hold the unscaled value; the sign bit counts. */
function hashDecimal(unscaled: bigint): number {
  let rest = unscaled
  let start = scratch.length
  while (BigInt.asIntN(64, rest) !== rest) {
    start -= 8
    scratchView.setBigInt64(start, rest)
    rest >>= 64n
  }
  start -= 8
  scratchView.setBigInt64(start, rest)
  const end = scratch.length
  const sign = scratch[start]! >> 7 === 1 ? 0xff : 0
  while (start < end - 1 && scratch[start] === sign && scratch[start + 1]! >> 7 === sign >> 7) start++
  return murmur3(scratch, start, end)
}
