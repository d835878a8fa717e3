import { describe, expect, it } from 'vitest'
import { sanitizeAvroName } from '../../src/avro/avro-name.js'

describe('sanitizeAvroName', () => {
  it.each([
    ['plain_1', 'plain_1'],
    ['a.b', 'a_x2Eb'],
    ['9lives', '_9lives'],
    ['a9', 'a9'],
    ['with space', 'with_x20space'],
    ['a-b', 'a_x2Db'],
    ['é', 'é'],
    ['日本', '日本'],
    ['😎', '_xD83D_xDE0E'],
    ['9x?', '_9x_x3F'],
    ['٣a', '_٣a'],
    ['#', '_x23'],
  ])('spells %s as %s, as the reference does (trap 58)', (name, sanitized) => {
    expect(sanitizeAvroName(name)).toBe(sanitized)
  })
})
