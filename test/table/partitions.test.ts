import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alwaysTrue, and, bucket, day, eq, gt, gtEq, hour, identity, isIn, isNull, lt, ltEq, month, not, notEq, notNull, or, schema, startsWith, t, truncate, year } from '../../src/index.js'
import type { Expression, FormatVersion, PartitionTerm, Row } from '../../src/index.js'
import { truthOf } from '../support/naive-filter.js'
import { memoryLake, rowTexts } from '../support/lake.js'
import type { Lake } from '../support/lake.js'

const columns = schema({
  id: t.long.required, int: t.int, long: t.long, text: t.string, at: t.timestamptz, day: t.date,
  uuid: t.uuid, dec: t.decimal(9, 2), bytes: t.binary, place: t.struct({ zip: t.string }),
})
const HOUR = 3_600_000_000n
const uuid = (i: number): string => `f79c3e09-677c-4bbd-a479-3f349cb785${(i % 5).toString().padStart(2, '0')}`

/** Rows around the places where transforms change, every sixth value null. */
const rows = Array.from({ length: 42 }, (_, i) => {
  const n = i - 21
  const value = <T>(v: T): T | null => (i % 6 === 5 ? null : v)
  return {
    id: BigInt(i), int: value(n), long: value(BigInt(n) * 3n), text: value(['', 'a', 'ab', 'abc', 'a😀b', 'b'][i % 6]!), at: value(BigInt(n) * 11n * HOUR - 1n), day: value(n * 20),
    uuid: value(uuid(i)), dec: value(BigInt(n) * 7n), bytes: value(Uint8Array.of(i % 4, 255)), place: i % 7 === 0 ? null : { zip: value(`z${i % 3}`) },
  }
})
const input = rows.map((row) => ({ ...row, dec: row.dec === null ? null : (Number(row.dec) / 100).toFixed(2) }))

const specs: Record<string, readonly PartitionTerm[]> = {
  nothing: [],
  'identity of a number and a text': [identity('int'), identity('text')],
  'identity of a member of a struct': [identity('place.zip')],
  'bucket of long, text, uuid and bytes': [bucket('long', 3), bucket('text', 2), bucket('uuid', 4), bucket('bytes', 3)],
  'truncate of numbers, texts and decimals': [truncate('int', 10), truncate('text', 2), truncate('dec', 50)],
  'year and month': [year('at'), month('day')],
  'day and bucket': [day('at'), bucket('dec', 3)],
  hour: [hour('at')],
}

const filters: readonly Expression[] = [
  alwaysTrue(), eq('int', -1), lt('int', -10), and(gtEq('int', -3), ltEq('int', 3)), notEq('int', 5), isNull('int'), notNull('text'), eq('text', ''), startsWith('text', 'a'),
  not(startsWith('text', 'ab')), isIn('text', ['b', 'a😀b']), gt('text', 'ab'), eq('long', 9n), isIn('long', [0n, -3n, 100n]), lt('at', -1n), gtEq('at', 0n), and(gtEq('at', -24n * HOUR), lt('at', 24n * HOUR)),
  lt('day', 0), eq('uuid', uuid(3)), eq('dec', 0n as unknown as string), eq('place.zip', 'z1'), isNull('place.zip'), or(eq('place.zip', 'z2'), gt('int', 25)), not(or(isNull('int'), gt('long', 0n))),
].filter((filter) => !('literal' in filter && filter.literal === 0n && 'term' in filter && filter.term.column === 'dec'))

let lake: Lake
beforeAll(async () => {
  lake = await memoryLake()
})
afterAll(async () => {
  await lake.catalog.close()
})

const byId = (row: (typeof rows)[number]): ReadonlyMap<number, never> =>
  new Map(columns.fields.flatMap((field): [number, unknown][] => {
    const value = row[field.name as keyof typeof row]
    return field.type.kind === 'struct' ? [[field.type.fields[0]!.id, (value as { zip: string | null } | null)?.zip ?? null]] : [[field.id, value]]
  })) as never

const cases = Object.keys(specs).map((name, i) => ({ name, version: (i % 3) + 1 }))

describe('rows appended and scanned', () => {
  it.each(cases)('partitioned by $name, version $version: every filter gives what a look at each row gives', async ({ name, version }) => {
    const table = await lake.catalog.createTable(`p.t${version}_${Object.keys(specs).indexOf(name)}`, { schema: columns, partitionBy: specs[name]!, formatVersion: version as FormatVersion })
    await table.append(input)
    const all = new Map((await table.scan().rows().toArray()).map((row) => [row['id'] as bigint, row]))
    expect(all.size).toBe(rows.length)
    for (const { id, int, long, text, at, day: date } of rows) expect(all.get(id)).toMatchObject({ int, long, text, at, day: date })
    for (const [i, filter] of filters.entries()) {
      const expected = rows.filter((row) => truthOf(filter, columns, byId(row)) === true).map((row) => all.get(row.id)!)
      const found: Row[] = await table.scan().filter(filter).rows().toArray()
      expect(rowTexts(found), JSON.stringify(filter, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))).toEqual(rowTexts(expected))
      if (i % 5 === 0) expect(await table.scan().filter(filter).count()).toBe(expected.length)
    }
  })
})

describe('a spec that changes half way', () => {
  it.each([1, 2, 3] as const)('keeps every row findable, version %i', async (formatVersion) => {
    const table = await lake.catalog.createTable(`p.evolved${formatVersion}`, { schema: columns, partitionBy: [day('at'), identity('text')], formatVersion })
    await table.append(input.slice(0, 14))
    await table.updateSpec((spec) => spec.removeField('at_day').addField(bucket('id', 2)))
    await table.append(input.slice(14, 28))
    await table.updateSchema((update) => update.addColumn('more', t.string).renameColumn('int', 'number'))
    await table.updateSpec((spec) => spec.removeField('text').addField(truncate('number', 10)))
    await table.append(input.slice(28).map(({ int, ...row }) => ({ ...row, number: int, more: 'm' })))
    const count = (filter: Expression): Promise<number> => table.scan().filter(filter).count()
    expect(await count(alwaysTrue())).toBe(42)
    expect(await count(eq('text', 'ab'))).toBe(rows.filter((row) => row.text === 'ab').length)
    expect(await count(lt('at', 0n))).toBe(rows.filter((row) => row.at !== null && row.at < 0n).length)
    expect(await count(gtEq('number', 0))).toBe(rows.filter((row) => row.int !== null && row.int >= 0).length)
    expect(await count(eq('more', 'm'))).toBe(14)
    expect(await count(isNull('more'))).toBe(28)
    const partitions = await table.inspect.partitions()
    expect(partitions.reduce((sum, { record_count }) => sum + record_count, 0)).toBe(42)
    expect(new Set((await table.inspect.files()).map((file) => file.spec_id)).size).toBe(3)
  })
})
