/** Calls of a transaction wait for those before them: one that another's input makes is refused, as it would wait for ever. */
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { schema, t, type Table, type TableTransaction } from '../../src/index.js'
import { memoryLake } from '../support/lake.js'

interface Prepared {
  readonly table: Table
  readonly other: Table
  readonly dataFiles: () => Promise<string[]>
}

async function prepared(): Promise<Prepared> {
  const { catalog, dataFiles } = await memoryLake()
  const table = await catalog.createTable('a.b', { schema: schema({ id: t.long.required }) })
  const other = await catalog.createTable('a.c', { schema: schema({ id: t.long.required }) })
  await table.append([{ id: 1n }])
  await other.append([{ id: 1n }])
  return { table, other, dataFiles }
}

type Rows = AsyncGenerator<{ id: bigint }>

async function* copied(transaction: TableTransaction): Rows {
  for await (const row of (await transaction.scan()).rows()) yield { id: (row['id'] as bigint) + 10n }
}

async function* appending(transaction: TableTransaction): Rows {
  yield { id: 2n }
  await transaction.append([{ id: 3n }])
}

/** Goes on as if nothing had been refused. */
async function* careless(transaction: TableTransaction): Rows {
  yield { id: 2n }
  await transaction.append([{ id: 3n }]).catch(() => undefined)
}

async function* later(transaction: TableTransaction): Rows {
  yield { id: 2n }
  await new Promise((resolve) => setImmediate(resolve))
  await Promise.all([1, 2].map(() => transaction.delete('id = 1')))
}

const NESTED: Readonly<Record<string, (work: TableTransaction) => Promise<unknown>>> = {
  'a scan in the rows of an append': (work) => work.append(copied(work)),
  'an append in the rows of an append': (work) => work.append(appending(work)),
  'an append in the rows of an upsert': (work) => work.upsert(appending(work), ['id']),
  'an append in the rows of an overwrite': (work) => work.overwrite(appending(work), 'id = 1'),
  'an append whose failure the rows hide': (work) => work.append(careless(work)),
  'deletes after a turn of the event loop': (work) => work.append(later(work)),
  'a scan in a stream of rows': (work) => work.append(Readable.from(copied(work))),
  'a call that nobody awaits': (work) => work.update('id = 1', { id: (): bigint => {
    void work.append([{ id: 3n }])
    return 5n
  } }),
}

describe.each(Object.entries(NESTED))('%s', (_, nested) => {
  it('is INVALID at once, fails the transaction and leaves nothing behind', async () => {
    const { table, dataFiles } = await prepared()
    const [files, location] = [await dataFiles(), table.metadataLocation]
    const error: unknown = await table.transaction(nested).catch((thrown: unknown) => thrown)
    const refusal = (error as Error).message.includes('from inside its') ? error : (error as Error).cause
    expect(error).toMatchObject({ code: 'INVALID' })
    expect(refusal).toMatchObject({ code: 'INVALID', message: expect.stringContaining('from inside its') as string })
    expect([await dataFiles(), (await table.refresh()).metadataLocation]).toEqual([files, location])
  }, 5_000)
})

it('calls after one another, beside one another, and from what a call has left behind, are made', async () => {
  const { table } = await prepared()
  let resume: () => void = () => undefined
  const over = new Promise<void>((resolve) => { resume = resolve })
  await table.transaction(async (work) => {
    let left: Promise<unknown> = Promise.resolve()
    async function* rows(): Rows {
      left = over.then(() => work.append([{ id: 4n }]))
      yield { id: 2n }
    }
    await work.append(rows())
    resume()
    await left
    await Promise.all([work.append([{ id: 5n }]), work.delete('id = 1')])
    const ids = (await (await work.scan()).rows().toArray()).map((row) => row['id'])
    await work.append(ids.map((id) => ({ id: (id as bigint) + 10n })))
  })
  expect(await table.scan().count()).toBe(6)
})

it('rows of one transaction may come from another table, and from another transaction', async () => {
  const { table, other } = await prepared()
  async function* rows(): Rows {
    for await (const row of other.scan().rows()) yield { id: (row['id'] as bigint) + 1n }
    await other.transaction((work) => work.append([{ id: 7n }]))
    yield { id: 3n }
  }
  await table.transaction((work) => work.append(rows()))
  expect([await table.scan().count(), await other.scan().count()]).toEqual([3, 2])
})

it('a call from inside another transaction that is made inside of it is refused as well', async () => {
  const { table, other } = await prepared()
  const nested = table.transaction((work) => {
    async function* rows(): Rows {
      yield { id: 2n }
      await other.transaction(async (inner) => {
        await inner.append(copied(work))
      })
    }
    return work.append(rows())
  })
  await expect(nested).rejects.toMatchObject({ code: 'INVALID' })
  expect([await table.scan().count(), await other.scan().count()]).toEqual([1, 1])
}, 5_000)

it('two transactions whose rows wait for each other are refused', async () => {
  const { table, other } = await prepared()
  const works: TableTransaction[] = []
  let release: () => void = () => undefined
  const bothThere = new Promise<void>((resolve) => { release = resolve })
  const crossed = [table, other].map((one, mine) => one.transaction(async (work) => {
    works[mine] = work
    if (works[0] !== undefined && works[1] !== undefined) release()
    await bothThere
    await work.append(copied(works[1 - mine]!))
  }))
  for (const outcome of await Promise.allSettled(crossed)) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'INVALID' } })
  expect([await table.scan().count(), await other.scan().count()]).toEqual([1, 1])
}, 5_000)
