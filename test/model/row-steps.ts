/** Commands that change rows by filter, by partition, and by equality deletes. */
import { expect } from 'vitest'
import { expressionText } from '../../src/expression/print.js'
import { cellOf, cellText, inputOf, type Cell } from './model-cells.js'
import { chooseFilter, type ModelFilter } from './model-filter.js'
import { changeOptions, refusal, RowStep, type Change, type Scene } from './model-step.js'
import { changed, ID, inputRow, UID, valueOf, type Model, type ModelColumn, type ModelRow } from './model-table.js'

function inputs(rows: readonly ModelRow[], columns: readonly ModelColumn[]): Record<string, unknown>[] {
  return rows.map((row) => inputRow(row, columns))
}

function split(rows: readonly ModelRow[], { holds }: Pick<ModelFilter, 'holds'>): { matching: ModelRow[]; others: ModelRow[] } {
  return { matching: rows.filter(holds), others: rows.filter((row) => !holds(row)) }
}

export class Append extends RowStep {
  protected async change({ model, chance, verbs, seen, branch }: Scene, rows: readonly ModelRow[]): Promise<Change> {
    const inserted = model.newRows(seen, chance)
    const memory = chance.once(4) ? { memoryBudgetBytes: 1, maxOpenFiles: 1 } : {}
    const snapshot = await verbs.append(inputs(inserted, seen), { branch, ...memory })
    expect(snapshot.operation).toBe('append')
    return { snapshot, outcome: { kept: rows, updated: [], inserted } }
  }
}

export class Delete extends RowStep {
  protected async change(scene: Scene, rows: readonly ModelRow[]): Promise<Change> {
    const filter = chooseFilter(scene.model.columns, scene.chance)
    this.told = expressionText(filter.expression)
    const { others } = split(rows, filter)
    const result = await scene.verbs.delete(filter.expression, changeOptions(scene))
    return { result, snapshot: result.snapshot, outcome: { kept: others, updated: [], inserted: [] } }
  }
}

export class Update extends RowStep {
  protected async change(scene: Scene, rows: readonly ModelRow[]): Promise<Change> {
    const { model, chance } = scene
    const filter = chooseFilter(model.columns, chance)
    this.told = expressionText(filter.expression)
    const { matching, others } = split(rows, filter)
    const assigned = assignments(model, scene)
    const result = await scene.verbs.update(filter.expression, assigned.input, changeOptions(scene))
    return { result, snapshot: result.snapshot, outcome: { kept: others, updated: matching.map(assigned.apply), inserted: [] } }
  }
}

/** Some columns to be set: to values, or to the value of another column of their kind. */
export function assignments(model: Model, { chance }: Scene): { input: Record<string, never>; apply: (row: ModelRow) => ModelRow } {
  const own = model.columns.filter(({ key }) => key !== UID)
  const chosen = chance.some(own)
  const sets = (chosen.length === 0 ? [chance.of(own)] : chosen).map((column) => {
    const from = chance.of(model.columns.filter(({ kind }) => kind === column.kind))
    const cell = cellOf(column.kind, chance)
    const isCopy = chance.once(2)
    const value = isCopy ? (row: Record<string, unknown>) => row[from.name] : inputOf(column.kind, cell)
    return { column, value, of: (row: ModelRow): Cell => (isCopy ? valueOf(row, from) : cell) }
  })
  return {
    input: Object.fromEntries(sets.map(({ column, value }) => [column.name, value as never])),
    apply: (row) => changed(row, sets.map(({ column, of }) => [column.key, of(row)])),
  }
}

export class Overwrite extends RowStep {
  protected async change(scene: Scene, rows: readonly ModelRow[]): Promise<Change> {
    const { model, chance, verbs } = scene
    const filter = chooseFilter(model.columns, chance)
    this.told = expressionText(filter.expression)
    const { others } = split(rows, filter)
    const inserted = model.newRows(model.columns, chance, 4)
    const result = await verbs.overwrite(inputs(inserted, model.columns), filter.expression, changeOptions(scene))
    return { result, snapshot: result.snapshot, outcome: { kept: others, updated: [], inserted } }
  }
}

