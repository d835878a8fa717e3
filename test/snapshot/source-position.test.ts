import { describe, expect, it } from 'vitest'
import type { Snapshot } from '../../src/index.js'
import { carriedSourcePositions, comparePositions, lastSourcePosition, sourcePositionProperty } from '../../src/snapshot/source-position.js'

function history(...summaries: readonly Record<string, string>[]): Map<bigint, Snapshot> {
  return new Map(
    summaries.map((summary, i) => {
      const snapshotId = BigInt(i + 1)
      const parentSnapshotId = i === 0 ? undefined : BigInt(i)
      return [snapshotId, { snapshotId, parentSnapshotId, summary: new Map(Object.entries(summary)) } as unknown as Snapshot]
    }),
  )
}

const at = (source: string, position: string): Record<string, string> => ({ [sourcePositionProperty(source)]: position, 'engine-name': 'floe' })

describe('the last position of a source', () => {
  it('is the newest in the history, whoever committed since', () => {
    const snapshots = history(at('a', '1'), at('a', '2'), {}, at('b', '9'), {})
    expect(lastSourcePosition('a', snapshots.get(5n), snapshots)).toBe('2')
    expect(lastSourcePosition('b', snapshots.get(5n), snapshots)).toBe('9')
    expect(lastSourcePosition('a', snapshots.get(1n), snapshots)).toBe('1')
    expect(lastSourcePosition('c', snapshots.get(5n), snapshots)).toBeUndefined()
    expect(lastSourcePosition('a', undefined, snapshots)).toBeUndefined()
  })

  it('is carried on from what other engines made since, down to the last snapshot that carried all before it', () => {
    const ours = { 'engine-name': 'floe' }
    const snapshots = history(at('a', '1'), {}, { ...at('b', '9'), ...at('a', '2') }, {}, {})
    expect([...carriedSourcePositions(snapshots.get(5n), snapshots).values()].toSorted()).toEqual(['2', '9'])
    expect([...carriedSourcePositions(snapshots.get(2n), snapshots).values()]).toEqual(['1'])
    expect(carriedSourcePositions(undefined, snapshots).size).toBe(0)
    const asked: bigint[] = []
    const long = history(at('a', '1'), {}, { ...ours, ...at('a', '1') }, ours)
    const watched = { get: (id: bigint) => (asked.push(id), long.get(id)), has: (id: bigint) => long.has(id) }
    carriedSourcePositions(long.get(3n), watched as unknown as typeof long)
    expect(asked).toEqual([3n])
  })

  it('is not known once history is expired down to a snapshot of another engine, and known to be none below one that carries on', () => {
    const foreign = history(at('a', '1'), {}, {})
    foreign.delete(1n)
    expect(() => lastSourcePosition('a', foreign.get(3n), foreign)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    const own = history({}, { 'engine-name': 'floe' }, {})
    own.delete(1n)
    expect(lastSourcePosition('a', own.get(3n), own)).toBeUndefined()
  })
})

describe('positions', () => {
  it('compare as numbers, and as log sequence numbers of both halves', () => {
    expect(comparePositions('9', '10')).toBeLessThan(0)
    expect(comparePositions('18446744073709551616', '18446744073709551615')).toBeGreaterThan(0)
    expect(comparePositions('9/FFFFFFFF', '10/0')).toBeLessThan(0)
    expect(comparePositions('16/b374d848', '16/B374D848')).toBe(0)
    expect(comparePositions('same', 'same')).toBe(0)
  })

  it('of other forms have no order that is known', () => {
    for (const other of ['mysql-bin.000001:4', '', '1.5', 'x/y', '1/2/3']) expect(() => comparePositions(other, '1')).toThrow(/comparePositions/)
    expect(() => sourcePositionProperty('')).toThrow(/empty/)
  })
})
