/** Commands that change columns, partitions, properties, versions, branches; and several changes in one transaction. */
import { expect } from 'vitest'
import { asc, desc } from '../../src/index.js'
import type { FormatVersion, Table } from '../../src/index.js'
import { cellOf, Chance, inputOf, KINDS, WIDER, type Kind } from './model-cells.js'
import { choosePartition, partitionTerm } from './model-partition.js'
import { inTransaction, refusal, Step, type Real, type RowStep } from './model-step.js'
import { ID, UID, type Model, type ModelColumn } from './model-table.js'

abstract class StructureStep extends Step {
  async run(model: Model, { handles }: Real): Promise<void> {
    const chance = new Chance(this.seed)
    const table = await chance.of(handles).refresh()
    await this.change(model, table, chance)
  }

  protected abstract change(model: Model, table: Table, chance: Chance): Promise<void>

  /** The columns are others now. */
  protected setColumns(model: Model, table: Table, columns: readonly ModelColumn[]): void {
    expect(table.schema.fields.map(({ id, name }) => [id, name])).toEqual(columns.map(({ key, name }) => [key, name]))
    model.columns = columns
    model.schemas.set(table.schema.schemaId, columns)
  }
}

export class AddColumn extends StructureStep {
  override check({ columns }: Readonly<Model>): boolean {
    return columns.length < 12
  }

  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const kind = chance.of(Object.keys(KINDS) as Kind[])
    const hasDefault = model.version === 3 && kind !== 'struct' && kind !== 'timestamp' && chance.once(2)
    const chosen = hasDefault ? cellOf(kind, chance, Infinity) : null
    const initial = Number.isNaN(chosen) || chosen === Infinity ? 0 : chosen
    const name = chance.once(3) ? `n${chance.below(3)}` : `c${model.names++}`
    if (model.columns.some((column) => column.name === name)) return
    const options = initial === null ? {} : { default: inputOf(kind, initial) as never }
    await table.updateSchema((update) => update.addColumn(name, KINDS[kind], options))
    this.setColumns(model, table, [...model.columns, { key: table.schema.findField(name)!.id, name, kind, initial }])
  }
}

export class RenameColumn extends StructureStep {
  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const column = chance.of(model.columns)
    // A name that another column had before means another column now.
    const name = `n${chance.below(3)}`
    if (model.columns.some((other) => other.name === name)) return
    await table.updateSchema((update) => update.renameColumn(column.name, name))
    this.setColumns(model, table, model.columns.map((other) => (other === column ? { ...column, name } : other)))
  }
}

export class DropColumn extends StructureStep {
  override check({ columns }: Readonly<Model>): boolean {
    return columns.length > 3
  }

  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const column = chance.of(model.columns)
    const isUsed = [...table.spec.fields, ...table.sortOrder.fields].some((field) => field.sourceIds.includes(column.key))
    if (isUsed || column.key === ID || column.key === UID) return
    await table.updateSchema((update) => update.deleteColumn(column.name))
    this.setColumns(model, table, model.columns.filter((other) => other !== column))
  }
}

export class Widen extends StructureStep {
  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const narrow = model.columns.filter(({ kind }) => WIDER[kind] !== undefined && (kind !== 'date' || model.version === 3))
    if (narrow.length === 0) return
    const column = chance.of(narrow)
    const isUsed = table.metadata.partitionSpecs.some((spec) => spec.fields.some((field) => field.sourceIds.includes(column.key)))
    if (column.kind === 'date' && isUsed) return
    const kind = WIDER[column.kind]!
    await table.updateSchema((update) => update.updateColumn(column.name, KINDS[kind]))
    this.setColumns(model, table, model.columns.map((other) => (other === column ? { ...column, kind } : other)))
  }
}

export class Repartition extends StructureStep {
  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const chosen = [chance.of(model.columns), ...(chance.once(3) ? [chance.of(model.columns)] : [])]
    const choices = chance.once(4) ? [] : [...new Set(chosen)].flatMap((column) => choosePartition(column, chance) ?? [])
    const had = table.spec.fields.filter((field) => field.transform !== 'void').map((field) => field.name)
    await table.updateSpec((spec) => {
      for (const field of had) spec.removeField(field)
      for (const choice of choices) {
        const { name } = model.columns.find(({ key }) => key === choice.key)!
        spec.addField({ ...partitionTerm(choice, name), name: `p${model.names++}` })
      }
    })
    model.partitioning = choices
  }
}

export class Resort extends StructureStep {
  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const { name } = chance.of(model.columns.filter(({ kind }) => kind !== 'struct'))
    await table.replaceSortOrder(chance.of([[], [asc(name)], [desc(name)]]))
  }
}

