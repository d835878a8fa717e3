import type { RecordBatch } from 'apache-arrow'
import { PositionBitmap } from '../deletes/position-bitmap.js'
import { alwaysTrue } from '../expression/predicates.js'
import { currentSchema, defaultSpec } from '../metadata/metadata-lookup.js'
import { partitionKey } from '../partition/partition-key.js'
import type { PartitionSpec } from '../partition/partition-spec.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import type { Schema } from '../schema/schema.js'
import type { WriteInput } from '../write/input-items.js'
import { inputBatches } from '../write/input-rows.js'
import { RowPartitioner } from '../write/partition-rows.js'
import type { DmlContext } from './dml-context.js'
import type { Gathering } from './delete-rows.js'
import { readFileRows } from './file-rows.js'
import type { OverwriteRowsOptions } from './overwrite-rows.js'
import { followingRewrites } from './replan.js'
import { planChange, runRowChange, type RowChangeOutcome } from './row-change.js'

/** Options of a dynamic overwrite: it has no filter that rows could miss. */
export type OverwritePartitionsOptions = Omit<OverwriteRowsOptions, 'requireMatch'>

/**
 * Replaces the partitions that `rows` have rows of, in one commit, so that writing the same rows again changes nothing;
 * without rows nothing changes at all. Partitions are those of the table's current spec, nulls included. Rows of these
 * partitions that lie in files of older specs are replaced as well, row by row, unlike in the reference, which leaves them.
 * A table that is not partitioned is replaced as a whole.
 *
 * @throws FloeError `INVALID` for rows that do not fit, `CONFLICT` when another commit was in the way
 */
export function overwritePartitions(context: DmlContext, rows: WriteInput, options: OverwritePartitionsOptions): Promise<RowChangeOutcome> {
  const { metadata } = context.loaded
  const schema = currentSchema(metadata)
  const kind = { name: 'overwrite', properties: 'delete', filter: alwaysTrue() } as const
  const overwrite = (current: DmlContext): Promise<RowChangeOutcome> =>
    runRowChange(current, options, kind, async (set, progress) => {
      const replaced = new PartitionKeys(current)
      for await (const batch of inputBatches(rows, schema, options)) {
        replaced.add(batch)
        await set.insert(batch)
        progress.add(batch.numRows)
      }
      if (replaced.isEmpty) return undefined
      const isExact = await removePartitions({ context: current, set, progress }, replaced, options)
      return { replacePartitions: isExact }
    })
  // Other inputs can be read once.
  return Array.isArray(rows) ? followingRewrites(context, options.signal, overwrite) : overwrite(context)
}

/** The partitions, under the table's current spec, that rows belong to. */
class PartitionKeys {
  readonly spec: PartitionSpec
  /** The columns that tell a row's partition. */
  readonly sources: Schema
  readonly #ofRows: RowPartitioner
  readonly #ofSources: RowPartitioner
  readonly #keys = new Set<string>()

  constructor({ loaded }: DmlContext) {
    const schema = currentSchema(loaded.metadata)
    this.spec = defaultSpec(loaded.metadata)
    this.sources = schema.selectIds(this.spec.fields.flatMap((field) => field.sourceIds))
    this.#ofRows = new RowPartitioner(this.spec, schema)
    this.#ofSources = new RowPartitioner(this.spec, this.sources)
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0
  }

  get isWholeTable(): boolean {
    return this.spec.fields.every((field) => field.transform === 'void')
  }

  /** Adds those of new rows. */
  add(batch: RecordBatch): void {
    for (const { partition } of this.#ofRows.group(batch)) this.#keys.add(partitionKey(partition))
  }

  has(partition: PlannedFile['partition']): boolean {
    return this.#keys.has(partitionKey(partition))
  }

  /** Ordinals of the rows, in a batch of {@link sources}, that belong to one of the partitions. */
  *rowsIn(batch: RecordBatch): Generator<Uint32Array, void, undefined> {
    for (const { partition, rows } of this.#ofSources.group(batch)) if (this.has(partition)) yield rows
  }
}

/** Has the rows of the partitions removed; answers whether these are exactly the files of the partitions. */
async function removePartitions(
  { context, set, progress }: Gathering,
  replaced: PartitionKeys,
  options: OverwritePartitionsOptions,
): Promise<boolean> {
  const plan = await planChange(context, alwaysTrue(), options)
  const older: PlannedFile[] = []
  for (const file of plan.files()) {
    if (replaced.isWholeTable || (file.specId === replaced.spec.specId && replaced.has(file.partition))) set.deleteFile(file)
    else if (file.specId !== replaced.spec.specId) older.push(file)
  }
  let isExact = true
  const request = { projection: replaced.sources, signal: options.signal }
  for await (const { file, batch, positions } of readFileRows(context, older, request)) {
    const found = new PositionBitmap()
    for (const rows of replaced.rowsIn(batch)) for (const row of rows) found.add(positions.at(row))
    if (found.isEmpty) continue
    isExact = false
    set.deleteRows(file, found)
    progress.add(found.cardinality)
  }
  return isExact
}
