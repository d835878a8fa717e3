/** Commands that change rows by key: upserts, merges, and events of change streams. */
import { expect } from 'vitest'
import type { Cell, Chance } from './model-cells.js'
import { chooseFilter } from './model-filter.js'
import { changeOptions, RowStep, type Change, type Scene } from './model-step.js'
import { changed, ID, inputRow, matchKey, textOf, UID, valueOf, type Model, type ModelColumn, type ModelRow, type Outcome } from './model-table.js'
import { assignments } from './row-steps.js'

/** Columns that rows are matched by, mostly the id. */
function chooseKeys(model: Model, chance: Chance): ModelColumn[] {
  const id = model.columns.find(({ key }) => key === ID)!
  const others = model.columns.filter(({ key, kind }) => key !== ID && key !== UID && kind !== 'struct')
  if (!chance.once(3) || others.length === 0) return [id]
  return chance.once(2) ? [id, chance.of(others)] : [chance.of(others)]
}

interface SourceChoice {
  readonly chance: Chance
  readonly keys: readonly ModelColumn[]
  readonly nulls: boolean
}

/** Rows of one key each; `nulls`: also such without a key. Some are rows of the table as they are. */
function chooseSource(model: Model, rows: readonly ModelRow[], { chance, keys, nulls }: SourceChoice): ModelRow[] {
  const copyOf = (row: ModelRow): ModelRow => ({ cells: new Map(model.columns.map((column) => [column.key, valueOf(row, column)])) })
  const copied = chance.once(3) ? chance.some(rows).map(copyOf) : []
  const seen = new Set<string>()
  return [...model.newRows(model.columns, chance, 7), ...copied].filter((row) => {
    const key = matchKey(row, keys)
    if (key === undefined) return nulls
    return !seen.has(key) && seen.add(key) !== undefined
  })
}

/** The row of the table with all values of another. */
function replaced(row: ModelRow, source: ModelRow): ModelRow {
  return { ...row, cells: source.cells }
}

export class Upsert extends RowStep {
  protected async change(scene: Scene, rows: readonly ModelRow[]): Promise<Change> {
    const { model, chance, verbs } = scene
    const keys = chooseKeys(model, chance)
    const source = chooseSource(model, rows, { chance, keys, nulls: false })
    const skipUnchanged = chance.once(3)
    const byKey = new Map(source.map((row) => [matchKey(row, keys)!, row]))
    const [kept, updated, matched]: [ModelRow[], ModelRow[], Set<ModelRow>] = [[], [], new Set()]
    for (const row of rows) {
      const found = byKey.get(matchKey(row, keys) ?? 'null')
      if (found !== undefined) matched.add(found)
      const isKept = found === undefined || (skipUnchanged && textOf(found, model.columns) === textOf(row, model.columns))
      if (isKept) kept.push(row)
      else updated.push(replaced(row, found))
    }
    const inserted = source.filter((row) => !matched.has(row))
    const input = source.map((row) => inputRow(row, model.columns))
    const result = await verbs.upsert(input, keys.map(({ name }) => name), { ...changeOptions(scene), skipUnchanged })
    return { result, snapshot: result.snapshot, outcome: { kept, updated, inserted } }
  }
}

export class Merge extends RowStep {
  protected async change(scene: Scene, rows: readonly ModelRow[]): Promise<Change> {
    const { model, chance, verbs } = scene
    const keys = chooseKeys(model, chance)
    const source = chooseSource(model, rows, { chance, keys, nulls: true })
    const [onTarget, onSource, onInsert, onMissing] = [0, 1, 2, 3].map(() => chooseFilter(model.columns, chance)) as Filters
    const [matched, bySource] = [assignments(model, scene), assignments(model, scene)]
    const chain = [
      { when: { target: onTarget.expression }, then: 'update' },
      { when: { source: onSource.expression }, then: 'delete' },
      { then: matched.input },
    ]
    const options = {
      whenMatched: chance.of([[], 'update', 'delete', chain]),
      whenNotMatched: chance.of([[], 'insert', [{ when: onInsert.expression, then: 'ignore' }, { then: 'insert' }]]),
      whenNotMatchedBySource: chance.of([[], [], [], 'delete', [{ when: onMissing.expression, then: bySource.input }]]),
    } as const
    const clauses = [options.whenMatched, options.whenNotMatched, options.whenNotMatchedBySource]
    if (clauses.every((clause) => clause.length === 0)) return { snapshot: undefined, outcome: { kept: rows, updated: [], inserted: [] } }
    const byKey = new Map(source.flatMap((row) => (matchKey(row, keys) === undefined ? [] : [[matchKey(row, keys)!, row] as const])))
    const outcome = { kept: [] as ModelRow[], updated: [] as ModelRow[], inserted: [] as ModelRow[] }
    const found = new Set<ModelRow>()
    for (const row of rows) {
      const other = byKey.get(matchKey(row, keys) ?? 'null')
      if (other !== undefined) found.add(other)
      const then = other === undefined ? whenMissing(row) : whenMatched(row, other)
      if (then === 'keep') outcome.kept.push(row)
      else if (then !== 'delete') outcome.updated.push(then)
    }
    const isInserted = (row: ModelRow): boolean => options.whenNotMatched === 'insert' || (options.whenNotMatched.length > 0 && !onInsert.holds(row))
    outcome.inserted.push(...source.filter((row) => !found.has(row) && isInserted(row)))
    const input = source.map((row) => inputRow(row, model.columns))
    const result = await verbs.merge!(input, { ...changeOptions(scene), on: keys.map(({ name }) => name), ...options } as never)
    return { result, snapshot: result.snapshot, outcome }

    function whenMatched(row: ModelRow, other: ModelRow): ModelRow | 'keep' | 'delete' {
      if (options.whenMatched === 'update') return replaced(row, other)
      if (options.whenMatched === 'delete') return 'delete'
      if (options.whenMatched.length === 0) return 'keep'
      if (onTarget.holds(row)) return replaced(row, other)
      return onSource.holds(other) ? 'delete' : matched.apply(row)
    }
    function whenMissing(row: ModelRow): ModelRow | 'keep' | 'delete' {
      if (options.whenNotMatchedBySource === 'delete') return 'delete'
      return options.whenNotMatchedBySource.length > 0 && onMissing.holds(row) ? bySource.apply(row) : 'keep'
    }
  }
}

