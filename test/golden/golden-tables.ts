/** Reads the catalogue of golden tables: what each contains, as the engine that wrote it says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const goldenFolder = import.meta.dirname
/** Prefix inside the tables' metadata, and the folder that serves it. */
export const goldenMapping = { 's3://iceberg-fixtures/shared/': `${pathToFileURL(join(goldenFolder, 'tables')).href}/` }

export interface GoldenTarget {
  readonly rows: number
  readonly sha256: string
  readonly 'snapshot-id': string
  readonly 'schema-id': number
  /** Absent when the rows are too many to be kept. */
  readonly file?: string
}

export interface GoldenFile {
  /** 0 data, 1 position deletes or a deletion vector, 2 equality deletes. */
  readonly content: 0 | 1 | 2
  readonly file_path: string
  readonly file_format: string
  readonly spec_id: number
  readonly record_count: number
  readonly sequence_number: number
  readonly file_sequence_number: number | null
  readonly first_row_id?: string
  readonly sort_order_id?: number
  readonly content_offset?: number
  readonly content_size_in_bytes?: number
  readonly referenced_data_file?: string
}

export interface GoldenSnapshot {
  readonly 'snapshot-id': string
  readonly 'parent-snapshot-id': string | null
  readonly 'timestamp-ms': number
  readonly 'sequence-number'?: number
  readonly 'schema-id'?: number
  readonly summary?: Readonly<Record<string, string>>
}

/** An entry of Spark's `entries` table; counts and ids as strings, bounds in hex. */
export interface GoldenEntry {
  readonly status: 0 | 1 | 2
  readonly snapshot_id: string
  readonly sequence_number: string
  readonly file_sequence_number: string
  readonly readable_metrics: Readonly<Record<string, object>>
  readonly data_file: {
    readonly content: 0 | 1 | 2
    readonly file_path: string
    readonly file_format: string
    readonly spec_id: number
    readonly record_count: string
    readonly file_size_in_bytes: string
    readonly partition?: Readonly<Record<string, unknown>>
    readonly value_counts?: readonly (readonly [number, string])[]
    readonly null_value_counts?: readonly (readonly [number, string])[]
    readonly nan_value_counts?: readonly (readonly [number, string])[]
    readonly lower_bounds?: readonly (readonly [number, string])[]
    readonly upper_bounds?: readonly (readonly [number, string])[]
    readonly split_offsets?: readonly string[]
    readonly equality_ids?: readonly number[]
    readonly sort_order_id?: number
    readonly first_row_id?: string
  }
}

export interface GoldenTable {
  readonly table: string
  readonly metadata: string
  readonly 'metadata-versions': readonly string[]
  readonly 'format-version': 1 | 2 | 3
  readonly 'table-uuid': string | null
  readonly location: string
  readonly 'last-sequence-number': number | null
  readonly 'next-row-id': number | null
  readonly 'last-column-id': number
  readonly 'last-partition-id': number
  readonly 'current-schema-id': number
  readonly 'default-spec-id': number
  readonly 'default-sort-order-id': number
  readonly 'current-snapshot-id': string | null
  readonly schemas: readonly { readonly 'schema-id': number; readonly fields: readonly unknown[] }[]
  readonly 'partition-specs': readonly { readonly 'spec-id': number; readonly fields: readonly unknown[] }[]
  readonly snapshots: readonly GoldenSnapshot[]
  readonly refs: Readonly<Record<string, { readonly 'snapshot-id': string; readonly type: 'branch' | 'tag' }>> | null
  readonly properties: Readonly<Record<string, string>>
  readonly rows: Readonly<Record<string, GoldenTarget>>
  readonly 'live-files': Readonly<Record<string, readonly GoldenFile[]>>
  readonly entries: readonly GoldenEntry[]
}

/** Every golden table, by name. */
export const goldenTables: readonly GoldenTable[] = readdirSync(join(goldenFolder, 'expected'))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(goldenFolder, 'expected', name, 'table.json'), 'utf8')) as GoldenTable)

/** The bytes of an object that a golden table names. */
export function readGolden(location: string): Buffer {
  return readFileSync(goldenPath(location))
}

export function goldenPath(location: string): string {
  const prefix = 's3://iceberg-fixtures/shared/'
  if (!location.startsWith(prefix)) throw new Error(`${location} is not a golden object`)
  return join(goldenFolder, 'tables', location.slice(prefix.length))
}

/** Expected canonical lines of a target; `undefined` when only their hash is kept. */
export function expectedLines(table: GoldenTable, target: string): readonly string[] | undefined {
  const file = table.rows[target]?.file
  const path = file === undefined ? undefined : join(goldenFolder, 'expected', table.table, file)
  if (path === undefined || !existsSync(path)) return undefined
  const text = readFileSync(path, 'utf8')
  return text === '' ? [] : text.slice(0, -1).split('\n')
}

/** The snapshot's live files whose rows this version cannot give back: ORC. */
export function unreadableFiles(table: GoldenTable, snapshotId: string): readonly GoldenFile[] {
  return (table['live-files'][snapshotId] ?? []).filter((file) => file.file_format.toUpperCase() === 'ORC')
}
