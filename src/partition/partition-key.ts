import { hexFromBytes } from '../schema/hex-text.js'
import type { Value } from '../schema/type.js'

/**
 * A text that two tuples of one spec share exactly when they are the same partition: null equals null, NaN equals NaN, `-0.0`
 * differs from `0.0`, bytes compare by content, and an integer keeps its key when its column is promoted from `int` to `long`.
 * Source: the reference's `StructLikeWrapper` over its type comparators
 */
export function partitionKey(tuple: readonly Value[]): string {
  let key = ''
  for (const value of tuple) key += valueKey(value)
  return key
}

/** Every form ends in a mark that its body cannot hold, or starts with its length: concatenations stay unambiguous. */
function valueKey(value: Value): string {
  switch (typeof value) {
    case 'string':
      return `s${value.length}:${value}`
    case 'bigint':
      return `${value};`
    case 'number':
      return value === 0 && Object.is(value, -0) ? '-0;' : `${value};`
    case 'boolean':
      return value ? 'true;' : 'false;'
    default:
      if (value === null) return 'null;'
      return value instanceof Uint8Array ? `x${hexFromBytes(value)};` : `{${[...value].map(([id, member]) => `${id}=${valueKey(member)}`).join('')}};`
  }
}
