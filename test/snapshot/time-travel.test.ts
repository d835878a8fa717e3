import { describe, expect, it } from 'vitest'
import { snapshotAsOf } from '../../src/snapshot/time-travel.js'

const log = (...times: readonly (readonly [number, bigint])[]) => times.map(([timestampMs, snapshotId]) => ({ timestampMs, snapshotId }))

describe('snapshotAsOf', () => {
  it('finds the entry with the greatest time not after the one asked for, in a log out of order (trap 61)', () => {
    const entries = log([100, 1n], [300, 3n], [200, 2n])
    expect(snapshotAsOf(entries, 250)).toBe(2n)
    expect(snapshotAsOf(entries, 300)).toBe(3n)
    expect(snapshotAsOf(entries, 10_000)).toBe(3n)
  })

  it('takes the later of two commits in one millisecond', () => {
    expect(snapshotAsOf(log([100, 1n], [100, 2n]), 100)).toBe(2n)
  })

  it('follows a rollback', () => {
    expect(snapshotAsOf(log([100, 1n], [200, 2n], [300, 1n]), 350)).toBe(1n)
  })

  it('is NOT_FOUND before the first entry and for a table without history', () => {
    expect(() => snapshotAsOf(log([100, 1n]), 99)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    expect(() => snapshotAsOf([], 99)).toThrow(/no history/)
  })
})
