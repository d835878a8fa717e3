import { describe, expect, it } from 'vitest'
import { DraftSnapshots } from '../../src/metadata/draft-snapshots.js'
import { snapshotOn, table, withSnapshots } from '../support/metadata-builders.js'

const base = withSnapshots(table(), 1n, 2n, 3n).snapshots
const ids = (draft: DraftSnapshots): readonly bigint[] => draft.list().map(({ snapshotId }) => snapshotId)

describe('the snapshots of a draft', () => {
  it('are the very list of the base until they change', () => {
    const draft = new DraftSnapshots(base)
    expect(draft.list()).toBe(base)
    expect(draft.delete(9n)).toBe(false)
    expect(draft.list()).toBe(base)
  })

  it('lose what is removed, once, and gain what is added, at the end', () => {
    const draft = new DraftSnapshots(base)
    const added = snapshotOn(table(), 4n)
    draft.add(added)
    expect([draft.delete(2n), draft.delete(2n)]).toEqual([true, false])
    expect(ids(draft)).toEqual([1n, 3n, 4n])
    expect([draft.get(2n), draft.get(4n)]).toEqual([undefined, added])
    expect([draft.delete(4n), draft.delete(4n)]).toEqual([true, false])
    expect(ids(draft)).toEqual([1n, 3n])
    expect(base).toHaveLength(3)
  })

  it('take an id again that was removed, and lose it again', () => {
    const draft = new DraftSnapshots(base)
    draft.delete(1n)
    const again = snapshotOn(table(), 1n)
    draft.add(again)
    expect(draft.get(1n)).toBe(again)
    expect(ids(draft)).toEqual([2n, 3n, 1n])
    expect(draft.delete(1n)).toBe(true)
    expect([draft.has(1n), draft.delete(1n)]).toEqual([false, false])
    expect(ids(draft)).toEqual([2n, 3n])
  })
})
