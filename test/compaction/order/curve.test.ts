import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_CURVE_COLUMNS, curveShape, hilbertWords, zOrderWords } from '../../../src/compaction/order/curve.js'
import type { CurveShape } from '../../../src/compaction/order/curve.js'

/** The place of a row on a curve as one number. */
function placeOf(words: readonly Uint32Array[], { columns, wordLevels }: CurveShape, row: number): bigint {
  return words.reduce((place, word, i) => (place << BigInt(columns * wordLevels[i]!)) | BigInt(word[row]!), 0n)
}

/** Bit by bit: the definition. */
function interleaved(coordinates: readonly number[], levels: number): bigint {
  let place = 0n
  for (let level = levels - 1; level >= 0; level--) for (const value of coordinates) place = (place << 1n) | BigInt((value >> level) & 1)
  return place
}

/** Every cell of a grid with `levels` bits a column, as coordinates. */
function allCells(columns: number, levels: number): Uint32Array[] {
  const count = 2 ** (columns * levels)
  return Array.from({ length: columns }, (_, column) =>
    Uint32Array.from({ length: count }, (_cell, cell) => Math.floor(cell / 2 ** (column * levels)) % 2 ** levels),
  )
}

const shapes = fc
  .tuple(fc.integer({ min: 1, max: MAX_CURVE_COLUMNS }), fc.constantFrom(1 as const, 2 as const))
  .map(([columns, words]) => curveShape(columns, words))

describe('zOrderWords', () => {
  it('takes the bits of coordinates in turn, whatever the number of columns', () => {
    fc.assert(
      fc.property(shapes.chain((shape) => {
        const cell = fc.array(fc.nat(2 ** shape.levels - 1), { minLength: shape.columns, maxLength: shape.columns })
        return fc.tuple(fc.constant(shape), fc.array(cell, { minLength: 1, maxLength: 20 }))
      }), ([shape, cells]) => {
        const coordinates = Array.from({ length: shape.columns }, (_, column) => Uint32Array.from(cells, (cell) => cell[column]!))
        const words = zOrderWords(coordinates, shape)
        cells.forEach((cell, row) => {
          expect(placeOf(words, shape, row)).toBe(interleaved(cell, shape.levels))
        })
      }),
    )
  })
})

describe('hilbertWords', () => {
  it.each([
    [1, 6], [2, 1], [2, 2], [2, 5], [2, 7], [3, 1], [3, 3], [3, 4], [4, 2], [4, 3], [5, 2], [7, 1], [7, 2],
  ])('visits every cell of %i columns and %i levels once, each a step from the last', (columns, levels) => {
    for (const wordLevels of levels === 1 ? [[1]] : [[levels], [1, levels - 1], [levels - 1, 1]]) {
      const shape = { columns, levels, wordLevels }
      const cells = allCells(columns, levels)
      const words = zOrderWords(cells, shape)
      hilbertWords(words, shape)
      const count = cells[0]!.length
      const cellAt = new Int32Array(count).fill(-1)
      for (let row = 0; row < count; row++) cellAt[Number(placeOf(words, shape, row))] = row
      expect(cellAt.includes(-1)).toBe(false)
      for (let place = 1; place < count; place++) {
        const steps = cells.reduce((sum, values) => sum + Math.abs(values[cellAt[place]!]! - values[cellAt[place - 1]!]!), 0)
        if (steps !== 1) expect.fail(`a step of ${steps} to place ${place} with words of ${wordLevels.join('+')} levels`)
      }
    }
  })

  it.each([2, 3, 4, 6, 8, 16])('of %i columns has its finer levels within its coarser ones', (columns) => {
    const fine = curveShape(columns, 2)
    const coarse = { columns, levels: 1, wordLevels: [1] }
    const coordinates = Array.from({ length: columns }, (_, column) =>
      Uint32Array.from({ length: 500 }, (_row, row) => (row * (7919 + column * 31)) % 2 ** fine.levels),
    )
    const fineWords = zOrderWords(coordinates, fine)
    const coarseWords = zOrderWords(coordinates.map((values) => values.map((value) => value >>> (fine.levels - 1))), coarse)
    hilbertWords(fineWords, fine)
    hilbertWords(coarseWords, coarse)
    for (let row = 0; row < 500; row++) {
      expect(placeOf(fineWords, fine, row) >> BigInt(columns * (fine.levels - 1))).toBe(BigInt(coarseWords[0]![row]!))
    }
  })
})

describe('curveShape', () => {
  it('gives coordinates as many bits as fit, sixteen at most', () => {
    expect(curveShape(2, 1)).toEqual({ columns: 2, levels: 16, wordLevels: [16] })
    expect(curveShape(3, 1)).toEqual({ columns: 3, levels: 10, wordLevels: [10] })
    expect(curveShape(3, 2)).toEqual({ columns: 3, levels: 16, wordLevels: [10, 6] })
    expect(curveShape(8, 2)).toEqual({ columns: 8, levels: 8, wordLevels: [4, 4] })
  })

  it('refuses columns without end', () => {
    expect(() => curveShape(MAX_CURVE_COLUMNS + 1, 2)).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })
})
