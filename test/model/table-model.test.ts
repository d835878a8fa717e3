/**
 * A table against plain arrays: random appends, changes of schema, partitioning, order, properties and version, with scans of
 * the present and of every past state in between.
 *
 * `FLOE_MODEL_RUNS=<n>` runs longer. A failure prints its seed, path and replay path; `FLOE_SEED`, `FLOE_PATH` and
 * `FLOE_REPLAY_PATH` replay it.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { asc, bucket, desc, eq, gtEq, identity, isNull, lt, schema, startsWith, t, truncate } from '../../src/index.js'
import type { Expression, FormatVersion, PartitionTerm, Row, Table } from '../../src/index.js'
import { memoryLake, rowTexts } from '../support/lake.js'
import type { Lake } from '../support/lake.js'

type Cell = bigint | number | string | null
/** Values by the column's number, which outlives its names; a column that is not there was not yet when the row was written. */
type ModelRow = ReadonlyMap<number, Cell>

interface ModelColumn {
  readonly key: number
  readonly name: string
  readonly kind: 'long' | 'int' | 'string'
  /** What older rows have in it. */
  readonly initial: Cell
}

interface State {
  readonly columns: readonly ModelColumn[]
  readonly rows: readonly ModelRow[]
}

interface Model {
  state: State
  version: FormatVersion
  nextKey: number
  /** Every snapshot with what was visible then. */
  readonly past: { readonly snapshotId: bigint; readonly state: State }[]
}

interface Real {
  readonly table: Table
}

const cellOf = (kind: ModelColumn['kind'], seed: number): Cell => {
  if (seed % 7 === 0) return null
  if (kind === 'string') return ['', 'a', 'ab', 'b\u{10000}', '\uffff'][seed % 5]!
  return kind === 'long' ? BigInt((seed % 9) - 4) * 2n ** 54n + BigInt(seed % 3) : (seed % 11) - 5
}
const visible = ({ columns }: State, row: ModelRow): Record<string, Cell> =>
  Object.fromEntries(columns.map(({ key, name, initial }) => [name, row.has(key) ? row.get(key)! : initial]))
const texts = (state: State): string[] => rowTexts(state.rows.map((row) => visible(state, row)))

abstract class Step implements fc.AsyncCommand<Model, Real> {
  constructor(protected readonly seed: number) {}

  check(_: Readonly<Model>): boolean {
    return true
  }

  abstract run(model: Model, real: Real): Promise<void>

  toString(): string {
    return `${this.constructor.name}(${this.seed})`
  }

  protected columnOf({ state }: Model): ModelColumn {
    return state.columns[this.seed % state.columns.length]!
  }
}

class Append extends Step {
  async run(model: Model, { table }: Real): Promise<void> {
    const { state } = model
    const rowOf = (i: number): ModelRow => new Map(state.columns.map(({ key, kind }, k) => [key, cellOf(kind, this.seed + i * 3 + k * 5)]))
    const rows = Array.from({ length: this.seed % 5 }, (_, i) => rowOf(i))
    model.state = { ...state, rows: [...state.rows, ...rows] }
    const { snapshotId } = await table.append(rows.map((row) => visible(state, row)))
    model.past.push({ snapshotId, state: model.state })
  }
}

class AddColumn extends Step {
  override check(model: Readonly<Model>): boolean {
    return model.state.columns.length < 6
  }

  async run(model: Model, { table }: Real): Promise<void> {
    const kind = (['int', 'string', 'long'] as const)[this.seed % 3]!
    const initial = model.version === 3 && this.seed % 2 === 0 ? cellOf(kind, this.seed | 1) : null
    const added = { key: model.nextKey, name: `c${model.nextKey}`, kind, initial }
    model.nextKey++
    model.state = { ...model.state, columns: [...model.state.columns, added] }
    await table.updateSchema((update) => update.addColumn(added.name, t[kind], initial === null ? {} : { default: initial }))
  }
}

class RenameColumn extends Step {
  async run(model: Model, { table }: Real): Promise<void> {
    const column = this.columnOf(model)
    // A name that another column had before means another column now.
    const name = `n${this.seed % 3}`
    if (model.state.columns.some((other) => other.name === name)) return
    model.state = { ...model.state, columns: model.state.columns.map((other) => (other === column ? { ...column, name } : other)) }
    await table.updateSchema((update) => update.renameColumn(column.name, name))
  }
}

class DropColumn extends Step {
  override check(model: Readonly<Model>): boolean {
    return model.state.columns.length > 2
  }

  async run(model: Model, { table }: Real): Promise<void> {
    const column = this.columnOf(model)
    const id = table.schema.findField(column.name)!.id
    if ([...table.spec.fields, ...table.sortOrder.fields].some((field) => field.sourceIds.includes(id))) return
    model.state = { ...model.state, columns: model.state.columns.filter((other) => other !== column) }
    await table.updateSchema((update) => update.deleteColumn(column.name))
  }
}

class Widen extends Step {
  async run(model: Model, { table }: Real): Promise<void> {
    const column = model.state.columns.find(({ kind }) => kind === 'int')
    if (column === undefined) return
    const widened = (cell: Cell): Cell => (cell === null ? null : BigInt(cell))
    const wider = { ...column, kind: 'long' as const, initial: widened(column.initial) }
    const rows = model.state.rows.map((row) => (row.has(column.key) ? new Map([...row, [column.key, widened(row.get(column.key)!)]]) : row))
    model.state = { columns: model.state.columns.map((other) => (other === column ? wider : other)), rows }
    await table.updateSchema((update) => update.updateColumn(column.name, t.long))
  }
}

