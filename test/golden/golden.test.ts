/** Every golden table, at every snapshot, branch and tag, through the public API: exactly the engines' rows, or a clear refusal. */
import { describe, expect, it } from 'vitest'
import { eq, FloeError, isNull } from '../../src/index.js'
import type { TableScan } from '../../src/index.js'
import { isReservedFieldId } from '../../src/schema/reserved-fields.js'
import { canonicalLines, goldenScan, linesSha256, openGolden } from './golden-scans.js'
import { expectedLines, goldenTables, unreadableFiles } from './golden-tables.js'
import type { GoldenFile, GoldenTable } from './golden-tables.js'

const targetsOf = (golden: GoldenTable): string[] => Object.keys(golden.rows)
const isReadable = (golden: GoldenTable, target: string): boolean => unreadableFiles(golden, golden.rows[target]!['snapshot-id']).length === 0

const targets = goldenTables.flatMap((golden) => targetsOf(golden).map((target) => ({ golden, target, title: `${golden.table} ${target}` })))

describe('rows', () => {
  it.each(targets.filter(({ golden, target }) => isReadable(golden, target)))('of $title are those that the engines see', async ({ golden, target }) => {
    const lines = await canonicalLines(goldenScan(await openGolden(golden), target))
    const expected = expectedLines(golden, target)
    if (expected !== undefined) expect(lines).toEqual(expected)
    expect(lines).toHaveLength(golden.rows[target]!.rows)
    expect(linesSha256(lines)).toBe(golden.rows[target]!.sha256)
  })

  it.each(targets.filter(({ golden, target }) => !isReadable(golden, target)))('of $title are refused, never wrong', async ({ golden, target }) => {
    const reading = canonicalLines(goldenScan(await openGolden(golden), target))
    await expect(reading).rejects.toSatisfy((error) => error instanceof FloeError && error.code === 'UNSUPPORTED')
  })
})

/** A literal of a filter for a canonical value, for types whose literals are the same in both forms. */
const literals: Readonly<Record<string, (value: unknown) => string | number | bigint | boolean>> = {
  long: (value) => BigInt(value as string),
  int: (value) => value as number,
  string: (value) => value as string,
  boolean: (value) => value as boolean,
  timestamp: (value) => BigInt(value as string),
  timestamptz: (value) => BigInt(value as string),
  double: (value) => Number(value),
  uuid: (value) => value as string,
}

type ExpectedRow = Readonly<Record<string, unknown>>

/** Null, and up to three values of each column that has such a type. NaN is equal to nothing, and zero to both zeros. */
function filtersOf(scan: TableScan, rows: readonly ExpectedRow[]): { column: string; value: unknown }[] {
  return scan.schema.fields
    .filter((field) => literals[field.type.kind] !== undefined && !isReservedFieldId(field.id))
    .flatMap(({ name, type }) => {
      const unusual = type.kind === 'double' ? [null, 'NaN', '-0', '0'] : [null]
      const values = [...new Set(rows.map((row) => row[name]))].filter((value) => !unusual.includes(value as string))
      const chosen = [values[0], values[values.length >> 1], values.at(-1)].filter((value) => value !== undefined)
      return [null, ...new Set(chosen)].map((value) => ({ column: name, value }))
    })
}

describe('filters', () => {
  const readable = goldenTables.filter((golden) => golden.rows['current'] !== undefined && isReadable(golden, 'current'))
  it.each(readable)('on $table prune no row that matches and keep none that does not; trap 54: nor do they change its row id', async (golden) => {
    const target = golden.rows['current.lineage'] === undefined ? 'current' : 'current.lineage'
    const scan = goldenScan(await openGolden(golden), target)
    const rows = (expectedLines(golden, target) ?? []).map((line) => ({ line, row: JSON.parse(line) as ExpectedRow }))
    for (const { column, value } of filtersOf(scan, rows.map(({ row }) => row))) {
      const kind = scan.schema.fields.find((field) => field.name === column)!.type.kind
      const filter = value === null ? isNull(column) : eq(column, literals[kind]!(value))
      const found = await canonicalLines(scan.filter(filter))
      expect(found, `${column} = ${String(value)}`).toEqual(rows.filter(({ row }) => row[column] === value).map(({ line }) => line))
    }
  })
})

const text = (value: unknown): string | null => {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return Object.is(value, -0) ? '-0' : String(value as number)
}
const metricsText = (metrics: ExpectedRow): Record<string, string | null> =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, text(value)]))
const metricsOf = (metrics: Readonly<Record<string, object>>): Record<string, object> =>
  Object.fromEntries(Object.entries(metrics).map(([column, members]) => [column, metricsText(members as ExpectedRow)]))
const byPath = <T extends { readonly path: string }>(rows: readonly T[]): T[] => rows.toSorted((a, b) => (a.path < b.path ? -1 : 1))

const fileFacts = (file: Pick<GoldenFile, 'file_path' | 'content' | 'file_format' | 'record_count'>) => ({
  path: file.file_path,
  content: file.content,
  format: file.file_format.toUpperCase(),
  records: file.record_count,
})

describe('inspection', () => {
  it.each(goldenTables)('of $table lists its files, snapshots and references, deletes or not', async (golden) => {
    const { inspect } = await openGolden(golden)
    for (const [snapshotId, files] of Object.entries(golden['live-files'])) {
      const rows = await inspect.files({ snapshotId: BigInt(snapshotId) })
      expect(byPath(rows.map(fileFacts))).toEqual(byPath(files.map(fileFacts)))
      const partitions = await inspect.partitions({ snapshotId: BigInt(snapshotId) })
      const dataRows = files.filter((file) => file.content === 0).reduce((sum, file) => sum + file.record_count, 0)
      expect(partitions.reduce((sum, partition) => sum + partition.record_count, 0)).toBe(dataRows)
    }
    expect(inspect.snapshots().map((row) => String(row.snapshot_id))).toEqual(golden.snapshots.map((snapshot) => snapshot['snapshot-id']))
    expect(inspect.refs().map((row) => row.name).sort()).toEqual(Object.keys(golden.refs ?? {}).sort())
  })

  it.each(goldenTables.filter((golden) => golden.entries.length > 0))('of $table shows metrics as Spark shows them', async (golden) => {
    const entries = await (await openGolden(golden)).inspect.entries()
    const shown = entries.map((row) => ({ path: row.data_file.file_path, metrics: metricsOf(row.readable_metrics) }))
    const expected = golden.entries.map((entry) => ({ path: entry.data_file.file_path, metrics: metricsOf(entry.readable_metrics) }))
    expect(byPath(shown)).toEqual(byPath(expected))
  })
})

describe('planning', () => {
  it.each(targets)('of $title finds every live data file', async ({ golden, target }) => {
    const plan = await goldenScan(await openGolden(golden), target).plan()
    const live = golden['live-files'][golden.rows[target]!['snapshot-id']] ?? []
    const planned = [...plan.files()].map((file) => ({ path: file.filePath, records: file.recordCount }))
    const expected = live.filter((file) => file.content === 0).map((file) => ({ path: file.file_path, records: file.record_count }))
    expect(byPath(planned)).toEqual(byPath(expected))
  })
})
