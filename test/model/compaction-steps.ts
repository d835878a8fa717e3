/** Compaction: of a table at rest, and with anything else happening between its plan and its commit. */
import { expect } from 'vitest'
import { hilbert, sortBy, zOrder } from '../../src/index.js'
import type { CompactCallOptions, GroupResult } from '../../src/index.js'
import { refusal, RowStep, type Change, type Real, type Scene, type Step } from './model-step.js'
import { Chance } from './model-cells.js'
import type { Model, ModelColumn, ModelRow } from './model-table.js'

/** Any strategy over any columns, and thresholds that take some files and leave others. */
function compactOptions(columns: readonly ModelColumn[], chance: Chance): CompactCallOptions {
  const ordered = columns.filter(({ kind }) => kind !== 'struct').map(({ name }) => name)
  const names = [...new Set([chance.of(ordered), chance.of(ordered)])]
  const all = { rewriteAll: true }
  return {
    strategy: chance.of(['binpack', sortBy(...names), zOrder(...names), hilbert(...names)] as const),
    ...chance.of([all, all, { minInputFiles: 2 }, { deleteFileThreshold: 1 }, { ...all, maxFileGroupSizeBytes: 4000 }]),
    ...(chance.once(4) ? { useStartingSequenceNumber: false } : {}),
    ...(chance.once(4) ? { targetFileSizeBytes: 2000 } : {}),
  }
}

export class Compact extends RowStep {
  protected async change({ model, chance, verbs, branch }: Scene, rows: readonly ModelRow[]): Promise<Change | undefined> {
    if (!model.branches.has(branch)) return undefined
    const options = compactOptions(model.columns, chance)
    this.told = JSON.stringify(options)
    const { snapshots, failedGroups, plan } = await verbs.compact!({ ...options, branch })
    expect(failedGroups).toEqual([])
    expect(snapshots).toHaveLength(plan.groups.length === 0 ? 0 : 1)
    return { snapshot: snapshots[0], outcome: { kept: rows, updated: [], inserted: [] } }
  }
}

/** Other commands between plan and commit: what they did to the rows stays, whoever did it. */
export class CompactMeanwhile extends RowStep {
  readonly #meanwhile: readonly Step[]
  #results: readonly GroupResult[] = []
  #plan = ''

  constructor(seed: number, meanwhile: readonly Step[]) {
    super(seed)
    this.#meanwhile = meanwhile
  }

  override check(model: Readonly<Model>): boolean {
    return model.branches.has('main')
  }

  override async run(model: Model, real: Real): Promise<void> {
    const chance = new Chance(this.seed)
    const table = await real.handles[0]!.refresh()
    const options = compactOptions(model.columns, chance)
    const plan = await table.planCompaction(options)
    this.#plan = JSON.stringify(plan)
    const results: GroupResult[] = []
    for (const { id } of plan.groups) results.push(await table.rewriteGroup(id, this.#plan))
    this.#results = JSON.parse(JSON.stringify(results)) as GroupResult[]
    for (const step of this.#meanwhile) if (step.check(model)) await step.run(model, real)
    if (!model.branches.has('main')) return
    await table.refresh()
    const seen = model.schemas.get(table.schema.schemaId)!
    await this.perform({ model, chance, verbs: table, scan: () => Promise.resolve(table.scan()), seen, branch: 'main' })
  }

  protected async change({ verbs }: Scene, rows: readonly ModelRow[]): Promise<Change | undefined> {
    // An upgrade and a branch that was moved back are reasons to refuse.
    const made = await refusal(verbs.commitCompaction!(this.#plan, this.#results), 'CONFLICT')
    if ('error' in made) return undefined
    return { snapshot: made.value.snapshot, outcome: { kept: rows, updated: [], inserted: [] } }
  }

  override toString(): string {
    return `CompactMeanwhile(${this.seed}, ${this.#plan}: ${this.#meanwhile.map(String).join(', ')})`
  }
}