type Filter = ReturnType<typeof chooseFilter>
type Filters = [Filter, Filter, Filter, Filter]

interface ModelEvent {
  readonly operation: 'c' | 'u' | 'd'
  readonly row: ModelRow
  readonly order: bigint
}

/** Events of a few keys: late ones, repeated ones, in any order; repeated calls change nothing. */
export class ApplyChanges extends RowStep {
  protected async change(scene: Scene, rows: readonly ModelRow[]): Promise<Change | undefined> {
    const { model, chance, verbs, branch } = scene
    const id = model.columns.find(({ key }) => key === ID)!
    const own = model.columns.filter(({ key }) => key !== ID && key !== UID)
    const missing = chance.once(2) ? [] : chance.some(own)
    const keeps = chance.once(2)
    const events = chooseEvents(model, chance)
    const last = model.state(branch).position
    const position = chance.once(3) ? undefined : chance.once(5) && last !== undefined ? last : (last ?? 0) + 1
    const present = model.columns.filter((column) => !missing.includes(column))
    const input = events.map(({ operation, row }) => ({ ...inputRow(row, present), op: operation }))
    const { name: order } = model.columns.find(({ key }) => key === UID)!
    const missingColumns = keeps ? 'keep' : 'null'
    const options = { ...changeOptions(scene), branch, keys: [id.name], operation: 'op', order, missingColumns, sourcePosition: position } as const
    const result = await verbs.applyChanges!(input, options)
    expect(result.skipped).toBe(position !== undefined && position === last)
    if (result.skipped) return { snapshot: result.snapshot, outcome: { kept: rows, updated: [], inserted: [] } }
    const outcome = applied(rows, { events, id, missing, keeps })
    return { result, snapshot: result.snapshot, outcome, position }
  }
}

function chooseEvents(model: Model, chance: Chance): ModelEvent[] {
  const events = model.newRows(model.columns, chance, 8).flatMap((row): ModelEvent[] => {
    if (row.cells.get(ID) === null) return []
    const order = chance.once(3) ? BigInt(chance.below(model.uid)) : (row.cells.get(UID) as bigint)
    const event = { operation: chance.of(['c', 'u', 'd'] as const), row: changed(row, [[UID, order]]), order }
    return chance.once(6) ? [event, event] : [event]
  })
  return chance.shuffled(events)
}

interface Events {
  readonly events: readonly ModelEvent[]
  readonly id: ModelColumn
  readonly missing: readonly ModelColumn[]
  readonly keeps: boolean
}

function applied(rows: readonly ModelRow[], { events, id, missing, keeps }: Events): Outcome {
  const outcome = { kept: [] as ModelRow[], updated: [] as ModelRow[], inserted: [] as ModelRow[] }
  // Sorting is stable: of equal orders the later arrival comes last.
  const sorted = events.toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0))
  const byKey = new Map<string, ModelEvent[]>()
  for (const event of sorted) {
    const key = matchKey(event.row, [id])!
    byKey.set(key, [...(byKey.get(key) ?? []), event])
  }
  const found = new Set<string>()
  const fold = (from: readonly ModelEvent[], start: ModelRow | undefined): ModelRow | undefined =>
    from.reduce<ModelRow | undefined>((state, { operation, row }) => {
      if (operation === 'd') return undefined
      const before = keeps ? state : undefined
      const valueBefore = (column: (typeof missing)[number]): Cell => (before === undefined ? column.initial : valueOf(before, column))
      const absent = missing.map((column): [number, Cell] => [column.key, valueBefore(column)])
      return changed(row, absent)
    }, start)
  for (const row of rows) {
    const key = matchKey(row, [id])
    const own = key === undefined ? undefined : byKey.get(key)
    if (own !== undefined) found.add(key!)
    const stored = row.cells.get(UID) as bigint | null
    const later = (own ?? []).filter(({ order }) => stored === null || order >= stored)
    if (later.length === 0) outcome.kept.push(row)
    else {
      const state = fold(later, row)
      if (state !== undefined) outcome.updated.push(replaced(row, state))
    }
  }
  for (const [key, own] of byKey) {
    const state = found.has(key) ? undefined : fold(own, undefined)
    if (state !== undefined) outcome.inserted.push({ cells: state.cells })
  }
  return outcome
}
