import { describe, expect, it } from 'vitest'
import type { CatalogBackend, LoadedTable } from '../../src/catalog/catalog-backend.js'
import { Contention, contentionOf } from '../../src/commit/contention.js'
import { commitRetryPolicy, type RetryPolicy } from '../../src/commit/retry-policy.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { table } from '../support/metadata-builders.js'

const policyOf = (properties: Readonly<Record<string, string>> = {}): RetryPolicy => commitRetryPolicy(new Map(Object.entries(properties)))
const policy = policyOf()
const io = new MemoryFileIO()

function version(number: number, name = 't'): LoadedTable {
  const metadata = { ...table(), lastSequenceNumber: BigInt(number) }
  return { identifier: { namespace: ['db'], name }, metadata, metadataLocation: `v${number}.metadata.json`, io }
}

/** A writer that has lost `races` in one commit: each time one other version landed, in an attempt of 10 ms. */
function overtaken(races: number): Contention {
  const contention = new Contention()
  contention.observe(version(1))
  for (let race = 1; race <= races; race++) {
    contention.lostMs(policy, race, 10, 0.5)
    contention.observe(version(1 + race))
  }
  return contention
}

describe('a writer', () => {
  it('that meets nobody is not made to wait, whatever it is used for', () => {
    const contention = new Contention()
    for (let number = 1; number < 100; number++) {
      contention.observe(version(number))
      expect(contention.isMet).toBe(false)
      contention.committed(version(number + 1), number * 10, 10)
    }
  })

  it('that was overtaken once gives way once', () => {
    const contention = overtaken(1)
    expect(contention.isMet).toBe(true)
    contention.committed(version(3), 1000, 10)
    expect(contention.isMet).toBe(true)
    expect(contention.turnMs(policy, 1000, 0)).toBe(8)
    expect(contention.turnMs(policy, 1000, 0.99)).toBe(22)
    contention.observe(version(3))
    contention.committed(version(4), 1020, 10)
    expect(contention.isMet).toBe(false)
  })

  it('counts the time since its own last commit as waited, so that who commits seldom never waits', () => {
    const contention = overtaken(10)
    contention.committed(version(12), 1000, 10)
    expect(contention.turnMs(policy, 1000, 0.5)).toBeGreaterThan(100)
    expect(contention.turnMs(policy, 1050, 0.5)).toBe(contention.turnMs(policy, 1000, 0.5) - 50)
    expect(contention.turnMs(policy, 2000, 0.5)).toBe(0)
  })

  it('is not confused by a clock that goes back', () => {
    const contention = overtaken(10)
    contention.committed(version(12), 1_000_000, -500)
    const waitMs = contention.turnMs(policy, 5, 0.5)
    expect(waitMs).toBeGreaterThanOrEqual(0)
    expect(waitMs).toBeLessThan(1000)
  })

  it('waits the less the more versions it has seen since its own last: it is due', () => {
    const wait = (landed: number): number => {
      const contention = overtaken(30)
      contention.committed(version(32), 0, 10)
      contention.observe(version(32 + landed))
      return contention.lostMs(policy, 1, 10, 0.5)
    }
    const waits = [0, 10, 20, 30, 40].map(wait)
    expect(waits).toEqual([...waits].sort((a, b) => b - a))
    expect(waits[0]).toBeGreaterThan(200)
    // One version more, and the random time of who is due.
    expect(waits[4]).toBeLessThanOrEqual(15)
  })

  it('is never put off further by losing, however often', () => {
    const contention = new Contention()
    contention.observe(version(1))
    for (let race = 1; race <= 10_000; race++) {
      // At most two turns and eight of random, with an attempt of 10 ms.
      expect(contention.lostMs(policy, race, 10, 0.999)).toBeLessThanOrEqual(110)
      contention.observe(version(1 + race))
    }
  })

  it('keeps to the properties of the table', () => {
    const lose = (properties: Readonly<Record<string, string>>): number => {
      const contention = new Contention()
      contention.observe(version(1))
      let longest = 0
      for (let race = 1; race <= 300; race++) longest = Math.max(longest, contention.lostMs(policyOf(properties), race, 1000, 0.999))
      return Math.max(longest, contention.turnMs(policyOf(properties), 0, 0.999))
    }
    expect(lose({ 'commit.retry.max-wait-ms': '50' })).toBe(50)
    const total = { 'commit.retry.total-timeout-ms': '60' }
    const contention = overtaken(200)
    expect(contention.turnMs(policyOf(total), 0, 0.999)).toBeLessThanOrEqual(30)
    // A quarter of an attempt and the least wait are one turn at most: 256 others and eight of random.
    expect(lose({ 'commit.retry.min-wait-ms': '10' })).toBeLessThanOrEqual(260 * 1.5 * 256 + 260 * 8)
  })

  it('of a table without sequence numbers counts versions by their places', () => {
    const unnumbered = (n: number): LoadedTable => ({ ...version(0), metadataLocation: `v${n}.metadata.json` })
    const wait = (seen: number): number => {
      const contention = new Contention()
      contention.observe(unnumbered(0))
      for (let race = 1; race <= 20; race++) contention.lostMs(policy, race, 10, 0.5)
      for (let i = 1; i <= seen; i++) contention.observe(unnumbered(i))
      return contention.lostMs(policy, 1, 10, 0.5)
    }
    expect(wait(20)).toBeLessThan(wait(0))
  })
})

describe('what is known of the others', () => {
  const backend = (): CatalogBackend => ({}) as CatalogBackend

  it('is kept for each catalog, table and identity', () => {
    const [one, two] = [backend(), backend()]
    const known = contentionOf(one, version(1))
    expect(contentionOf(one, version(7))).toBe(known)
    expect(contentionOf(two, version(1))).not.toBe(known)
    expect(contentionOf(one, version(1, 'other'))).not.toBe(known)
    const { metadata } = version(1)
    const replaced = { ...version(1), metadata: { ...metadata, tableUuid: '00000000-0000-4000-8000-00000000ffff' } }
    expect(contentionOf(one, replaced)).not.toBe(known)
  })

  it('is forgotten of the tables that were used least, beyond a thousand', () => {
    const one = backend()
    const [first, second] = [contentionOf(one, version(1, 'a')), contentionOf(one, version(1, 'b'))]
    for (let i = 0; i < 999; i++) {
      contentionOf(one, version(1, `t${i}`))
      contentionOf(one, version(1, 'a'))
    }
    expect(contentionOf(one, version(1, 'a'))).toBe(first)
    expect(contentionOf(one, version(1, 'b'))).not.toBe(second)
  })
})
