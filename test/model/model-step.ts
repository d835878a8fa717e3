/** The frame of all commands: whose handle, which branch, and the model that is held against the table. */
import { expect } from 'vitest'
import type fc from 'fast-check'
import { FloeError } from '../../src/index.js'
import type { Catalog, RowChangeOptions, RowChangeResult, Snapshot, Table, TableScan, TableTransaction } from '../../src/index.js'
import { Chance } from './model-cells.js'
import { settle, textsOf, type Model, type ModelColumn, type ModelRow, type Outcome } from './model-table.js'

export interface Real {
  readonly catalog: Catalog
  /** One table, loaded several times: each handle sees what it saw last. */
  readonly handles: readonly Table[]
}

export abstract class Step implements fc.AsyncCommand<Model, Real> {
  /** What it did last, to be shown beside its seed. */
  protected told = ''

  constructor(protected readonly seed: number) {}

  check(_: Readonly<Model>): boolean {
    return true
  }

  abstract run(model: Model, real: Real): Promise<void>

  toString(): string {
    return `${this.constructor.name}(${this.seed}${this.told === '' ? '' : `: ${this.told}`})`
  }
}

/** The verbs of a table, or of a transaction of it. */
export type Verbs = Pick<Table, 'append' | 'delete' | 'update' | 'overwrite' | 'overwritePartitions' | 'upsert'> & Partial<Omit<Table, 'scan'>>

/** What a change of rows is given. */
export interface Scene {
  readonly model: Model
  readonly chance: Chance
  readonly verbs: Verbs
  /** A scan of the state as it is now. */
  readonly scan: () => Promise<TableScan>
  /** The columns as the handle has seen them last. */
  readonly seen: readonly ModelColumn[]
  readonly branch: string
}

/** What a change of rows came to, and what it should. */
export interface Change {
  readonly snapshot: Snapshot | undefined
  readonly outcome: Outcome
  readonly result?: RowChangeResult | undefined
  readonly position?: number | undefined
}

/** A command that changes rows. */
export abstract class RowStep extends Step {
  async run(model: Model, { handles }: Real): Promise<void> {
    const chance = new Chance(this.seed)
    const table = chance.of(handles)
    const branches = [...model.branches.keys()].filter((name) => name !== 'main')
    const branch = chance.once(4) ? chance.of([...branches, 'fresh']) : 'main'
    // A new branch starts where its writer last saw main.
    if (!model.branches.has(branch)) await table.refresh()
    const seen = model.schemas.get(table.schema.schemaId)!
    const isMade = await this.perform({ model, chance, verbs: table, scan: () => Promise.resolve(table.scan()), seen, branch })
    if (isMade) expect(table.metadata.refs.get(branch)?.snapshotId).toBe(model.branches.get(branch)!.head)
  }

  /** Makes the change, and the same to the model. Answers whether there is a new snapshot. */
  async perform(scene: Scene): Promise<boolean> {
    const { model, branch } = scene
    const change = await this.change(scene, model.state(branch).rows)
    if (change === undefined) return false
    const { snapshot, outcome, result, position } = change
    if (result !== undefined) {
      const removed = model.state(branch).rows.length - outcome.kept.length - outcome.updated.length
      const counts = { deletedRows: removed, updatedRows: outcome.updated.length, insertedRows: outcome.inserted.length }
      expect(result, this.toString()).toMatchObject(counts)
      // Files may go whose rows were all deleted before: a snapshot that changes no row.
      const isChange = removed + outcome.updated.length + outcome.inserted.length > 0 || position !== undefined
      if (isChange) expect(snapshot, 'a change makes a snapshot').toBeDefined()
    }
    if (snapshot !== undefined) await settle(model, await scene.scan(), { branch, snapshot, outcome, position })
    else expect(textsOf(outcome.kept, model.columns)).toEqual(textsOf(model.state(branch).rows, model.columns))
    return snapshot !== undefined
  }

  /** Answers undefined when the table refused, rightly. */
  protected abstract change(scene: Scene, rows: readonly ModelRow[]): Promise<Change | undefined>
}

/** Options of a change: every mode, and now and then as little memory as possible. */
export function changeOptions({ chance, branch }: Scene): RowChangeOptions {
  const mode = chance.of(['merge-on-read', 'copy-on-write', undefined] as const)
  const isolation = chance.of(['serializable', 'snapshot', undefined] as const)
  const memory = chance.once(4) ? { memoryBudgetBytes: chance.of([1, 200, 4096]), maxOpenFiles: 1 } : {}
  return { mode, isolation, ...(branch === 'main' && chance.once(2) ? {} : { branch }), ...memory }
}

/** The error of an action that may be refused with one of these codes; undefined when it went well. */
export async function refusal<T>(action: Promise<T>, ...codes: FloeError['code'][]): Promise<{ value: T } | { error: FloeError }> {
  try {
    return { value: await action }
  } catch (error) {
    if (error instanceof FloeError && codes.includes(error.code)) return { error }
    throw error
  }
}

/** The steps of a transaction see its state. */
export async function inTransaction(steps: readonly RowStep[], scene: Omit<Scene, 'verbs' | 'scan'>, transaction: TableTransaction): Promise<void> {
  for (const step of steps) {
    await step.perform({ ...scene, seen: scene.model.columns, verbs: transaction, scan: () => transaction.scan() })
  }
}