class Repartition extends Step {
  async run(model: Model, { table }: Real): Promise<void> {
    const { name } = this.columnOf(model)
    const term: PartitionTerm = [identity(name), bucket(name, 3), truncate(name, 2)][this.seed % 3]!
    const had = table.spec.fields.filter((field) => field.transform !== 'void').map((field) => field.name)
    await table.updateSpec((spec) => {
      for (const field of had) spec.removeField(field)
      if (this.seed % 4 !== 0) spec.addField({ ...term, name: `p${model.nextKey++}` })
    })
  }
}

class Resort extends Step {
  async run(model: Model, { table }: Real): Promise<void> {
    const { name } = this.columnOf(model)
    await table.replaceSortOrder([[], [asc(name)], [desc(name)]][this.seed % 3]!)
  }
}

class SetProperty extends Step {
  async run(_: Model, { table }: Real): Promise<void> {
    const names = ['commit.manifest-merge.enabled', 'commit.manifest.min-count-to-merge', 'write.metadata.metrics.default', 'write.object-storage.enabled']
    const values = [['false', 'true'], ['2', '100'], ['none', 'full', 'counts'], ['true', 'false']]
    const i = this.seed % names.length
    await table.updateProperties({ [names[i]!]: this.seed % 5 === 0 ? null : values[i]![this.seed % values[i]!.length]! })
  }
}

class Upgrade extends Step {
  override check(model: Readonly<Model>): boolean {
    return model.version < 3
  }

  async run(model: Model, { table }: Real): Promise<void> {
    model.version = (model.version + 1) as FormatVersion
    await table.upgrade(model.version)
    expect(table.formatVersion).toBe(model.version)
  }
}

class Scan extends Step {
  async run({ state }: Model, { table }: Real): Promise<void> {
    expect(rowTexts(await table.scan().rows().toArray())).toEqual(texts(state))
    expect(await table.scan().count()).toBe(state.rows.length)
  }
}

class FilteredScan extends Step {
  async run(model: Model, { table }: Real): Promise<void> {
    const { state } = model
    const { name, kind } = this.columnOf(model)
    const literal = cellOf(kind, this.seed * 3 + 1)
    const matches: [Expression, (cell: Cell) => boolean] =
      literal === null
        ? [isNull(name), (cell) => cell === null]
        : kind === 'string' && this.seed % 2 === 0
          ? [startsWith(name, literal as string), (cell) => typeof cell === 'string' && cell.startsWith(literal as string)]
          : ([
              [eq(name, literal), (cell: Cell) => cell === literal],
              [lt(name, literal), (cell: Cell) => cell !== null && order(cell, literal) < 0],
              [gtEq(name, literal), (cell: Cell) => cell !== null && order(cell, literal) >= 0],
            ] as const)[this.seed % 3]!.slice() as [Expression, (cell: Cell) => boolean]
    const expected = state.rows.map((row) => visible(state, row)).filter((row) => matches[1](row[name]!))
    const found: Row[] = await table.scan().filter(matches[0]).rows().toArray()
    expect(rowTexts(found)).toEqual(rowTexts(expected))
  }
}

class TimeTravel extends Step {
  override check(model: Readonly<Model>): boolean {
    return model.past.length > 0
  }

  async run(model: Model, { table }: Real): Promise<void> {
    const { snapshotId, state } = model.past[this.seed % model.past.length]!
    expect(rowTexts(await table.scan().useSnapshot(snapshotId).rows().toArray())).toEqual(texts(state))
  }
}

function order(a: Cell, b: Cell): number {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
  return a! < (b as bigint) ? -1 : a! > (b as bigint) ? 1 : 0
}

let lake: Lake
let tables = 0
beforeAll(async () => {
  lake = await memoryLake()
})
afterAll(async () => {
  await lake.catalog.close()
})

it('a table is at every time what an array of its rows says', async () => {
  const step = (make: new (seed: number) => Step): fc.Arbitrary<Step> => fc.nat(1000).map((seed) => new make(seed))
  const appends = [Append, Append, Append].map(step)
  const changes = [AddColumn, RenameColumn, DropColumn, Widen, Repartition, Resort, SetProperty, Upgrade].map(step)
  const scans = [Scan, FilteredScan, FilteredScan, TimeTravel].map(step)
  const { FLOE_SEED: seed, FLOE_PATH: path, FLOE_REPLAY_PATH: replayPath } = process.env
  const limits = { maxCommands: 20, size: 'max', ...(replayPath === undefined ? {} : { replayPath }) } as const
  const histories = fc.commands([...appends, ...changes, ...scans], limits)
  const property = fc.asyncProperty(fc.constantFrom<FormatVersion>(1, 2, 3), histories, async (version, commands) => {
    const table = await lake.catalog.createTable(`model.t${++tables}`, { schema: schema({ c0: t.long, c1: t.string }), formatVersion: version })
    const columns: ModelColumn[] = [{ key: 0, name: 'c0', kind: 'long', initial: null }, { key: 1, name: 'c1', kind: 'string', initial: null }]
    const model: Model = { state: { columns, rows: [] }, version, nextKey: 2, past: [] }
    await fc.asyncModelRun(() => ({ model, real: { table } }), commands)
    const fresh = await lake.catalog.loadTable(table.identifier)
    expect(rowTexts(await fresh.scan().rows().toArray())).toEqual(texts(model.state))
    expect(fresh.metadata).toEqual(table.metadata)
  })
  const replay = { ...(seed === undefined ? {} : { seed: Number(seed) }), ...(path === undefined ? {} : { path }) }
  await fc.assert(property, { numRuns: Number(process.env['FLOE_MODEL_RUNS'] ?? 25), endOnFailure: process.env['FLOE_MODEL_RUNS'] === undefined, ...replay })
}, 600_000)