export class OverwritePartitions extends RowStep {
  protected async change(scene: Scene, rows: readonly ModelRow[]): Promise<Change> {
    const { model, chance, verbs } = scene
    const inserted = model.newRows(model.columns, chance, 4)
    const partitions = new Set(inserted.map((row) => model.partitionOf(row)))
    const { others } = split(rows, { holds: (row) => partitions.has(model.partitionOf(row)) })
    const result = await verbs.overwritePartitions(inputs(inserted, model.columns), changeOptions(scene))
    return { result, snapshot: result.snapshot, outcome: { kept: others, updated: [], inserted } }
  }
}

/** Deletes by keys of rows that are there, of rows that are not, and by nulls. */
export class DeleteByKeys extends RowStep {
  override check({ version }: Readonly<Model>): boolean {
    return version > 1
  }

  protected async change({ model, chance, verbs, branch }: Scene, rows: readonly ModelRow[]): Promise<Change | undefined> {
    // Keys by names that are not current are refused, and files of later specs are out of a stale writer's reach.
    const isCurrent = verbs.schema!.schemaId === [...model.schemas].find(([, columns]) => columns === model.columns)![0]
    if (!isCurrent || verbs.formatVersion !== model.version || chance.once(2)) await verbs.refresh!()
    // Keys take the columns along that the table is partitioned by now.
    if (model.partitioning.length > 0 || verbs.spec!.fields.some(({ transform }) => transform !== 'void')) await verbs.refresh!()
    const keyed = model.columns.filter(({ key, kind }) => key !== UID && kind !== 'struct')
    const first = chance.once(2) ? keyed.find(({ key }) => key === ID)! : chance.of(keyed)
    const columns = [...new Set([first, ...(chance.once(3) ? [chance.of(keyed)] : [])])]
    const keys = [...chance.some(rows).slice(0, 3), ...(chance.once(2) ? [model.newRow(model.columns, chance)] : [])]
    const textOf = (row: ModelRow): string => columns.map((column) => cellText(valueOf(row, column))).join('|')
    const reached = new Set(keys.map((row) => `${model.partitionOf(row)} ${textOf(row)}`))
    const anywhere = new Set(keys.map(textOf))
    const { others } = split(rows, { holds: (row) => reached.has(`${model.partitionOf(row)} ${textOf(row)}`) })
    // Whether keys reach other partitions depends on the specs of live files: such keys take the partition along.
    if (others.some((row) => anywhere.has(textOf(row)))) return undefined
    const names = columns.map(({ name }) => name)
    const sources = model.columns.filter(({ key, name }) => names.includes(name) || model.partitioning.some((choice) => choice.key === key))
    const made = await refusal(verbs.deleteByKeys!(inputs(keys, sources), names, { branch }), 'CONFLICT', 'UNSUPPORTED')
    if ('error' in made) {
      expect(model.schemas.size + (verbs.metadata!.partitionSpecs.length - 1), made.error.message).toBeGreaterThan(1)
      return undefined
    }
    if (keys.length === 0) expect(made.value.snapshot).toBeUndefined()
    return { snapshot: made.value.snapshot, outcome: { kept: others, updated: [], inserted: [] } }
  }
}

export class ConvertEqualityDeletes extends RowStep {
  override check({ version }: Readonly<Model>): boolean {
    return version > 1
  }

  protected async change({ verbs, branch }: Scene, rows: readonly ModelRow[]): Promise<Change> {
    const { snapshot } = await verbs.convertEqualityDeletes!({ branch })
    if (snapshot !== undefined) {
      const left = await verbs.inspect!.deleteFiles({ snapshotId: snapshot.snapshotId })
      expect(left.filter(({ content }) => content === 2)).toEqual([])
    }
    return { snapshot, outcome: { kept: rows, updated: [], inserted: [] } }
  }
}
