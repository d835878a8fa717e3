import { describe, expect, it } from 'vitest'
import { partitionKey } from '../../src/partition/partition-key.js'
import type { Value } from '../../src/schema/type.js'

describe('partition keys', () => {
  it('NaN equals NaN, null equals null and bytes equal by content (trap 30)', () => {
    expect(partitionKey([NaN])).toBe(partitionKey([0 / 0]))
    expect(partitionKey([null])).toBe(partitionKey([null]))
    expect(partitionKey([Uint8Array.of(1, 2)])).toBe(partitionKey([Uint8Array.of(0, 1, 2).subarray(1)]))
  })

  it('an int and the long it was promoted to have one key', () => {
    expect(partitionKey([5])).toBe(partitionKey([5n]))
  })

  it('values that differ have keys that differ (trap 30)', () => {
    const tuples: readonly (readonly Value[])[] = [
      [null], ['null'], ['null;'], [''], [0], [-0], [NaN], ['NaN'], [false], ['false'], ['0'], [Uint8Array.of()], [Uint8Array.of(0)], [Uint8Array.of(0, 0)],
      ['x00'], ['a', 'b'], ['ab', ''], ['', 'ab'], ['a;s1:b'], [1, 23], [12, 3], [null, null], ['1:a'], ['__proto__'], [1.5], [1n, null], [new Map([[1, 2]])],
    ]
    expect(new Set(tuples.map(partitionKey)).size).toBe(tuples.length)
  })
})
