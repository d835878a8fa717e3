/** Scans of files that we wrote, with all there is to skip by, against the same filter on every row. */
import { expect, it } from 'vitest'
import { day, hour, identity, month, schema, t, truncate, year } from '../../src/index.js'
import type { PartitionTerm, Row } from '../../src/index.js'
import { memoryLake, rowTexts } from '../support/lake.js'

const columns = schema({ id: t.long.required, at: t.timestamptz, on: t.date, x: t.double, y: t.float })

/** Instants on both sides of 1970, exact and a microsecond beside it; NaN alone in files, among others, and nowhere. */
const HOUR = 3_600_000
const at = [-25 * HOUR, -24 * HOUR, -HOUR - 1, -HOUR, -1, 0, 1, HOUR, 400 * 24 * HOUR, -400 * 24 * HOUR, -1e12]
const numbers = [NaN, -Infinity, -1, -0, 0, 1, Infinity]
const rows: Row[] = at.flatMap((ms, i) =>
  numbers.map((x, j) => ({
    id: BigInt(i * 10 + j),
    at: i === 4 && j === 4 ? null : new Date(ms),
    on: i === 4 && j === 4 ? null : new Date(Math.floor(ms / (24 * HOUR)) * 24 * HOUR),
    x: j === 5 ? null : i % 3 === 0 ? NaN : x,
    y: i % 4 === 0 ? NaN : x,
  })),
)

type Truth = (row: { readonly ms: number | undefined; readonly x: number | null; readonly y: number }) => boolean
const FILTERS: readonly (readonly [string, Truth])[] = [
  ["at < '1970-01-01T00:00:00Z'", ({ ms }) => ms !== undefined && ms < 0],
  ["at >= '1969-12-31T23:59:59.999Z'", ({ ms }) => ms !== undefined && ms >= -1],
  ["at = '1969-12-31T23:59:59.999Z'", ({ ms }) => ms === -1],
  ["at <> '1969-12-31T23:00:00Z'", ({ ms }) => ms !== -HOUR && ms !== undefined],
  ["at in ('1969-12-31T23:00:00Z', '1970-01-01T00:00:00.001Z')", ({ ms }) => ms === -HOUR || ms === 1],
  ["on = '1969-12-31'", ({ ms }) => ms !== undefined && Math.floor(ms / (24 * HOUR)) === -1],
  ["on <= '1969-12-30'", ({ ms }) => ms !== undefined && Math.floor(ms / (24 * HOUR)) <= -2],
  ['x is nan', ({ x }) => Number.isNaN(x)],
  ['x is not nan', ({ x }) => !Number.isNaN(x)],
  ['x < 0', ({ x }) => x !== null && x < 0],
  ['x >= 0', ({ x }) => x !== null && x >= 0],
  ['x <> 1', ({ x }) => x !== null && x !== 1],
  ['x not in (1, 0)', ({ x }) => x !== null && x !== 1 && x !== 0],
  ['y <= -1', ({ y }) => y <= -1],
  ['y = 0', ({ y }) => y === 0],
]

const SPECS: Readonly<Record<string, readonly (string | PartitionTerm)[]>> = {
  'nothing': [],
  'hours': [hour('at')],
  'days of instants': [day('at')],
  'months': [month('on')],
  'years, and numbers as they are': [year('on'), identity('x')],
  'floats and tens': [identity('y'), truncate('id', 10)],
}

it.each(Object.keys(SPECS))('rows with NaN and from before 1970 are found whatever is skipped by: partitioned by %s (fault 48)', async (name) => {
  const lake = await memoryLake()
  const properties = { 'write.parquet.row-group-size-bytes': '300', 'commit.manifest-merge.enabled': 'false' }
  const table = await lake.catalog.createTable('a.t', { schema: columns, partitionBy: SPECS[name]!, properties })
  // Files of their own without partitions too: one for each instant.
  const step = (SPECS[name]!.length === 0 ? 1 : 4) * numbers.length
  for (let i = 0; i < rows.length; i += step) await table.append(rows.slice(i, i + step))
  const [all, kept] = [await table.scan().rows().toArray(), rowTexts(await table.scan().rows().toArray())]
  expect(kept).toHaveLength(rows.length)
  let skipped = 0
  for (const [filter, isTrue] of FILTERS) {
    const expected = rows.filter((row) => {
      const ms = row['at'] === null ? undefined : (row['at'] as Date).getTime()
      return isTrue({ ms, x: row['x'] as number | null, y: row['y'] as number })
    })
    const ids = new Set(expected.map((row) => row['id']))
    const scan = table.scan().filter(filter)
    const found = await scan.rows().toArray()
    expect(found.map((row) => row['id'] as bigint).sort((a, b) => Number(a - b)), filter).toEqual([...ids])
    expect(rowTexts(found), filter).toEqual(rowTexts(all.filter((row) => ids.has(row['id']))))
    const { files, manifests } = (await scan.plan()).report
    skipped += files.skipped + manifests.skipped
  }
  expect(skipped).toBeGreaterThan(FILTERS.length)
})
