import { describe, expect, it } from 'vitest'
import { crc32 } from '../../src/util/crc32.js'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('crc32', () => {
  it('gives the published check value', () => {
    expect(crc32(ascii('123456789'))).toBe(0xcbf43926)
    expect(crc32(new Uint8Array(0))).toBe(0)
  })

  it('continues an earlier checksum at any split', () => {
    const bytes = Uint8Array.from({ length: 40 }, (_, i) => i * 7)
    for (let cut = 0; cut <= bytes.length; cut++) expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes))
  })
})
