/** The law of changes over random histories: applied to the rows of any state they give the rows of any later one. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { and, bucket, eq, gtEq, identity, isFloeError, lt, schema, t } from '../../../src/index.js'
import type { Expression, Snapshot, Table } from '../../../src/index.js'
import { memoryLake } from '../../support/lake.js'
import type { Lake } from '../../support/lake.js'
import { changedLines, linesAt, replayed } from './changelog-law.js'
import type { ChangedLine } from './changelog-law.js'

type Mode = 'merge-on-read' | 'copy-on-write'

type Step =
  | { readonly kind: 'append' | 'overwrite' | 'upsert'; readonly ids: readonly number[]; readonly mode: Mode }
  | { readonly kind: 'overwrite partitions'; readonly ids: readonly number[] }
  | { readonly kind: 'delete' | 'update'; readonly from: number; readonly rows: number; readonly mode: Mode }
  | { readonly kind: 'equality delete'; readonly ids: readonly number[] }
  | { readonly kind: 'schema' | 'spec' | 'upgrade' }

const id = fc.integer({ min: 0, max: 30 })
const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 8 })
const mode = fc.constantFrom<Mode>('merge-on-read', 'copy-on-write')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('append', 'overwrite', 'upsert'), ids, mode }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('overwrite partitions'), ids }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('delete', 'update'), from: id, rows: fc.integer({ min: 1, max: 12 }), mode }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('equality delete'), ids }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('schema', 'spec', 'upgrade') }) },
)

const KINDS = ['k0', 'k1', 'k2']

/** A table with what is done to it. */
class History {
  #changes = 0

  constructor(readonly table: Table) {}

