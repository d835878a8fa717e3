import { describe, expect, it } from 'vitest'
import { compareValues } from '../../src/schema/compare-values.js'
import type { Type, Value } from '../../src/schema/type.js'
import { codeThrownBy } from '../support/thrown.js'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** In ascending order. */
const orders: readonly [Type, readonly Value[]][] = [
  [{ kind: 'boolean' }, [null, false, true]],
  [{ kind: 'int' }, [null, -2147483648, -1, 0, 1, 2147483647]],
  [{ kind: 'long' }, [null, -(2n ** 63n), -1n, 0n, 9007199254740992n, 9007199254740993n, 2n ** 63n - 1n]],
  [{ kind: 'double' }, [null, -Infinity, -1, -Number.MIN_VALUE, -0, 0, Number.MIN_VALUE, 1, Infinity, NaN]],
  [{ kind: 'float' }, [null, -Infinity, -0, 0, Infinity, NaN]],
  [{ kind: 'decimal', precision: 38, scale: 2 }, [null, -(10n ** 37n), -1n, 0n, 10n ** 37n]],
  [{ kind: 'date' }, [null, -1, 0, 1]],
  [{ kind: 'timestamp_ns' }, [null, -1n, 0n, 1n]],
  [{ kind: 'string' }, [null, '', '\u0000', 'A', 'Z', 'a', 'aa', 'é', '\ud7ff', '\ue000', '\ufffd', '\uffff', '😀', '\u{10ffff}']],
  [{ kind: 'uuid' }, ['00000000-0000-0000-0000-000000000000', '7fffffff-ffff-ffff-ffff-ffffffffffff', '80000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']],
  [{ kind: 'binary' }, [null, bytes(), bytes(0), bytes(0, 0), bytes(1), bytes(0x7f), bytes(0x80), bytes(0xff), bytes(0xff, 0)]],
  [{ kind: 'fixed', length: 1 }, [bytes(0), bytes(0x7f), bytes(0x80)]],
]

describe('the order of values', () => {
  it.each(orders)('%j: by code point, unsigned, -0 before 0, NaN last, null first (traps 4 and 6)', (type, ascending) => {
    const compare = compareValues(type)
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) expect([a, b, Math.sign(compare(a, b))]).toEqual([a, b, Math.sign(i - j)])
    }
  })

  it('unknown values are all null and equal', () => {
    expect(compareValues({ kind: 'unknown' })(null, null)).toBe(0)
  })

  it.each<Type>([{ kind: 'variant' }, { kind: 'geometry', crs: undefined }, { kind: 'struct', fields: [] }])('%j has no order', (type) => {
    expect(codeThrownBy(() => compareValues(type))).toBe('UNSUPPORTED')
  })
})
