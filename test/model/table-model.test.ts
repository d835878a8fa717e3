/**
 * A table against plain arrays: random changes of rows, schema, partitioning, version and branches by several handles, with
 * everything checked after every command, and every state reached before read again.
 *
 * `FLOE_MODEL_RUNS=<n>` runs longer, `FLOE_MODEL_SECONDS=<n>` ends that after a time.
 * A failure prints its seed, path and replay path; `FLOE_SEED`, `FLOE_PATH` and
 * `FLOE_REPLAY_PATH` replay it.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { schema, t } from '../../src/index.js'
import type { FormatVersion, Table } from '../../src/index.js'
import { memoryLake } from '../support/lake.js'
import type { Lake } from '../support/lake.js'
import { rowText } from './model-cells.js'
import { ApplyChanges, Merge, Upsert } from './keyed-steps.js'
import type { Real, RowStep, Step } from './model-step.js'
import { expectFiles, expectPast, Model, textsOf, type ModelColumn } from './model-table.js'
import { AppendsBetween, Changes, Scan, StaleScan, TimeTravel } from './reading-steps.js'
import { Compact, CompactMeanwhile } from './compaction-steps.js'
import { Append, ConvertEqualityDeletes, Delete, DeleteByKeys, Overwrite, OverwritePartitions, Update } from './row-steps.js'
import * as structure from './structure-steps.js'

const COLUMNS: readonly ModelColumn[] = [
  { key: 1, name: 'id', kind: 'long', initial: null },
  { key: 2, name: 'uid', kind: 'long', initial: null },
  { key: 3, name: 'part', kind: 'int', initial: null },
  { key: 4, name: 'text', kind: 'string', initial: null },
  { key: 5, name: 'x', kind: 'double', initial: null },
  { key: 6, name: 'amount', kind: 'decimal', initial: null },
  { key: 7, name: 'day', kind: 'date', initial: null },
]
const SCHEMA = schema({ id: t.long, uid: t.long, part: t.int, text: t.string, x: t.double, amount: t.decimal(9, 2), day: t.date })

const seeds = fc.nat(2 ** 31 - 1)
const step = <T extends Step>(make: new (seed: number) => T): fc.Arbitrary<T> => seeds.map((seed) => new make(seed))
const filtered = [Append, Delete, Update, Overwrite, OverwritePartitions]
const staged = fc.array(fc.oneof(...[...filtered, Upsert].map((make) => step<RowStep>(make))), { minLength: 1, maxLength: 4 })
const { AddColumn, RenameColumn, DropColumn, Widen, Repartition, Resort, SetProperties, Upgrade } = structure
const { CreateBranch, DropBranch, FastForward, Rollback, Tag } = structure
const shaping = [AddColumn, RenameColumn, DropColumn, Repartition, Rollback, Upgrade]
const racing = fc.array(
  fc.oneof(...[...filtered, Delete, Update, Upsert, DeleteByKeys, ...shaping].map((make) => step<Step>(make))),
  { minLength: 1, maxLength: 4 },
)
const keyed = [Upsert, Merge, ApplyChanges, DeleteByKeys, DeleteByKeys, ConvertEqualityDeletes]
const COMMANDS: readonly fc.Arbitrary<Step>[] = [
  ...[Append, Append, Append, ...filtered, Delete, Update, ...keyed].map((make) => step<Step>(make)),
  step(Compact),
  fc.tuple(seeds, racing).map(([seed, steps]) => new CompactMeanwhile(seed, steps)),
  fc.tuple(seeds, staged).map(([seed, steps]) => new structure.Transaction(seed, steps)),
  ...[AddColumn, RenameColumn, DropColumn, Widen, Repartition, Resort, SetProperties, Upgrade].map((make) => step<Step>(make)),
  ...[CreateBranch, DropBranch, FastForward, Rollback, Tag].map((make) => step<Step>(make)),
  ...[Scan, Scan, StaleScan, TimeTravel, Changes, Changes, AppendsBetween].map((make) => step<Step>(make)),
]

let lake: Lake
let tables = 0
beforeAll(async () => {
  lake = await memoryLake()
})
afterAll(async () => {
  await lake.catalog.close()
})

/** Everything that was ever true of the table, once more. */
async function expectHistory(model: Model, table: Table): Promise<void> {
  const names = model.columns.map(({ name }) => name)
  for (const [branch, { rows }] of model.branches) {
    const found = await table.scan().useRef(branch).rows().toArray()
    expect(found.map((row) => rowText(row, names)).sort()).toEqual(textsOf(rows, model.columns))
  }
  for (const past of model.past.values()) {
    await expectPast(model, table.scan().useSnapshot(past.snapshot.snapshotId), past)
    await expectFiles(table, past)
  }
  expect(table.snapshots.map(({ snapshotId }) => snapshotId).sort()).toEqual([...model.past.keys()].sort())
}

it('a table is at every time what an array of its rows says, and so is every state it was in', async () => {
  const { FLOE_SEED: seed, FLOE_PATH: path, FLOE_REPLAY_PATH: replayPath, FLOE_MODEL_RUNS: runs, FLOE_MODEL_SECONDS: seconds } = process.env
  const limits = { maxCommands: 25, size: 'max', ...(replayPath === undefined ? {} : { replayPath }) } as const
  const versions = fc.constantFrom<FormatVersion>(1, 2, 2, 3, 3, 3)
  const property = fc.asyncProperty(versions, fc.commands([...COMMANDS], limits), async (version, commands) => {
    const table = await lake.catalog.createTable(`model.t${++tables}`, { schema: SCHEMA, formatVersion: version })
    const others = [await lake.catalog.loadTable(table.identifier), await lake.catalog.loadTable(table.identifier)]
    const model = new Model(version, COLUMNS)
    const real: Real = { catalog: lake.catalog, handles: [table, ...others] }
    await fc.asyncModelRun(() => ({ model, real }), commands)
    await expectHistory(model, await lake.catalog.loadTable(table.identifier))
    await lake.catalog.dropTable(table.identifier, { purge: true })
  })
  const replay = { ...(seed === undefined ? {} : { seed: Number(seed) }), ...(path === undefined ? {} : { path }) }
  const limit = { numRuns: Number(runs ?? 25), endOnFailure: runs === undefined }
  const time = seconds === undefined ? {} : { interruptAfterTimeLimit: Number(seconds) * 1000, markInterruptAsFailure: false }
  await fc.assert(property, { ...limit, ...time, ...replay })
  if (runs !== undefined) process.stdout.write(`${tables} histories agree\n`)
}, 3_600_000)
