import { describe, expect, it } from 'vitest'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { bucket, desc, openCatalog, schema, t, type Table } from '../../src/index.js'

const ids = async (table: Table): Promise<number[]> => {
  const rows = await table.scan().rows().toArray()
  return rows.map((row) => Number(row['id'])).sort((a, b) => a - b)
}

interface Made {
  readonly table: Table
  readonly other: Table
  readonly io: MemoryFileIO
}

async function newTable(...batches: readonly (readonly number[])[]): Promise<Made> {
  const io = new MemoryFileIO()
  const lake = await openCatalog('memory:', { io })
  const table = await lake.createTable('shop.events', { schema: schema({ id: t.long.required }), formatVersion: 3 })
  for (const batch of batches) await table.append(batch.map((id) => ({ id })))
  return { table, other: await lake.loadTable('shop.events'), io }
}

async function files(io: MemoryFileIO): Promise<number> {
  let count = 0
  for await (const status of io.list('memory:///warehouse')) if (!status.location.endsWith('.metadata.json')) count++
  return count
}

describe('a transaction', () => {
  it('is one commit in which each change sees the ones before, awaited or not', async () => {
    const { table } = await newTable([1, 2, 3])
    const versions = table.metadata.metadataLog.length
    await table.transaction(async (tx) => {
      void tx.updateSchema((columns) => columns.addColumn('country', t.string))
      void tx.append([{ id: 4, country: 'CH' }])
      const result = await tx.delete("id = 1 or country = 'CH'")
      expect(result.deletedRows).toBe(2)
      await tx.update('id = 2', { country: 'AT' })
      expect(await (await tx.scan()).count()).toBe(2)
    })
    expect(await table.scan().rows().toArray()).toEqual([
      { id: 2n, country: 'AT' },
      { id: 3n, country: null },
    ])
    expect(table.metadata.metadataLog.length).toBe(versions + 1)
    expect(table.metadata.snapshotLog).toHaveLength(2)
  })

  it('that fails, or one of whose calls fails unseen, commits nothing and leaves no file', async () => {
    const { table, io } = await newTable([1])
    const before = await files(io)
    const { metadataLocation } = table
    const thrown = table.transaction(async (tx) => {
      await tx.append([{ id: 2 }])
      await tx.delete('id = 1')
      throw new Error('changed my mind')
    })
    await expect(thrown).rejects.toThrow('changed my mind')
    const unseen = table.transaction((tx) => {
      void tx.append([{ id: 'no number' }])
      void tx.append([{ id: 3 }])
    })
    await expect(unseen).rejects.toMatchObject({ code: 'INVALID', column: 'id' })
    await table.refresh()
    expect(table.metadataLocation).toBe(metadataLocation)
    expect(await files(io)).toBe(before)
  })

  it('is made again on what others committed meanwhile, as long as that fits', async () => {
    const { table, other, io } = await newTable([1, 2])
    await table.transaction(async (tx) => {
      await tx.append([{ id: 3 }])
      await tx.updateProperties({ owner: 'me' })
      await other.append([{ id: 4 }])
    })
    expect(await ids(table)).toEqual([1, 2, 3, 4])
    expect(table.properties.get('owner')).toBe('me')
    expect(new Set(table.snapshots.map(({ sequenceNumber }) => sequenceNumber)).size).toBe(3)
    const { rows } = await newRowIds(table)
    expect(new Set(rows).size).toBe(4)
    expect(await files(io)).toBeGreaterThan(0)
  })

  it('conflicts with what others did to the rows that it read, also when it had changed the table before', async () => {
    const { table, other } = await newTable([1, 2])
    const racing = table.transaction(async (tx) => {
      await tx.append([{ id: 3 }])
      await tx.update('id = 1', { id: 10 })
      await other.update('id = 1', { id: 20 })
    })
    await expect(racing).rejects.toMatchObject({ code: 'CONFLICT' })
    await table.refresh()
    expect(await ids(table)).toEqual([2, 20])
  })

  it.each([
    ['a column of the same type', 'INT'],
    ['a column of another type', 'STRING'],
  ] as const)('conflicts when others took the ids of its columns for %s: rows are stored by them', async (_, type) => {
    const { table, other } = await newTable([1])
    for (const change of ['append', 'update'] as const) {
      const racing = table.transaction(async (tx) => {
        await tx.updateSchema((update) => update.addColumn(`mine_${change}`, t.int).addColumn(`place_${change}`, t.struct({ x: t.int })))
        if (change === 'append') await tx.append([{ id: 2, [`mine_${change}`]: 42 }])
        else await tx.update('id = 1', { [`mine_${change}`]: 42 })
        await other.updateSchema((update) => update.addColumn(`theirs_${change}`, type === 'INT' ? t.int : t.string))
      })
      await expect(racing).rejects.toMatchObject({ code: 'CONFLICT', retryable: false, message: expect.stringContaining(`column mine_${change}`) as string })
    }
    await table.refresh()
    expect(await ids(table)).toEqual([1])
    expect((await table.fsck({ data: 'all' })).isSound).toBe(true)
  })

  it('conflicts when others took the ids of its partition spec or sort order', async () => {
    const { table, other } = await newTable([1])
    const bySpec = table.transaction(async (tx) => {
      await tx.updateSpec((update) => update.addField(bucket('id', 4)))
      await tx.append([{ id: 2 }])
      await other.updateSpec((update) => update.addField(bucket('id', 8)))
      await other.append([{ id: 3 }])
    })
    await expect(bySpec).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('partition spec 1') as string })
    const byOrder = table.transaction(async (tx) => {
      await tx.replaceSortOrder(['id'])
      await tx.append([{ id: 4 }])
      await other.replaceSortOrder([desc('id')])
    })
    await expect(byOrder).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('sort order 1') as string })
    await table.refresh()
    expect(await ids(table)).toEqual([1, 3])
    expect((await table.fsck({ data: 'all' })).isSound).toBe(true)
  })

  it('goes together with changes of others that leave its ids alone', async () => {
    const { table, other } = await newTable([1])
    await table.transaction(async (tx) => {
      await tx.updateSchema((update) => update.addColumn('mine', t.int))
      await tx.updateSpec((update) => update.addField(bucket('id', 4)))
      await tx.append([{ id: 2, mine: 42 }])
      await other.append([{ id: 3 }])
      await other.updateProperties({ owner: 'them' })
    })
    const rows = await table.scan().rows().toArray()
    expect(rows.map((row) => `${row['id']} ${row['mine']}`).sort()).toEqual(['1 null', '2 42', '3 null'])
    expect((await table.fsck({ data: 'all' })).isSound).toBe(true)
  })

  it('works on the branch that the table is bound to', async () => {
    const { table } = await newTable([1])
    const audit = await table.createBranch('audit')
    await audit.transaction(async (tx) => {
      await tx.append([{ id: 2 }])
      await tx.delete('id = 1')
    })
    await table.refresh()
    expect(await ids(table)).toEqual([1])
    expect(await ids(audit)).toEqual([2])
  })

  it('is over when its work is: later calls are refused', async () => {
    const { table } = await newTable([1])
    let late: Parameters<Parameters<Table['transaction']>[0]>[0] | undefined
    await table.transaction((tx) => {
      late = tx
    })
    await expect(late!.append([{ id: 2 }])).rejects.toMatchObject({ code: 'INVALID' })
    expect(await ids(table)).toEqual([1])
  })
})

async function newRowIds(table: Table): Promise<{ rows: bigint[] }> {
  const rows = await table.scan().metadataColumns('_row_id').rows().toArray()
  return { rows: rows.map((row) => row['_row_id'] as bigint) }
}
