import { describe, expect, it } from 'vitest'
import { packBins, packBinsFromEnd } from '../../src/util/bin-packing.js'

const weight = (item: number): number => item

describe('packing bins', () => {
  it('without lookback keeps the order and starts a bin whenever the next item does not fit', () => {
    expect([...packBins([1, 2, 3, 4, 5], { targetWeight: 3, weight })]).toEqual([[1, 2], [3], [4], [5]])
  })

  it('with lookback fills earlier bins that still have room', () => {
    expect([...packBins([1, 2, 3, 4, 5], { targetWeight: 6, weight, lookback: 2 })]).toEqual([[1, 2, 3], [4], [5]])
    expect([...packBins([5, 4, 1, 2], { targetWeight: 6, weight, lookback: 2 })]).toEqual([[5, 1], [4, 2]])
  })

  it('closes the heaviest bin first when told', () => {
    expect([...packBins([36, 36, 36, 36, 73, 110, 128], { targetWeight: 128, weight, lookback: 2, largestFirst: true })]).toEqual([
      [110],
      [128],
      [36, 73],
      [36, 36, 36],
    ])
  })

  it('gives an item over the target a bin of its own, and makes no empty bins', () => {
    expect([...packBins([9], { targetWeight: 3, weight })]).toEqual([[9]])
    expect([...packBins([], { targetWeight: 3, weight })]).toEqual([])
  })

  it('from the end leaves the first bin short', () => {
    expect(packBinsFromEnd([1, 2, 3, 4, 5], { targetWeight: 5, weight })).toEqual([[1], [2, 3], [4], [5]])
  })
})
