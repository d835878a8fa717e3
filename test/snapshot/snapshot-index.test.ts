import { describe, expect, it } from 'vitest'
import { indexSnapshots } from '../../src/snapshot/snapshot-index.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { snapshotOn, table, withSnapshots } from '../support/metadata-builders.js'

const [one, two, three] = withSnapshots(table(), 1n, 2n, 3n).snapshots as [Snapshot, Snapshot, Snapshot]
const otherTwo = snapshotOn(table(), 2n)

describe('an index of snapshots', () => {
  it('finds what its own list has, after longer, shorter and other lists with the same beginning were indexed', () => {
    const lists = [[one, two], [one, two, three], [one], [one, otherTwo, three], [one, three], [one, two, three], [], [three, two, one]]
    const indexes = lists.map(indexSnapshots)
    for (const [i, list] of lists.entries()) {
      for (const id of [1n, 2n, 3n, 4n]) {
        const wanted = list.find(({ snapshotId }) => snapshotId === id)
        expect(indexes[i]!.get(id), `${id} of list ${i}`).toBe(wanted)
        expect(indexes[i]!.has(id)).toBe(wanted !== undefined)
      }
    }
  })

  it('sees an id that is there twice, also one that comes with a longer list', () => {
    expect(indexSnapshots([one, two]).isUnique).toBe(true)
    expect(indexSnapshots([one, two, otherTwo]).isUnique).toBe(false)
    expect(indexSnapshots([otherTwo, two]).isUnique).toBe(false)
  })

  it('knows the highest sequence number, also of a longer list', () => {
    const [low, high] = [snapshotOn(table(), 5n, { sequenceNumber: 7n }), snapshotOn(table(), 6n, { sequenceNumber: 9007199254740993n })]
    expect(indexSnapshots([low]).highestSequenceNumber).toBe(7n)
    expect(indexSnapshots([low, high]).highestSequenceNumber).toBe(9007199254740993n)
    expect(indexSnapshots([]).highestSequenceNumber).toBe(0n)
  })
})
