/** Transactions that change structure and rows while others do: what is committed reads as if one had come after the other. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { asc, bucket, identity, isFloeError, openCatalog, schema, t, type Table } from '../../src/index.js'
import type { TableTransaction } from '../../src/index.js'

interface Model {
  readonly columns: Set<string>
  /** By id; a column that a row has no value for is null. */
  readonly rows: Map<number, Record<string, number | string | null>>
}

type Verbs = Pick<TableTransaction, 'updateSchema' | 'updateSpec' | 'replaceSortOrder' | 'append' | 'update' | 'delete' | 'updateProperties'>

interface Step {
  readonly text: string
  run(verbs: Verbs): Promise<unknown>
  apply(model: Model): void
}

const ofStructure = (text: string, run: Step['run']): Step => ({ text, run, apply: () => undefined })

/** Names and ids of a writer never meet those of the other. */
function stepsOf(owner: 'mine' | 'theirs'): fc.Arbitrary<Step> {
  const base = owner === 'mine' ? 100 : 200
  const column = fc.nat({ max: 2 }).map((n) => `${owner}${n}`)
  return fc.oneof(
    fc.tuple(column, fc.boolean()).map(([name, isText]): Step => ({
      text: `add ${name} ${isText ? 'string' : 'int'}`,
      run: (verbs) => verbs.updateSchema((update) => update.addColumn(name, isText ? t.string : t.int)),
      apply: ({ columns }) => void columns.add(name),
    })),
    column.map((name): Step => ({
      text: `drop ${name}`,
      run: (verbs) => verbs.updateSchema((update) => update.deleteColumn(name)),
      apply: ({ columns, rows }) => {
        columns.delete(name)
        for (const row of rows.values()) delete row[name]
      },
    })),
    fc.constantFrom(2, 4).map((most) => {
      const width = owner === 'mine' ? most : most + 1
      return ofStructure(`bucket ${width}`, (verbs) => verbs.updateSpec((update) => update.addField(bucket('id', width))))
    }),
    fc.constant(ofStructure('partition', (verbs) => verbs.updateSpec((update) => update.addField(identity('part'))))),
    fc.constantFrom('id', 'part').map((name) => ofStructure(`sort ${name}`, (verbs) => verbs.replaceSortOrder([asc(name)]))),
    fc.tuple(fc.nat({ max: 5 }), fc.option(column)).map(([n, name]): Step => {
      const row = { id: base + n, part: n % 2, ...(name === null ? {} : { [name]: n }) }
      return { text: `append ${JSON.stringify(row)}`, run: (verbs) => verbs.append([row]), apply: ({ rows }) => void rows.set(row.id, row) }
    }),
    fc.tuple(fc.nat({ max: 3 }), column).map(([id, name]): Step => ({
      text: `update ${id} ${name}`,
      run: (verbs) => verbs.update(`id = ${id}`, { [name]: 7 }),
      apply: ({ rows }) => {
        const row = rows.get(id)
        if (row !== undefined) row[name] = 7
      },
    })),
    fc.nat({ max: 3 }).map((id): Step => ({
      text: `delete ${id}`,
      run: (verbs) => verbs.delete(`id = ${id}`),
      apply: ({ rows }) => void rows.delete(id),
    })),
  )
}

async function expectModel(table: Table, { columns, rows }: Model): Promise<void> {
  const read = await table.scan().rows().toArray()
  const numberOf = (value: unknown): number | null => (value === null ? null : Number(value))
  const shown = read.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, numberOf(value)])))
  const wanted = [...rows.values()].map((row) => Object.fromEntries([...columns].map((name) => [name, row[name] ?? null])))
  const byId = (a: Record<string, unknown>, b: Record<string, unknown>): number => Number(a['id']) - Number(b['id'])
  expect(shown.sort(byId)).toEqual(wanted.sort(byId))
  expect((await table.fsck({ data: 'all' })).findings).toEqual([])
}

/** Whether the step was made; one that the table refuses changes nothing. */
async function tried(step: () => Promise<unknown>): Promise<boolean> {
  return step().then(() => true, (error: unknown) => {
    if (isFloeError(error, 'INVALID', 'NOT_FOUND', 'ALREADY_EXISTS', 'CONFLICT')) return false
    throw error
  })
}

it('is as if the transaction had come after the others, or is not there at all', async () => {
  let [committed, refused] = [0, 0]
  const run = async (formatVersion: 2 | 3, mine: readonly Step[], theirs: readonly Step[], at: number): Promise<void> => {
    const lake = await openCatalog('memory:')
    const table = await lake.createTable('s.t', { schema: schema({ id: t.int.required, part: t.int }), formatVersion })
    const model: Model = { columns: new Set(['id', 'part']), rows: new Map([0, 1, 2, 3].map((id) => [id, { id, part: id % 2 }])) }
    await table.append([...model.rows.values()])
    const other = await lake.loadTable('s.t')
    const isIn = await tried(() => table.transaction(async (tx) => {
      for (const step of mine.slice(0, at)) await step.run(tx)
      for (const step of theirs) if (await tried(() => step.run(other))) step.apply(model)
      for (const step of mine.slice(at)) await step.run(tx)
    }))
    if (isIn) for (const step of mine) step.apply(model)
    if (isIn) committed++
    else refused++
    await expectModel(await lake.loadTable('s.t'), model)
  }
  const list = (owner: 'mine' | 'theirs'): fc.Arbitrary<Step[]> => fc.array(stepsOf(owner), { minLength: 1, maxLength: 4 })
  const show = (steps: readonly Step[]): string => steps.map(({ text }) => text).join('; ')
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(2, 3), list('mine'), list('theirs'), fc.nat({ max: 4 }), async (version, mine, theirs, at) => {
      try {
        await run(version as 2 | 3, mine, theirs, at)
      } catch (error) {
        throw new Error(`v${version} mine: ${show(mine)} | theirs at ${at}: ${show(theirs)}`, { cause: error })
      }
    }),
    { numRuns: 100 },
  )
  expect(Math.min(committed, refused)).toBeGreaterThan(8)
}, 120_000)
