import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changeFiles } from '../../src/commit/change-files.js'
import { isFloeError } from '../../src/util/errors.js'
import { RowWorld, type PlannedChange, type RowOperation } from '../support/row-world.js'

const partition = fc.constantFrom('x' as const, 'y' as const)
const isolation = fc.constantFrom('serializable' as const, 'snapshot' as const)
const operation: fc.Arbitrary<RowOperation> = fc.oneof(
  fc.record({ kind: fc.constantFrom('append' as const, 'overwrite partition' as const), partition, rows: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ kind: fc.constantFrom('delete' as const, 'update' as const), partition, pick: fc.nat(2), isolation }),
  fc.record({ kind: fc.constantFrom('delete' as const, 'update' as const), partition, pick: fc.nat(2), isolation }),
  fc.record({ kind: fc.constantFrom('copy on write' as const, 'drop' as const), partition, pick: fc.nat(2), isolation }),
  fc.record({ kind: fc.constant('compact' as const), partition, carries: fc.boolean() }),
)
/** One change, and what others commit between its planning and each of its attempts. */
const round = fc.record({ main: operation, before: fc.array(operation, { maxLength: 2 }), during: fc.array(operation, { maxLength: 2 }) })

const emptyChange = { addedDataFiles: [], removedDataFiles: [], addedDeleteFiles: [], removedDeleteFiles: [] }
const isEmpty = ({ changes }: PlannedChange): boolean => Object.values(changes).every((files) => files.length === 0)

/** Commits a change and does the same to the model; a change in the way of others changes neither. */
async function commit(world: RowWorld, plan: PlannedChange, send: () => Promise<unknown>): Promise<'done' | 'conflict'> {
  if (isEmpty(plan)) return 'done'
  try {
    await send()
  } catch (error) {
    if (isFloeError(error, 'CONFLICT')) return 'conflict'
    throw error
  }
  // An update whose row was deleted meanwhile would bring it back to life (fault 28).
  expect(plan.replacedRows.filter((row) => !world.rows.has(row))).toEqual([])
  plan.apply(world.rows)
  return 'done'
}

function other(world: RowWorld, plan: PlannedChange): Promise<'done' | 'conflict'> {
  const { bench } = world
  return commit(world, plan, () => bench.commitAsOther(changeFiles({ ...emptyChange, ...plan.changes }, { name: 'other', ...plan.options }, bench.runtime)))
}

async function checkTable(world: RowWorld): Promise<void> {
  const { bench } = world
  expect(await world.liveRows()).toEqual([...world.rows.keys()].sort())
  const { snapshots, currentSnapshotId } = bench.backend.metadata
  const sequence = snapshots.map((snapshot) => snapshot.sequenceNumber)
  expect(sequence).toEqual(sequence.map((_, i) => BigInt(i + 1)))
  const live = (await bench.entries()).filter((entry) => entry.status !== 'deleted').map((entry) => entry.dataFile)
  const data = live.filter((file) => file.content === 'data')
  const deletes = live.filter((file) => file.content !== 'data')
  const sum = (values: readonly number[]): string => String(values.reduce((total, value) => total + value, 0))
  const summary = snapshots.find((snapshot) => snapshot.snapshotId === currentSnapshotId)?.summary
  if (summary !== undefined) {
    expect(Object.fromEntries(summary)).toMatchObject({
      'total-data-files': String(data.length),
      'total-records': sum(data.map((file) => file.recordCount)),
      'total-delete-files': String(deletes.length),
      'total-position-deletes': sum(deletes.map((file) => file.recordCount)),
      'total-files-size': sum([...data.map((file) => file.fileSizeBytes), ...deletes.map((file) => file.contentSizeBytes!)]),
    })
  }
  // Row ids of live files are disjoint.
  const ids = data.flatMap((file) => Array.from({ length: file.recordCount }, (_, i) => file.firstRowId! + BigInt(i)))
  expect(new Set(ids).size).toBe(ids.length)
}

describe('row-level changes by several writers', () => {
  it('leave exactly the rows of a model: none returns, none is doubled, none is lost (traps 42, 78, 83; faults 19, 27, 28, 29, 31)', async () => {
    const outcomes = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 6 }), async (rounds) => {
        const world = new RowWorld()
        const { bench } = world
        for (const of of ['x', 'y'] as const) await other(world, await world.plan({ kind: 'append', partition: of, rows: 5 }))
        for (const { main, before, during } of rounds) {
          const plan = await world.plan(main)
          const base = bench.backend.current()
          for (const step of before) await other(world, await world.plan(step))
          const first = bench.backend.requests.length
          bench.backend.beforeCommit = async (n) => {
            const step = during[n - first - 1]
            if (step !== undefined) await other(world, await world.plan(step))
          }
          const outcome = await commit(world, plan, () => bench.change(plan.changes, plan.options, base))
          outcomes.set(`${main.kind} ${outcome}`, (outcomes.get(`${main.kind} ${outcome}`) ?? 0) + 1)
          // Nobody was in the way.
          if (before.length + during.length === 0) expect(outcome).toBe('done')
          await checkTable(world)
        }
        expect(await bench.orphans()).toEqual([])
      }),
      { numRuns: 60 },
    )
    // Both ends are reached, or the checks above prove little.
    for (const kind of ['delete', 'update', 'copy on write', 'drop', 'compact']) {
      expect(outcomes.get(`${kind} done`) ?? 0, `${kind} done`).toBeGreaterThan(0)
    }
    expect([...outcomes.keys()].filter((key) => key.endsWith('conflict')).length).toBeGreaterThan(0)
  })
})
