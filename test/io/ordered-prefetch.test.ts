import { describe, expect, it } from 'vitest'
import { concatPrefetched, mapOrdered } from '../../src/io/ordered-prefetch.js'

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

/** A stream that records when it is opened and closed. */
function tracked(log: string[], name: string, values: readonly number[]): AsyncIterable<number> {
  return (async function* () {
    log.push(`open ${name}`)
    try {
      for (const value of values) yield await Promise.resolve(value)
    } finally {
      log.push(`close ${name}`)
    }
  })()
}

describe('mapping ahead', () => {
  it('keeps the order although later work finishes first', async () => {
    const releases: (() => void)[] = []
    const work = (item: number): Promise<number> => new Promise((resolve) => releases.push(() => { resolve(item * 2) }))
    const results = collect(mapOrdered([1, 2, 3], 2, work))
    await Promise.resolve()
    for (const release of releases.toReversed()) release()
    expect(await results).toEqual([2, 4, 6])
  })

  it('never has more than the allowed work under way', async () => {
    let running = 0
    let most = 0
    const work = async (item: number): Promise<number> => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return item
    }
    expect(await collect(mapOrdered(Array.from({ length: 20 }, (_, i) => i), 3, work))).toHaveLength(20)
    expect(most).toBe(4)
  })

  it('fails with the first error in order, and leaves no rejection unhandled', async () => {
    const work = (item: number): Promise<number> => (item >= 2 ? Promise.reject(new Error(`bad ${item}`)) : Promise.resolve(item))
    await expect(collect(mapOrdered([1, 2, 3, 4], 3, work))).rejects.toThrow('bad 2')
  })

  it('starts nothing new once the consumer stopped', async () => {
    const started: number[] = []
    for await (const item of mapOrdered([1, 2, 3, 4, 5, 6], 1, (value) => { started.push(value); return Promise.resolve(value) })) {
      if (item === 2) break
    }
    expect(started.length).toBeLessThanOrEqual(4)
  })
})

describe('concatenating streams ahead', () => {
  it('yields them one after another, the next opened before the last has ended', async () => {
    const log: string[] = []
    const streams = new Map([['a', [1, 2]], ['b', [3]], ['c', []], ['d', [4]]])
    expect(await collect(concatPrefetched(streams.keys(), 1, (name) => tracked(log, name, streams.get(name)!)))).toEqual([1, 2, 3, 4])
    expect(log.indexOf('open b')).toBeLessThan(log.indexOf('close a'))
  })

  it('closes every opened stream when the consumer stops early', async () => {
    const log: string[] = []
    for await (const value of concatPrefetched(['a', 'b', 'c', 'd'], 1, (name) => tracked(log, name, [1, 2, 3]))) {
      if (value === 2) break
    }
    expect(log.filter((line) => line.startsWith('close')).sort()).toEqual(['close a', 'close b'])
    expect(log).not.toContain('open d')
  })
})
