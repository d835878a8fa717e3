/** Commands that only read: the present, what a stale handle sees, the past, and what changed in between. */
import { expect } from 'vitest'
import type { Row, Table } from '../../src/index.js'
import { cellText, Chance, rowText } from './model-cells.js'
import { chooseFilter } from './model-filter.js'
import { Step, type Real } from './model-step.js'
import { expectFiles, expectPast, ID, textsOf, type Model, type Past } from './model-table.js'

/** The newest state of any branch. */
export class Scan extends Step {
  async run(model: Model, { handles }: Real): Promise<void> {
    const chance = new Chance(this.seed)
    const table = await chance.of(handles).refresh()
    const branch = chance.of([...model.branches.keys(), 'main'])
    const scan = model.branches.has(branch) ? table.scan().useRef(branch) : table.scan()
    const { rows } = model.state(branch)
    const names = model.columns.map(({ name }) => name)
    const filter = chooseFilter(model.columns, chance)
    const selected = chance.once(2) ? scan : scan.filter(filter.expression)
    const expected = selected === scan ? rows : rows.filter(filter.holds)
    const found = await selected.rows().toArray()
    expect(found.map((row) => rowText(row, names)).sort()).toEqual(textsOf(expected, model.columns))
    expect(await selected.count()).toBe(expected.length)
  }
}

/** A handle goes on seeing what it saw. */
export class StaleScan extends Step {
  async run(model: Model, { handles }: Real): Promise<void> {
    const table = new Chance(this.seed).of(handles)
    const columns = model.schemas.get(table.schema.schemaId)!
    const past = table.currentSnapshot === undefined ? undefined : model.past.get(table.currentSnapshot.snapshotId)!
    const names = columns.map(({ name }) => name)
    const rows = await table.scan().rows().toArray()
    expect(rows.map((row) => rowText(row, names)).sort()).toEqual(textsOf(past?.state.rows ?? [], columns))
  }
}

export class TimeTravel extends Step {
  override check({ past }: Readonly<Model>): boolean {
    return past.size > 0
  }

  async run(model: Model, { handles }: Real): Promise<void> {
    const chance = new Chance(this.seed)
    const table = await chance.of(handles).refresh()
    const past = chance.of([...model.past.values()])
    await expectPast(model, table.scan().useSnapshot(past.snapshot.snapshotId), past)
    await expectFiles(table, past)
    for (const [tag, snapshotId] of model.tags) await expectPast(model, table.scan().useRef(tag), model.past.get(snapshotId)!)
    // What a snapshot shows is filtered by the names of then.
    const filter = chooseFilter(past.columns, chance)
    const found = await table.scan().useSnapshot(past.snapshot.snapshotId).filter(filter.expression).rows().toArray()
    const names = past.columns.map(({ name }) => name)
    expect(found.map((row) => rowText(row, names)).sort()).toEqual(textsOf(past.state.rows.filter(filter.holds), past.columns))
  }
}

/** Two states of one history, the first perhaps before all others. */
function chooseRange(model: Model, chance: Chance): { from: Past | undefined; to: Past; between: Past[] } {
  const to = chance.of([...model.past.values()])
  const history: Past[] = []
  for (let at: Past | undefined = to; at !== undefined; at = model.past.get(at.snapshot.parentSnapshotId!)) history.unshift(at)
  const start = chance.below(history.length + 1)
  return { from: history[start - 1], to, between: history.slice(start) }
}

/** The changes between two states, applied to the rows of the first, give those of the last. */
export class Changes extends Step {
  override check({ past }: Readonly<Model>): boolean {
    return past.size > 0
  }

  async run(model: Model, { handles }: Real): Promise<void> {
    const chance = new Chance(this.seed)
    const table = await chance.of(handles).refresh()
    const { from, to, between } = chooseRange(model, chance)
    const id = to.columns.find(({ key }) => key === ID)!.name
    const keys = chance.of([undefined, [], [id], [id]])
    const net = chance.once(3)
    const memory = chance.once(3) ? { memoryBudgetBytes: net ? 20_000 : chance.of([1, 500]) } : {}
    const range = { from: from?.snapshot.snapshotId, to: to.snapshot.snapshotId }
    const changes = await table.scanChanges({ ...range, keys, net, ...memory }).rows().toArray()
    const names = to.columns.map(({ name }) => name)
    const left = new Multiset(textsOf(from?.state.rows ?? [], to.columns))
    if (net) replayNet(changes, left, names)
    else replay(changes, left, names)
    expect(left.items()).toEqual(textsOf(to.state.rows, to.columns))
    expectPairs(changes, keys?.[0])
    // Under keys that two rows share, a row that was copied may be told as the row before another's update, and as an insert.
    if (!net && keys?.length !== 1) expectNoMore(changes, between)
    if (net && keys?.length === 1) {
      const { removed, added } = sides(changes, names)
      expect(removed.filter((text) => added.includes(text)), 'net changes that undo each other').toEqual([])
    }
  }
}

