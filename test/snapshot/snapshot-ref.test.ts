import { describe, expect, it } from 'vitest'
import {
  branchHead,
  checkRefName,
  schemaIdOfRef,
  schemaIdOfSnapshot,
  snapshotById,
  snapshotOfRef,
} from '../../src/snapshot/snapshot-ref.js'
import { ancestorsBetween, ancestorsOf, indexSnapshots, isAncestorOf } from '../../src/snapshot/ancestry.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { SCHEMA, table, update, withSnapshots } from '../support/metadata-builders.js'
import { Schema } from '../../src/schema/schema.js'

const base = update(
  withSnapshots(table(), 1n, 2n),
  { action: 'set-snapshot-ref', name: 'v1', ref: { type: 'tag', snapshotId: 1n } },
  { action: 'set-snapshot-ref', name: 'audit', ref: { type: 'branch', snapshotId: 1n } },
)
const wide = new Schema([...SCHEMA.fields, { id: 4, name: 'extra', type: { kind: 'int' }, required: false }])
const evolved = update(base, { action: 'add-schema', schema: wide }, { action: 'set-current-schema', schemaId: -1 })

describe('references', () => {
  it('reads a branch with the current schema and a tag or snapshot with its own (trap 21)', () => {
    expect(schemaIdOfRef(evolved, 'main')).toBe(1)
    expect(schemaIdOfRef(evolved, 'audit')).toBe(1)
    expect(schemaIdOfRef(evolved, 'v1')).toBe(0)
    expect(schemaIdOfSnapshot(evolved, 2n)).toBe(0)
  })

  it('resolves names to snapshots', () => {
    expect(snapshotOfRef(base, 'v1')?.snapshotId).toBe(1n)
    expect(snapshotOfRef(base, 'main')?.snapshotId).toBe(2n)
    expect(snapshotOfRef(table(), 'main')).toBeUndefined()
    expect(() => snapshotOfRef(base, 'nope')).toThrow(/no branch or tag nope: it has main, v1, audit/)
    expect(() => snapshotById(base, 9n)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })

  it('writes to a branch on top of its own head, and to a new one on top of main (trap 66)', () => {
    expect(branchHead(base, 'audit')?.snapshotId).toBe(1n)
    expect(branchHead(base, 'new')?.snapshotId).toBe(2n)
    expect(() => branchHead(base, 'v1')).toThrow(/is a tag/)
  })

  it('accepts any printable name', () => {
    for (const name of ['main', 'feature/x', 'ветка', '__proto__', 'a b']) expect(() => checkRefName(name)).not.toThrow()
    for (const name of ['', 'a\u0000', 'x'.repeat(1025)]) expect(() => checkRefName(name)).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })
})

describe('ancestry', () => {
  const list = withSnapshots(table(), 1n, 2n, 3n).snapshots
  const snapshots = indexSnapshots(list)
  const mapOf = (kept: typeof list): Map<bigint, Snapshot> => new Map(kept.map((snapshot) => [snapshot.snapshotId, snapshot]))

  it('walks parents newest first and stops where history ends', () => {
    expect([...ancestorsOf(3n, snapshots)].map((snapshot) => snapshot.snapshotId)).toEqual([3n, 2n, 1n])
    expect([...ancestorsOf(undefined, snapshots)]).toEqual([])
    expect(isAncestorOf(1n, 3n, snapshots)).toBe(true)
    expect(isAncestorOf(3n, 1n, snapshots)).toBe(false)
  })

  it('ends on a cycle of damaged metadata', () => {
    const cyclic = mapOf(list)
    cyclic.set(1n, { ...snapshots.get(1n)!, parentSnapshotId: 3n })
    expect([...ancestorsOf(3n, cyclic)]).toHaveLength(3)
  })

  it('knows what lies between, and says so when it does not', () => {
    expect(ancestorsBetween(3n, 1n, snapshots)?.map((snapshot) => snapshot.snapshotId)).toEqual([3n, 2n])
    expect(ancestorsBetween(3n, undefined, snapshots)).toHaveLength(3)
    expect(ancestorsBetween(3n, 9n, snapshots)).toBeUndefined()
    expect(ancestorsBetween(3n, 1n, mapOf(list.slice(1)))?.map((snapshot) => snapshot.snapshotId)).toEqual([3n, 2n])
  })
})
