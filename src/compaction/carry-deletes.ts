import type { DeleteCarrier, HookContext, NewDeletes } from '../commit/change-files.js'
import type { AppliedDelete } from '../deletes/delete-file.js'
import { deleteTask } from '../deletes/delete-file.js'
import { PositionBitmap } from '../deletes/position-bitmap.js'
import { deleteLoader, type DmlContext } from '../dml/dml-context.js'
import { usesVectors } from '../dml/removed-rows.js'
import type { DataFile } from '../manifest/data-file.js'
import { schemaById } from '../metadata/metadata-lookup.js'
import type { FileScanTask } from '../scan/file-scan-task.js'
import { readTasks } from '../scan/read-files.js'
import { ROW_POSITION_FIELD } from '../schema/reserved-fields.js'
import { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import { writeDeletionVectors } from '../write/deletion-vector-writer.js'
import { writePositionDeletes } from '../write/position-delete-writer.js'
import { columnsOf } from '../arrow/arrow-data.js'
import { RowPositions } from '../dml/file-rows.js'
import type { CompactionGroup, CompactionPlan } from './compaction-plan.js'
import { dataFileOf } from './data-file-json.js'
import { locateRows } from './locate-rows.js'
import type { GroupResult } from './rewrite-group.js'

/** One group with what came of it. */
export interface RewrittenGroup {
  readonly group: CompactionGroup
  readonly result: GroupResult
}

/** A group, what came of it, and rows of its inputs that are gone since. */
interface ChangedGroup extends RewrittenGroup {
  /** By location of the input. */
  readonly deleted: Map<string, PositionBitmap>
}

/**
 * Repeats on the outputs of a compaction what others deleted of its inputs since it was planned, so that no row comes back and the
 * compaction is not lost. Where rows have gone is not recorded while they are rewritten: it is found out for those rows alone.
 */
export class DeleteCarrying {
  readonly #context: DmlContext
  readonly #plan: CompactionPlan
  readonly #groups: readonly RewrittenGroup[]
  /** By location of the output: what was found, over all attempts; rows that are deleted stay so. */
  readonly #found = new Map<string, PositionBitmap>()
  /** By location of the input: the rows that were looked for. */
  readonly #known = new Map<string, PositionBitmap>()

  /** `context.loaded`: pinned to the plan. */
  constructor(context: DmlContext, plan: CompactionPlan, groups: readonly RewrittenGroup[]) {
    this.#context = context
    this.#plan = plan
    this.#groups = groups
  }

  /** A {@link DeleteCarrier}: answers delete files of the outputs. */
  async carry(newDeletes: Parameters<DeleteCarrier>[0], hook: HookContext): Promise<readonly DataFile[]> {
    for (const changed of await this.#changedGroups(newDeletes, hook)) {
      const found = await locateRows(changed, this.#plan, this.#context, hook.signal)
      for (const [output, positions] of found) add(this.#found, output, positions)
      for (const [input, positions] of changed.deleted) add(this.#known, input, positions)
    }
    const { metadata } = this.#context.loaded
    const outputs = this.#groups.flatMap(({ result }) => result.addedDataFiles)
    const targets = outputs.flatMap((file) => {
      const positions = this.#found.get(file.filePath)
      return positions === undefined ? [] : [{ dataFile: dataFileOf(file, metadata, this.#plan.schemaId), positions }]
    })
    const { engine, runtime } = this.#context
    const { io } = hook.table
    const target = { io, engine, metadata, runtime, signal: hook.signal }
    return usesVectors(metadata) ? writeDeletionVectors(targets, target) : writePositionDeletes(targets, target)
  }

  async #changedGroups(newDeletes: readonly NewDeletes[], hook: HookContext): Promise<ChangedGroup[]> {
    const tasks = new Map(this.#groups.flatMap((member) => member.group.tasks.map((task) => [task.filePath, { ...member, task }] as const)))
    const changed = new Map<number, ChangedGroup>()
    for (const { replaced, deletes } of newDeletes) {
      const member = tasks.get(replaced.filePath)
      if (member === undefined) throw new FloeError('INVALID', 'A file is replaced that is in no group', { file: replaced.filePath })
      const { group, result, task } = member
      const applied = deletes.map(({ file, sequenceNumber }) => ({ ...file, sequenceNumber }))
      const all = await this.#deletedRows(task, applied, hook)
      const fresh = all.difference(this.#known.get(task.filePath) ?? new PositionBitmap())
      if (fresh.isEmpty) continue
      const entry = changed.get(group.id) ?? { group, result, deleted: new Map<string, PositionBitmap>() }
      entry.deleted.set(task.filePath, fresh)
      changed.set(group.id, entry)
    }
    return [...changed.values()]
  }

  /** The rows of a file that new deletes take, whether they were alive or not. */
  async #deletedRows(task: FileScanTask, deletes: readonly AppliedDelete[], { table, signal }: HookContext): Promise<PositionBitmap> {
    const positions = await deleteLoader({ ...this.#context, loaded: table }, signal).loadPositions(task, deletes)
    const equality = deletes.filter((candidate) => candidate.content === 'equality-deletes')
    if (equality.length === 0) return positions
    // What reading the file with these deletes alone leaves out
    const kept = new PositionBitmap()
    const { engine, loaded } = this.#context
    const { metadata } = loaded
    const request = { io: table.io, engine, metadata, schema: schemaById(metadata, this.#plan.schemaId), projection: new Schema([]) }
    const only: FileScanTask = { ...task, deletes: equality.map(deleteTask), snapshotId: undefined }
    for await (const batch of readTasks([only], { ...request, metadataColumns: [ROW_POSITION_FIELD.name], signal })) {
      new RowPositions(columnsOf(batch)[0]!).addTo(kept)
    }
    const all = new PositionBitmap()
    all.addRange(0, task.recordCount)
    positions.addAll(all.difference(kept))
    return positions
  }
}

function add(map: Map<string, PositionBitmap>, key: string, positions: PositionBitmap): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, positions.clone())
  else known.addAll(positions)
}
