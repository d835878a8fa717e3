import type { RecordBatch } from 'apache-arrow'
import { readManifestFiles } from '../commit/manifest-input.js'
import type { DataFile } from '../manifest/data-file.js'
import { currentSchema, defaultSpec } from '../metadata/metadata-lookup.js'
import type { PartitionSpec } from '../partition/partition-spec.js'
import { FloeError } from '../util/errors.js'
import { writeEqualityDeletes } from '../write/equality-delete-writer.js'
import { inputChunks, isBatch, type WriteInput } from '../write/input-items.js'
import type { InputOptions } from '../write/input-rows.js'
import { baseSnapshot, type RowChangeOptions } from './row-change.js'
import type { DmlContext } from './dml-context.js'

/** Keys of rows that are to be deleted without being looked up. */
export interface KeyDeletes {
  /** Rows with the key columns, and those that the table is partitioned by. A null deletes nulls. */
  readonly keys: WriteInput
  /** The columns that make a key. */
  readonly columns: readonly string[]
}

/**
 * Writes equality deletes that reach every row of the keys. In a partitioned table they delete in the partition that each key
 * belongs to; where files of other specs are live, they have to be global.
 *
 * @throws FloeError `INVALID` for keys that do not fit, or that lack a column that the table is partitioned by; `UNSUPPORTED` where
 * equality deletes cannot reach every file
 */
export async function writeKeyDeletes(
  context: DmlContext,
  { keys, columns }: KeyDeletes,
  options: Pick<RowChangeOptions, 'branch' | 'signal' | 'memoryBudgetBytes'> & Pick<InputOptions, 'unknownColumns' | 'parseText'>,
): Promise<readonly DataFile[]> {
  const { loaded, engine, runtime } = context
  const { io, metadata } = loaded
  const spec = defaultSpec(metadata)
  const scope = isGlobal(spec) || (await hasOnlySpec(context, spec, options)) ? 'partition' : 'global'
  if (scope === 'global' && !metadata.partitionSpecs.some((candidate) => candidate.fields.length === 0)) {
    const advice = 'use delete() or merge(), or rewrite the files under the current spec'
    throw new FloeError('UNSUPPORTED', `Equality deletes of the current partition spec do not reach the files that older specs have written: ${advice}`)
  }
  const { signal, memoryBudgetBytes, unknownColumns, parseText } = options
  const input = scope === 'partition' ? withPartitionColumns(keys, context, spec, signal) : withoutOtherColumns(keys, context, columns, signal)
  const target = { io, engine, metadata, runtime, signal }
  return writeEqualityDeletes(input, { columns, scope, ...target, memoryBudgetBytes, unknownColumns, parseText })
}

function isGlobal(spec: PartitionSpec): boolean {
  return spec.fields.every((field) => field.transform === 'void')
}

async function hasOnlySpec(context: DmlContext, spec: PartitionSpec, options: Pick<RowChangeOptions, 'branch' | 'signal'>): Promise<boolean> {
  if (context.loaded.metadata.partitionSpecs.length === 1) return true
  const snapshot = baseSnapshot(context, options.branch)
  if (snapshot === undefined) return true
  const manifests = await readManifestFiles(context.loaded, snapshot, { signal: options.signal })
  return manifests.every(
    ({ content, partitionSpecId, addedFilesCount, existingFilesCount }) =>
      content !== 'data' || partitionSpecId === spec.specId || (addedFilesCount === 0 && existingFilesCount === 0),
  )
}

/** A partition column that is left out would be taken for null, and the delete would look for its row in the wrong place. */
async function* withPartitionColumns(
  keys: WriteInput,
  { loaded }: DmlContext,
  spec: PartitionSpec,
  signal: AbortSignal | undefined,
): AsyncGenerator<object | RecordBatch, void, undefined> {
  const schema = currentSchema(loaded.metadata)
  const names = schema.selectIds(spec.fields.flatMap((field) => field.sourceIds)).fields.map((field) => field.name)
  for await (const chunk of inputChunks(keys, signal)) {
    if (isBatch(chunk)) {
      const present = new Set(chunk.schema.fields.map((field) => field.name))
      requireNames(names, (name) => present.has(name))
      yield chunk
    } else {
      for (const key of chunk) {
        // What is no object is refused with its row number later.
        const row = key as Readonly<Record<string, unknown>> | null
        if (typeof row === 'object' && row !== null) requireNames(names, (name) => row[name] !== undefined)
        yield key
      }
    }
  }
}

/** Columns that the table is partitioned by may be given always: callers need not know which specs the live files have. */
async function* withoutOtherColumns(
  keys: WriteInput,
  { loaded }: DmlContext,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<object | RecordBatch, void, undefined> {
  const { metadata } = loaded
  const sources = currentSchema(metadata).selectIds(defaultSpec(metadata).fields.flatMap((field) => field.sourceIds))
  const keyRoots = new Set(columns.map((path) => path.split('.')[0]))
  const others = new Set(sources.fields.map((field) => field.name).filter((name) => !columns.includes(name) && !keyRoots.has(name)))
  for await (const chunk of inputChunks(keys, signal)) {
    if (isBatch(chunk)) yield chunk.select(chunk.schema.fields.map((field) => field.name).filter((name) => !others.has(String(name))))
    else for (const key of chunk) yield isRecord(key) ? withoutNames(key, others) : (key as object)
  }
}

function withoutNames(key: object, names: ReadonlySet<string>): object {
  return Object.fromEntries(Object.entries(key).filter(([name]) => !names.has(name)))
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function requireNames(names: readonly string[], isPresent: (name: string) => boolean): void {
  const missing = names.find((name) => !isPresent(name))
  if (missing === undefined) return
  throw new FloeError('INVALID', 'a key lacks a column that the table is partitioned by: give it with each key, null where it is null', { column: missing })
}
