/** Tables that Spark, the Java library and PyIceberg wrote: what their writers leave behind is known, and nothing else is found. */
import { describe, expect, it } from 'vitest'
import { loadStaticTable } from '../../../src/catalog/static-table.js'
import { fsck } from '../../../src/maintenance/fsck/fsck.js'
import { ParquetWasmEngine } from '../../../src/parquet/parquet-wasm-engine.js'
import { openStore } from '../../../src/table/open-store.js'
import { systemRuntime } from '../../../src/util/runtime.js'
import { goldenMapping, goldenTables } from '../../golden/golden-tables.js'

/** `FLOE_FSCK_SNAPSHOTS=all` checks every snapshot, for the errors there are. */
const snapshots = process.env['FLOE_FSCK_SNAPSHOTS'] === 'all' ? 'all' : 'refs'

/** By table: the codes that are found at heads, each with how often. No other table has any, and none of them is an error. */
const KNOWN: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // Spark's compaction leaves the delete files of what it replaced.
  compact_binpack: { 'delete-dangling': 5 },
  compact_sort: { 'delete-dangling': 5 },
  compact_zorder: { 'delete-dangling': 5 },
  format_orc: { 'file-unchecked': 2 },
  // PyIceberg carries over what an earlier snapshot deleted; the head has it no more, so that all snapshots of this one are checked.
  py_dynamic_overwrite_upsert: { 'entry-snapshot': 2 },
}

const engine = new ParquetWasmEngine({ workers: 0 })

describe('tables of the reference engines', () => {
  it.each(goldenTables.map((golden) => ({ golden, name: golden.table })))('trap 48, trap 57: $name has nothing wrong with it', async ({ golden, name }) => {
    const io = openStore(golden.metadata, { pathMapping: goldenMapping })
    const loaded = await loadStaticTable(golden.metadata, { io, allowedLocations: ['s3://iceberg-fixtures/shared/'] })
    const scope = name === 'py_dynamic_overwrite_upsert' ? 'all' : snapshots
    const report = await fsck({ loaded, engine, runtime: systemRuntime }, { data: 'all', snapshots: scope })
    const { 'metadata-log-missing': _, ...codes } = report.codes
    const errors = report.findings.filter(({ severity }) => severity === 'error').map(({ code, message }) => `${code}: ${message}`)
    expect(errors).toEqual([])
    if (snapshots === 'refs') expect(codes).toEqual(KNOWN[name] ?? {})
    expect(report.isSound).toBe(true)
  })
})
