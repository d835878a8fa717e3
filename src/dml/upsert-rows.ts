import type { RecordBatch } from 'apache-arrow'
import { concatBatches } from '../arrow/concat-batches.js'
import { equalRows } from '../arrow/equal-rows.js'
import { takeBatch } from '../arrow/take.js'
import { PositionBitmap } from '../deletes/position-bitmap.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { WriteInput } from '../write/input-items.js'
import { inputBatches, type InputOptions } from '../write/input-rows.js'
import type { DmlContext } from './dml-context.js'
import { JoinSource, keyIdsOf, keyProjection, numberRows, type NumberedRows } from './join-source.js'
import { keyIndex, type KeyIndex } from './key-index.js'
import type { KeyReader } from './key-reader.js'
import { MatchedSource, rowIdsOf } from './matched-source.js'
import { hasRowLineage } from './removed-rows.js'
import { replanning } from './replan.js'
import type { RowChangeSet } from './row-change-set.js'
import { runRowChange, type ProgressMeter, type RowChangeKind, type RowChangeOptions, type RowChangeOutcome } from './row-change.js'
import type { SourceGroup } from './source-rows.js'

/** How rows that are matched by key are taken. */
export interface KeyedInputOptions extends Pick<InputOptions, 'unknownColumns' | 'parseText'> {
  /**
   * Where rows go that exceed `memoryBudgetBytes`, until the call ends. Default: the system's folder for temporary files.
   */
  readonly spillDirectory?: string | undefined
}

export interface UpsertOptions extends RowChangeOptions, KeyedInputOptions {
  /**
   * Leave rows alone that are in the table already, value for value. It costs reading all columns of the files that can hold
   * the keys, so it pays where most of the input is unchanged. Such rows are not counted. Default false.
   */
  readonly skipUnchanged?: boolean | undefined
}

/**
 * Rows whose key is in the table replace the rows there, whole; the others are inserted; in one snapshot. A key that the table
 * has more than once stays there as often. Only files that can hold one of the keys are read, and of them only the key columns.
 *
 * Rows by others of the same keys are a conflict under serializable isolation; then the change is planned again on the newer
 * version, so that racing upserts of a key never leave it twice.
 *
 * @throws FloeError `INVALID` naming the row and column for input that does not fit and for a null in a key, naming the key
 * for one that the input has twice; `CONFLICT` when others were in the way again and again
 */
export async function upsertRows(
  context: DmlContext,
  rows: WriteInput,
  keys: readonly string[] | undefined,
  options: UpsertOptions,
): Promise<RowChangeOutcome> {
  const { metadata } = context.loaded
  const schema = currentSchema(metadata)
  const keyIds = keyIdsOf(schema, keys)
  const source = new JoinSource(context, { ...options, metadata, schema, keyIds })
  const kind: RowChangeKind = {
    name: 'upsert',
    properties: 'merge',
    get filter() {
      return source.filter()
    },
  }
  try {
    return await replanning(context, options.signal, (current) =>
      runRowChange(current, options, kind, async (set, progress) => {
        await source.take(withoutNullKeys(inputBatches(rows, schema, options), source.keys))
        await upsertInto({ context: current, set, progress }, source, options)
      }),
    )
  } finally {
    await source.close()
  }
}

/** Passes batches on. @throws FloeError `INVALID` for a row with a null in a key column: it would match nothing, ever */
export async function* withoutNullKeys(batches: AsyncIterable<RecordBatch>, keys: KeyReader): AsyncGenerator<RecordBatch, void, undefined> {
  let before = 0
  for await (const batch of batches) {
    const nullRow = keys.read(batch).nulls?.indexOf(1) ?? -1
    if (nullRow >= 0) {
      const column = keys.paths[keys.values(batch, nullRow).findIndex((value) => value === null)]!
      throw new FloeError('INVALID', `row ${before + nullRow}: the key is null, so it can match no row: give it a value, or append the row`, { column })
    }
    before += batch.numRows
    yield batch
  }
}

interface Gathering {
  readonly context: DmlContext
  readonly set: RowChangeSet
  readonly progress: ProgressMeter
}

async function upsertInto(gathering: Gathering, source: JoinSource, options: UpsertOptions): Promise<void> {
  const files = await source.candidates(gathering.context, options)
  for await (const group of source.groups()) await upsertGroup(gathering, { source, group, files }, options)
}

/** A part of a source, joined to the files that can hold its keys. */
export interface GroupJoin {
  readonly source: JoinSource
  readonly group: SourceGroup
  readonly files: readonly PlannedFile[]
}

async function upsertGroup(gathering: Gathering, { source, group, files }: GroupJoin, options: UpsertOptions): Promise<void> {
  const { context, set, progress } = gathering
  const { metadata } = context.loaded
  const { batches } = group
  const index = distinctKeys(batches, source.keys)
  if (index.size === 0) return
  const matched = new MatchedSource(index.size)
  const request = {
    projection: options.skipUnchanged === true ? currentSchema(metadata) : keyProjection(metadata, source.keyIds),
    keyIds: source.keyIds,
    index,
    lineage: hasRowLineage(metadata),
    signal: options.signal,
  }
  const unchanged = options.skipUnchanged === true ? compareWith(batches, source.schema) : undefined
  for await (const found of numberRows(context, files, request)) replaceMatches(found, { matched, unchanged, set })
  await matched.write(batches, set, { metadata })
  progress.add(index.size)
}

/** Numbers all rows, in their order. @throws FloeError `INVALID` naming a key that is there twice */
export function distinctKeys(batches: readonly RecordBatch[], keys: KeyReader): KeyIndex {
  const index = keyIndex(keys.isNarrow, batches.reduce((sum, batch) => sum + batch.numRows, 0))
  for (const batch of batches) {
    const first = index.size
    const numbers = index.add(keys.read(batch))
    const twice = numbers.findIndex((number, row) => number !== first + row)
    if (twice >= 0) {
      throw new FloeError('INVALID', `The input has the key ${keys.text(batch, twice)} more than once, and which row is meant is not known: keep one of them`, {
        column: keys.paths.join(', '),
      })
    }
  }
  return index
}

interface Matching {
  readonly matched: MatchedSource
  /** Which of some rows of the table are equal to those of the source that they are matched with. */
  readonly unchanged: ((rows: RecordBatch, numbers: Uint32Array) => Uint8Array) | undefined
  readonly set: RowChangeSet
}

function replaceMatches({ file, batch, numbers, positions, lineage }: NumberedRows, { matched, unchanged, set }: Matching): void {
  const rows: number[] = []
  for (let row = 0; row < numbers.length; row++) if (numbers[row]! >= 0) rows.push(row)
  if (rows.length === 0) return
  const same = unchanged?.(takeBatch(batch, Uint32Array.from(rows)), Uint32Array.from(rows, (row) => numbers[row]!))
  const replaced = new PositionBitmap()
  const rowIds = lineage && rowIdsOf(lineage.rowIds)
  rows.forEach((row, i) => {
    const number = numbers[row]!
    if (same?.[i] === 1) matched.match(number)
    else {
      matched.replace(number, rowIds, row)
      replaced.add(positions.at(row))
    }
  })
  set.deleteRows(file, replaced)
}

function compareWith(batches: readonly RecordBatch[], schema: Schema): Matching['unchanged'] {
  const source = concatBatches(batches)
  return (rows, numbers) => equalRows(schema, rows, takeBatch(source, numbers))
}