const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  'commit.manifest-merge.enabled': ['false', 'true'],
  'commit.manifest.min-count-to-merge': ['2', '3', '100'],
  'commit.manifest.target-size-bytes': ['1', '7000', '8388608'],
  'write.metadata.metrics.default': ['none', 'full', 'counts', 'truncate(1)'],
  'write.delete.granularity': ['file', 'partition'],
  'write.delete.mode': ['merge-on-read', 'copy-on-write'],
  'write.update.mode': ['merge-on-read', 'copy-on-write'],
  'write.merge.mode': ['merge-on-read', 'copy-on-write'],
  'write.object-storage.enabled': ['true', 'false'],
}

export class SetProperties extends StructureStep {
  protected async change(_: Model, table: Table, chance: Chance): Promise<void> {
    const names = chance.some(Object.keys(PROPERTIES))
    await table.updateProperties(Object.fromEntries(names.map((name) => [name, chance.once(4) ? null : chance.of(PROPERTIES[name]!)])))
  }
}

export class Upgrade extends StructureStep {
  override check({ version }: Readonly<Model>): boolean {
    return version < 3
  }

  protected async change(model: Model, table: Table): Promise<void> {
    await table.upgrade((model.version + 1) as FormatVersion)
    model.version = table.formatVersion
  }
}

export class CreateBranch extends StructureStep {
  override check({ past }: Readonly<Model>): boolean {
    return past.size > 0
  }

  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const name = `b${chance.below(3)}`
    const at = chance.of([...model.past.values()])
    const made = await refusal(table.createBranch(name, { snapshotId: at.snapshot.snapshotId }), 'ALREADY_EXISTS', 'CONFLICT', 'INVALID')
    expect('error' in made).toBe(model.branches.has(name))
    if (!('error' in made)) model.branches.set(name, at.state)
  }
}

export class DropBranch extends StructureStep {
  override check({ branches }: Readonly<Model>): boolean {
    return [...branches.keys()].some((name) => name !== 'main')
  }

  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const name = chance.of([...model.branches.keys()].filter((branch) => branch !== 'main'))
    await table.dropBranch(name)
    model.branches.delete(name)
  }
}

export class FastForward extends StructureStep {
  override check({ branches }: Readonly<Model>): boolean {
    return branches.size > 1
  }

  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const [from, to] = chance.shuffled([...model.branches.keys()])
    const [head, target] = [model.branches.get(from!)!.head!, model.branches.get(to!)!.head!]
    const moved = await refusal(table.fastForward(from!, to!), 'CONFLICT')
    // One that is at the target, or ahead of it, has nothing to do or is refused: it stays.
    if (head !== target && model.isAncestor(target, head)) return
    expect('error' in moved).toBe(!model.isAncestor(head, target))
    if (!('error' in moved)) model.branches.set(from!, model.branches.get(to!)!)
  }
}

/** Back to a snapshot of the branch's history; or to any snapshot. */
export class Rollback extends StructureStep {
  override check({ branches }: Readonly<Model>): boolean {
    return branches.has('main')
  }

  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const branch = chance.once(2) ? 'main' : chance.of([...model.branches.keys()])
    const bound = branch === 'main' ? table : table.branch(branch)
    const { head } = model.branches.get(branch)!
    const at = chance.of([...model.past.values()])
    const { snapshotId } = at.snapshot
    if (chance.once(3)) await bound.setCurrentSnapshot(snapshotId)
    else {
      const made = await refusal(bound.rollback({ snapshotId }), 'INVALID', 'CONFLICT')
      expect('error' in made).toBe(!model.isAncestor(snapshotId, head!))
      if ('error' in made) return
    }
    model.branches.set(branch, at.state)
  }
}

export class Tag extends StructureStep {
  override check({ past, tags }: Readonly<Model>): boolean {
    return past.size > 0 && tags.size < 4
  }

  protected async change(model: Model, table: Table, chance: Chance): Promise<void> {
    const { snapshotId } = chance.of([...model.past.values()]).snapshot
    const name = `t${model.names++}`
    await table.createTag(name, { snapshotId })
    model.tags.set(name, snapshotId)
  }
}

/** Several changes, of which all are made or none. */
export class Transaction extends Step {
  constructor(
    seed: number,
    private readonly steps: readonly RowStep[],
  ) {
    super(seed)
  }

  async run(model: Model, { handles }: Real): Promise<void> {
    const chance = new Chance(this.seed)
    const table = chance.of(handles)
    const isAbandoned = chance.once(3)
    const reason = new Error('abandoned')
    const restore = model.save()
    const work = table.transaction(async (transaction) => {
      await inTransaction(this.steps, { model, chance, seen: model.columns, branch: 'main' }, transaction)
      if (isAbandoned) throw reason
    })
    if (isAbandoned) {
      await expect(work).rejects.toBe(reason)
      restore()
    } else await work
    expect(table.currentSnapshot?.snapshotId).toBe(model.branches.get('main')?.head)
  }

  override toString(): string {
    return `Transaction(${this.seed}, [${this.steps.join(', ')}])`
  }
}
