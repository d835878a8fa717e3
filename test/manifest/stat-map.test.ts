import { describe, expect, it } from 'vitest'
import { AvroOutput } from '../../src/avro/avro-output.js'
import { findBytes, findCount, readBounds, readCounts } from '../../src/manifest/stat-map.js'

/** Three pairs in a block of two and one of one; either with its size before it or not. */
function encode(sized: boolean, write: (output: AvroOutput, key: number) => void): Uint8Array {
  const output = new AvroOutput()
  output.writeFixed(Uint8Array.of(0xff))
  for (const keys of [[1, 200], [70_000]]) {
    const block = new AvroOutput()
    for (const key of keys) {
      block.writeInt(key)
      write(block, key)
    }
    output.writeLong(sized ? -keys.length : keys.length)
    if (sized) output.writeLong(block.length)
    output.writeFixed(block.bytes())
  }
  output.writeLong(0)
  return output.bytes().slice()
}

describe.each([['without', false], ['with', true]] as const)('maps in several blocks %s sizes', (_what, sized) => {
  it('of counts are searched and read whole', () => {
    const bytes = encode(sized, (output, key) => { output.writeLong(key * 2 ** 20) })
    for (const key of [1, 200, 70_000]) expect(findCount(bytes, 1, key)).toBe(key * 2 ** 20)
    expect(findCount(bytes, 1, 2)).toBe(undefined)
    expect([...readCounts(bytes, 1).keys()]).toEqual([1, 200, 70_000])
  })

  it('of bounds are searched and read whole', () => {
    const bytes = encode(sized, (output, key) => { output.writeBytes(new Uint8Array(key % 150).fill(key)) })
    for (const key of [1, 200, 70_000]) expect(findBytes(bytes, 1, key)).toEqual(new Uint8Array(key % 150).fill(key))
    expect(findBytes(bytes, 1, 2)).toBe(undefined)
    expect([...readBounds(bytes, 1).keys()]).toEqual([1, 200, 70_000])
  })
})

describe('counts', () => {
  it('below zero and over 2^53 are not recorded', () => {
    for (const count of [-1n, -(2n ** 40n), 2n ** 60n]) {
      const bytes = encode(false, (output) => { output.writeLong(count) })
      expect(findCount(bytes, 1, 200)).toBe(undefined)
      expect(readCounts(bytes, 1).size).toBe(0)
    }
  })
})
