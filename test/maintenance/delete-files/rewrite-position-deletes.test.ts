import { describe, expect, it } from 'vitest'
import { eq, isIn, lt, schema, t, type Table } from '../../../src/index.js'
import { column, memoryLake, rowTexts, type Lake } from '../../support/lake.js'

const columns = schema({ id: t.long.required, kind: t.string })
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => ({ id: BigInt(from + i), kind: `k${(from + i) % 2}` }))
const merge = { mode: 'merge-on-read' } as const

async function tableOf(formatVersion: 2 | 3, properties: Record<string, string> = {}): Promise<Lake & { readonly table: Table }> {
  const lake = await memoryLake()
  const table = await lake.catalog.createTable('a.t', { schema: columns, partitionBy: ['kind'], formatVersion, properties })
  return { ...lake, table }
}

async function state(table: Table): Promise<string[]> {
  const scan = table.scan()
  return rowTexts(await (table.formatVersion === 3 ? scan.metadataColumns('_row_id', '_last_updated_sequence_number') : scan).rows().toArray())
}

describe('rewriting position deletes', () => {
  it('makes one file of the small ones of a partition, under their highest sequence number, and keeps every row', async () => {
    const { table } = await tableOf(2, { 'write.delete.granularity': 'partition' })
    await table.append(rows(0, 40))
    await table.append(rows(40, 80))
    for (const id of [1n, 3n, 5n, 41n, 43n, 47n]) await table.delete(eq('id', id), merge)
    await table.delete(eq('id', 2n), merge)
    const before = await state(table)
    const planned = await table.rewritePositionDeletes({ dryRun: true })
    expect(planned).toMatchObject({ snapshot: undefined, rewrittenDeletes: 6, addedDeletes: 0 })
    const sequenceNumber = table.currentSnapshot!.sequenceNumber
    const result = await table.rewritePositionDeletes()
    expect(result).toMatchObject({ rewrittenDeletes: 6, addedDeletes: 1, danglingDeletes: 0 })
    expect(result.snapshot?.operation).toBe('replace')
    expect(await state(table)).toEqual(before)
    const entries = (await table.inspect.entries()).filter((entry) => entry.status !== 2 && entry.data_file.content === 1)
    // The deletes of k1 came before the last one, of k0, which stays as it is.
    const counts = entries.map((entry) => [entry.sequence_number, entry.data_file.record_count])
    expect(counts.sort()).toEqual([[sequenceNumber - 1n, 6], [sequenceNumber, 1]])
    expect(await table.rewritePositionDeletes()).toMatchObject({ snapshot: undefined, rewrittenDeletes: 0 })
  })

  it('drops deletes of data files that are gone', async () => {
    const { table } = await tableOf(2, { 'write.delete.granularity': 'partition' })
    await table.append(rows(0, 10))
    await table.append(rows(10, 20))
    await table.delete(isIn('id', [1n, 2n, 11n]), merge)
    await table.delete(eq('kind', 'k1'))
    const before = await state(table)
    const result = await table.rewritePositionDeletes()
    expect(result).toMatchObject({ danglingDeletes: 1, addedDeletes: 0 })
    expect(await state(table)).toEqual(before)
    expect(await table.inspect.deleteFiles()).toHaveLength(1)
  })

  it('moves vectors out of many small Puffin files, and out of such of which little applies any more', async () => {
    const { table } = await tableOf(3)
    for (let i = 0; i < 6; i++) await table.append(rows(20 * i, 20 * i + 20))
    for (let i = 0; i < 6; i++) await table.delete(eq('id', BigInt(20 * i)), merge)
    const before = await state(table)
    const vectors = await table.inspect.deleteFiles()
    expect(new Set(vectors.map((file) => file.file_path)).size).toBe(6)
    const result = await table.rewritePositionDeletes()
    expect(result).toMatchObject({ rewrittenDeletes: 6, addedDeletes: 6, addedFiles: 1 })
    expect(await state(table)).toEqual(before)
    const entries = (await table.inspect.entries()).filter((entry) => entry.status !== 2 && entry.data_file.content === 1)
    const numbers = entries.map((entry) => entry.sequence_number)
    expect(numbers.map(Number).sort((a, b) => a - b)).toEqual([7, 8, 9, 10, 11, 12])
    expect((await table.rewritePositionDeletes()).snapshot).toBeUndefined()
    // Five of the six vectors are replaced elsewhere.
    await table.delete(isIn('id', [2n, 22n, 42n, 62n, 82n]), merge)
    const after = await state(table)
    expect((await table.rewritePositionDeletes()).reasons).toEqual(['1 vectors move out of 1 Puffin files (1 mostly dead)'])
    expect(await state(table)).toEqual(after)
  })

  it('turns the position delete files of an upgraded table into vectors, united with what was deleted since', async () => {
    const { table } = await tableOf(2)
    await table.append(rows(0, 40))
    for (const id of [1n, 3n, 4n]) await table.delete(eq('id', id), merge)
    await table.upgrade(3)
    await table.delete(eq('id', 5n), merge)
    const before = await column(table, 'id')
    const result = await table.rewritePositionDeletes()
    expect(result).toMatchObject({ rewrittenDeletes: 1, addedDeletes: 1 })
    expect(await column(table, 'id')).toEqual(before)
    expect((await table.inspect.deleteFiles()).map((file) => file.file_format)).toEqual(['PUFFIN', 'PUFFIN'])
  })

  it('unites with what others delete of the same data files meanwhile, and drops what they drop', async () => {
    const { table, catalog, io } = await tableOf(3)
    for (let i = 0; i < 6; i++) await table.append(rows(20 * i, 20 * i + 20))
    for (let i = 0; i < 6; i++) await table.delete(eq('id', BigInt(20 * i)), merge)
    const other = await catalog.loadTable('a.t')
    let isFirst = true
    io.hook = async ({ operation, location }, effect) => {
      const done = await effect()
      if (operation === 'write' && location.endsWith('.puffin') && isFirst) {
        isFirst = false
        await other.delete(isIn('id', [22n, 101n]), merge)
        await other.delete(lt('id', 20n))
      }
      return done
    }
    await table.rewritePositionDeletes()
    const expected = rows(20, 120).map(({ id }) => id).filter((id) => id % 20n !== 0n && id !== 22n && id !== 101n)
    expect(new Set(await column(table, 'id'))).toEqual(new Set(expected))
    const vectors = await table.inspect.deleteFiles()
    expect(new Set(vectors.map((file) => file.referenced_data_file)).size).toBe(vectors.length)
  })

  it('has nothing to do in an empty table, and in one of format version 1', async () => {
    const { table, catalog } = await tableOf(2)
    expect(await table.rewritePositionDeletes()).toMatchObject({ snapshot: undefined })
    const old = await catalog.createTable('a.old', { schema: columns, formatVersion: 1 })
    await old.append(rows(0, 3))
    expect(await old.rewritePositionDeletes()).toMatchObject({ snapshot: undefined, reasons: [] })
  })
})
