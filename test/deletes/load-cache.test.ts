import { describe, expect, it } from 'vitest'
import { LoadCache } from '../../src/deletes/load-cache.js'

const ten = (): number => 10

describe('LoadCache', () => {
  it('loads once for all who ask, also for those who ask while it loads', async () => {
    const cache = new LoadCache(100)
    let loads = 0
    const load = async (): Promise<number> => {
      await Promise.resolve()
      return ++loads
    }
    expect(await Promise.all([cache.get('a', load, ten), cache.get('a', load, ten)])).toEqual([1, 1])
    expect(await cache.get('a', load, ten)).toBe(1)
  })

  it('drops what was used longest ago when there is no memory left', async () => {
    const cache = new LoadCache(25)
    const loaded: string[] = []
    const use = (key: string): Promise<string> => cache.get(key, () => { loaded.push(key); return Promise.resolve(key) }, ten)
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await use(key)
    expect(loaded).toEqual(['a', 'b', 'c', 'b'])
    expect(cache.bytes).toBeLessThanOrEqual(25)
  })

  it('forgets a load that failed', async () => {
    const cache = new LoadCache(25)
    await expect(cache.get('a', () => Promise.reject(new Error('gone')), ten)).rejects.toThrow('gone')
    expect(await cache.get('a', () => Promise.resolve('back'), ten)).toBe('back')
  })

  it('counts a value that grew, and drops it when it outgrows the bound', async () => {
    const cache = new LoadCache(25)
    const value = cache.get('a', () => Promise.resolve({}), ten)
    const first = await value
    cache.resize('a', value, 20)
    expect(cache.bytes).toBe(20)
    cache.resize('a', value, 30)
    expect(cache.bytes).toBe(0)
    expect(await cache.get('a', () => Promise.resolve({}), ten)).not.toBe(first)
  })
})