const isBefore = (row: Row): boolean => row['_change_type'] === 'DELETE' || row['_change_type'] === 'UPDATE_BEFORE'

function sides(changes: readonly Row[], names: readonly string[]): { removed: string[]; added: string[] } {
  const textsWhere = (before: boolean): string[] => changes.filter((row) => isBefore(row) === before).map((row) => rowText(row, names))
  return { removed: textsWhere(true), added: textsWhere(false) }
}

/** In order, so that nothing goes before it came. */
function replay(changes: readonly Row[], left: Multiset, names: readonly string[]): void {
  for (const row of changes) {
    if (isBefore(row)) left.remove(rowText(row, names))
    else left.add(rowText(row, names))
  }
}

function replayNet(changes: readonly Row[], left: Multiset, names: readonly string[]): void {
  const { removed, added } = sides(changes, names)
  for (const text of removed) left.remove(text)
  for (const text of added) left.add(text)
}

/** Both rows of an update follow each other, and have the same key. */
function expectPairs(changes: readonly Row[], key: string | undefined): void {
  changes.forEach((row, i) => {
    const type = row['_change_type']
    if (type === 'UPDATE_BEFORE') expect(changes[i + 1]?.['_change_type']).toBe('UPDATE_AFTER')
    if (type !== 'UPDATE_AFTER') return
    expect(changes[i - 1]?.['_change_type']).toBe('UPDATE_BEFORE')
    if (key !== undefined) expect(cellText(row[key])).toBe(cellText(changes[i - 1]![key]))
  })
}

/** A snapshot tells of no more rows than it changed: what it copied is no change. */
function expectNoMore(changes: readonly Row[], between: readonly Past[]): void {
  const told = new Map(between.map((past) => [past.snapshot.snapshotId, { before: 0, after: 0 }]))
  for (const row of changes) told.get(row['_commit_snapshot_id'] as bigint)![isBefore(row) ? 'before' : 'after']++
  for (const { snapshot, before, after } of between) {
    const own = told.get(snapshot.snapshotId)!
    expect(own.before, 'rows told to be gone').toBeLessThanOrEqual(before)
    expect(own.after, 'rows told to have come').toBeLessThanOrEqual(after)
  }
}

export class AppendsBetween extends Step {
  override check({ past }: Readonly<Model>): boolean {
    return past.size > 0
  }

  async run(model: Model, { handles }: Real): Promise<void> {
    const chance = new Chance(this.seed)
    const table: Table = await chance.of(handles).refresh()
    const { from, to, between } = chooseRange(model, chance)
    const appended = between.filter(({ snapshot }) => snapshot.operation === 'append')
    expect(appended.filter(({ before }) => before > 0), 'appends that take rows away').toEqual([])
    const rows = await table.scan().appendsBetween(from?.snapshot.snapshotId, to.snapshot.snapshotId).rows().toArray()
    const names = to.columns.map(({ name }) => name)
    const expected = textsOf(appended.flatMap(({ inserted }) => inserted), to.columns)
    expect(rows.map((row) => rowText(row, names)).sort()).toEqual(expected)
  }
}

class Multiset {
  readonly #counts = new Map<string, number>()

  constructor(items: readonly string[]) {
    for (const item of items) this.add(item)
  }

  add(item: string): void {
    this.#counts.set(item, (this.#counts.get(item) ?? 0) + 1)
  }

  remove(item: string): void {
    const count = this.#counts.get(item) ?? 0
    expect(count, `a change takes away what is not there: ${item}`).toBeGreaterThan(0)
    this.#counts.set(item, count - 1)
  }

  items(): string[] {
    return [...this.#counts].flatMap(([item, count]) => Array.from({ length: count }, () => item)).sort()
  }
}
