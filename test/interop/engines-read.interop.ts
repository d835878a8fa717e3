/** Tables that floe writes, read row for row by the reference engines. */
import { afterAll, describe, expect, it } from 'vitest'
import { openCatalog, schema } from '../../src/index.js'
import { oracle } from './oracle.js'
import type { Engine } from './oracle.js'
import { canonicalLine, interopTables } from './tables.js'
import type { InteropTable } from './tables.js'
import { requireTool } from './tools.js'
import { currentMetadata, makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

const cases = interopTables.flatMap((table) => table.formatVersions.map((formatVersion) => ({ table, formatVersion, title: `${table.name} in v${formatVersion}` })))

/** PyIceberg 0.11 and DuckDB read v3 only in part; the Java engines and the reader written from the spec read all of it. */
function enginesFor(table: InteropTable, formatVersion: 1 | 2 | 3): readonly Engine[] {
  const all: readonly Engine[] = formatVersion === 3 ? ['java', 'spark', 'pyarrow'] : ['java', 'spark', 'pyiceberg', 'duckdb', 'pyarrow']
  return all.filter((engine) => table.unable?.[engine] === undefined)
}

describe.each(cases)('$title', ({ table, formatVersion }) => {
  const name = `${table.name}_v${formatVersion}`
  const targets: { readonly snapshotId: string; readonly lines: readonly string[] }[] = []

  async function write(): Promise<void> {
    if (targets.length > 0) return
    const lake = await openCatalog(warehouse.location)
    const { partitionBy, sortBy, properties } = table
    const created = await lake.createTable(`interop.${name}`, {
      schema: schema(table.columns),
      formatVersion,
      ...(partitionBy !== undefined && { partitionBy }),
      ...(sortBy !== undefined && { sortBy }),
      ...(properties !== undefined && { properties }),
    })
    const lines: string[] = []
    for (const batch of table.batches) {
      const snapshot = await created.append(batch)
      lines.push(...batch.map((row) => canonicalLine(table, row)))
      targets.push({ snapshotId: String(snapshot.snapshotId), lines: [...lines] })
    }
  }

  it('is read by every engine as it was written', async (context) => {
    requireTool(context, 'python', 'spark')
    await write()
    const metadata = currentMetadata(warehouse, 'interop', name)
    const engines = enginesFor(table, formatVersion)
    const answers = await oracle().check({ metadata }, targets.at(-1)!.lines, engines)
    expect(answers.map(({ engine, message }) => `${engine}: ${message}`)).toEqual(
      engines.map((engine) => `${engine}: ok ${targets.at(-1)!.lines.length} rows`),
    )
  })

  it('is read at its first snapshot as it was then', async (context) => {
    requireTool(context, 'python', 'spark')
    await write()
    const metadata = currentMetadata(warehouse, 'interop', name)
    const first = targets[0]!
    const [answer] = await oracle().check({ metadata, snapshot: first.snapshotId }, first.lines, ['java'])
    expect(answer!.message).toBe(`ok ${first.lines.length} rows`)
  })

  it('passes the reference parsers, and its files hold what its metadata says', async (context) => {
    requireTool(context, 'python', 'spark')
    await write()
    const report = await oracle().describe({ metadata: currentMetadata(warehouse, 'interop', name) })
    expect({ errors: report.errors, warnings: report.warnings }).toEqual({ errors: [], warnings: [] })
  })
})