  async apply(step: Step): Promise<void> {
    const { table } = this
    this.#changes++
    // Before v2 there are no delete files
    const modeOf = (wanted: Mode): Mode => (table.formatVersion === 1 ? 'copy-on-write' : wanted)
    switch (step.kind) {
      case 'append':
        await table.append(this.#rows(step.ids))
        return
      case 'overwrite':
        await table.overwrite(this.#rows(step.ids), lt('id', 15n), { mode: modeOf(step.mode) }).catch(refused)
        return
      case 'upsert':
        await table.upsert(this.#rows(step.ids), ['id'], { mode: modeOf(step.mode) }).catch(refused)
        return
      case 'overwrite partitions':
        await table.overwritePartitions(this.#rows(step.ids))
        return
      case 'delete':
        await table.delete(this.#range(step), { mode: modeOf(step.mode) })
        return
      case 'update':
        await table.update(this.#range(step), { kind: `u${this.#changes}` }, { mode: modeOf(step.mode) })
        return
      case 'equality delete':
        if (table.formatVersion > 1) await table.deleteByKeys(this.#keys(step.ids), ['id']).catch(refused)
        return
      case 'schema':
        await table.updateSchema((update) => update.addColumn(`c${this.#changes}`, t.string))
        return
      case 'spec':
        await table.updateSpec((update) => update.addField(this.#changes % 2 === 0 ? bucket('id', 2 + this.#changes) : identity('kind'))).catch(refused)
        return
      case 'upgrade':
        if (table.formatVersion < 3) await table.upgrade((table.formatVersion + 1) as 2 | 3)
    }
  }

  #rows(keys: readonly number[]): object[] {
    return keys.map((key) => ({ id: BigInt(key), kind: KINDS[this.#changes % 3], n: this.#changes % 4 === 0 ? null : key / 2 }))
  }

  /** Where the table is partitioned by kind, each partition has keys of its own. */
  #keys(keys: readonly number[]): object[] {
    const isByKind = this.table.spec.fields.some((field) => field.transform === 'identity')
    return keys.flatMap((key) => (isByKind ? KINDS.map((kind) => ({ id: BigInt(key), kind })) : [{ id: BigInt(key) }]))
  }

  #range({ from, rows }: { readonly from: number; readonly rows: number }): Expression {
    return rows === 1 ? eq('id', BigInt(from)) : and(gtEq('id', BigInt(from)), lt('id', BigInt(from + rows)))
  }
}

/** Steps that a table refuses, such as a second equal partition field or rows outside of what is overwritten, are no steps. */
function refused(error: unknown): void {
  if (!isFloeError(error, 'INVALID', 'UNSUPPORTED')) throw error
}

/** Budgets so small that rows are read again, files matched in parts, and net changes gathered key by key. */
interface Form {
  readonly keys?: readonly string[]
  readonly net?: boolean
  readonly memoryBudgetBytes?: number
}
const forms: readonly Form[] = [
  {},
  { keys: ['id'] },
  { keys: [], memoryBudgetBytes: 300 },
  { keys: ['id'], memoryBudgetBytes: 300 },
  { memoryBudgetBytes: 300 },
  { net: true },
  { net: true, keys: ['id'], memoryBudgetBytes: 9000 },
]

async function checkAll(lake: Lake, table: Table): Promise<void> {
  const { snapshots } = table
  const states = [undefined, ...snapshots.map((snapshot) => snapshot.snapshotId)]
  for (const to of [snapshots.at(-1)!.snapshotId]) {
    const before = states.slice(0, states.indexOf(to))
    for (const from of new Set([before[0], before[before.length >> 1], before.at(-1)])) {
      const range = { ...(from === undefined ? {} : { from }), to }
      const after = (await linesAt(lake.io, table, to, table.scanChanges(range))).sort()
      const rows = await linesAt(lake.io, table, from, table.scanChanges(range))
      for (const options of forms) {
        const changes = await changedLines(table.scanChanges({ ...range, ...options }))
        expect(replayed(rows, changes), `${JSON.stringify(options)} from ${String(from)} to ${String(to)}`).toEqual(after)
        checkForm(changes, options)
        const commits = snapshots.slice(states.indexOf(from), states.indexOf(to))
        if (tellsEqualRowsApart(options, commits)) continue
        // Nothing that stayed is told of: no row leaves and comes back in one commit
        const gone = new Set(changes.filter(({ type }) => type === 'DELETE').map(({ ordinal, line }) => `${ordinal} ${line}`))
        expect(changes.filter(({ type, ordinal, line }) => type === 'INSERT' && gone.has(`${ordinal} ${line}`))).toEqual([])
      }
    }
  }
}

function checkForm(changes: readonly ChangedLine[], options: Form): void {
  if (options.keys?.length === 0) expect(changes.filter(({ type }) => type.startsWith('UPDATE'))).toEqual([])
  changes.forEach(({ type }, i) => {
    if (type === 'UPDATE_BEFORE') expect(changes[i + 1]?.type).toBe('UPDATE_AFTER')
  })
  if (options.net === true) return
  expect(changes.map(({ ordinal }) => ordinal)).toEqual(changes.map(({ ordinal }) => ordinal).toSorted((a, b) => a - b))
}

/** Where row ids identify, an equal row in the place of a deleted one is another; several rows of a key are paired within the budget. */
function tellsEqualRowsApart({ keys, net, memoryBudgetBytes }: Form, commits: readonly Snapshot[]): boolean {
  if (net === true) return true
  if (keys === undefined) return commits.every(({ firstRowId }) => firstRowId !== undefined)
  return keys.length > 0 && memoryBudgetBytes !== undefined
}

describe('changes of any history', () => {
  it.each([1, 2, 3] as const)('of a table that starts as v%i lead from state to state, with keys and without, net and not', async (formatVersion) => {
    const runs = Number(process.env['FLOE_PROPERTY_RUNS'] ?? 2)
    const property = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), fc.boolean(), async (steps, isPartitioned) => {
      const lake = await memoryLake()
      const columns = schema({ id: t.long.required, kind: t.string, n: t.double })
      const partitionBy = isPartitioned ? [identity('kind')] : []
      const history = new History(await lake.catalog.createTable('a.b', { schema: columns, formatVersion, partitionBy }))
      for (const one of [{ kind: 'append', ids: [1, 2, 3, 4, 5, 16, 17, 18], mode: 'copy-on-write' } as const, ...steps]) await history.apply(one)
      await checkAll(lake, history.table)
      await lake.catalog.close()
    })
    await fc.assert(property, { numRuns: runs })
  }, 600_000)
})
