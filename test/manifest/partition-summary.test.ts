import { describe, expect, it } from 'vitest'
import type { FieldSummary } from '../../src/expression/expression.js'
import { PartitionSummary } from '../../src/manifest/partition-summary.js'
import { decodeValue } from '../../src/schema/single-value.js'
import type { Type, Value } from '../../src/schema/type.js'

function summarise(type: Type, ...values: readonly Value[]): FieldSummary {
  const summary = new PartitionSummary({ kind: 'struct', fields: [{ id: 1000, name: 'p', type, required: false }] })
  for (const value of values) summary.add([value])
  return summary.summaries()[0]!
}

function bounds(type: Type, ...values: readonly Value[]): [Value | undefined, Value | undefined] {
  const { lowerBound, upperBound } = summarise(type, ...values)
  return [lowerBound && decodeValue(type, lowerBound), upperBound && decodeValue(type, upperBound)]
}

describe('PartitionSummary', () => {
  it('keeps string bounds whole, so that the upper one never ends below a value (trap 3)', () => {
    const long = `${'é'.repeat(40)}z`
    expect(bounds({ kind: 'string' }, long, 'm', `${long}😀`)).toEqual(['m', `${long}😀`])
  })

  it('orders strings by code point (trap 4)', () => {
    expect(bounds({ kind: 'string' }, '\ufffd', '😀')).toEqual(['\ufffd', '😀'])
  })

  it('keeps the empty string, zero and false as values (trap 5)', () => {
    expect(bounds({ kind: 'string' }, 'a', '')).toEqual(['', 'a'])
    expect(bounds({ kind: 'int' }, 0, 5)).toEqual([0, 5])
    expect(bounds({ kind: 'boolean' }, false)).toEqual([false, false])
    expect(bounds({ kind: 'binary' }, new Uint8Array(0), Uint8Array.of(0x80))).toEqual([new Uint8Array(0), Uint8Array.of(0x80)])
  })

  it('notes nulls and NaNs and leaves them out of the bounds', () => {
    expect(summarise({ kind: 'double' }, null, Number.NaN)).toEqual({
      containsNull: true, containsNan: true, lowerBound: undefined, upperBound: undefined,
    })
    expect(bounds({ kind: 'double' }, Number.NaN, 2, null, 1, Number.NaN)).toEqual([1, 2])
    expect(summarise({ kind: 'int' }, 1)).toMatchObject({ containsNull: false, containsNan: false })
  })

  it('puts -0 below +0 (trap 6)', () => {
    expect(bounds({ kind: 'float' }, 0, -0)).toEqual([-0, 0])
    expect(bounds({ kind: 'double' }, -0, 0)).toEqual([-0, 0])
  })

  it('is null throughout for a field whose column is gone', () => {
    expect(summarise({ kind: 'unknown' }, null)).toEqual({ containsNull: true, containsNan: false, lowerBound: undefined, upperBound: undefined })
  })

  it('starts anew with each manifest, and keeps nothing of a caller that reuses its bytes (trap 32)', () => {
    const bytes = Uint8Array.of(5)
    const summary = new PartitionSummary({ kind: 'struct', fields: [{ id: 1000, name: 'p', type: { kind: 'binary' }, required: false }] })
    summary.add([bytes])
    bytes[0] = 9
    summary.add([bytes])
    bytes[0] = 1
    expect(summary.summaries()).toMatchObject([{ lowerBound: Uint8Array.of(5), upperBound: Uint8Array.of(9) }])
    expect(summarise({ kind: 'int' }, 3).lowerBound).toEqual(Uint8Array.of(3, 0, 0, 0))
  })
})
