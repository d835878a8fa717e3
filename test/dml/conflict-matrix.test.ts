/** Every change against every change that another commits meanwhile, at both isolation levels: who goes through, and what is left. */
import { describe, expect, it } from 'vitest'
import { and, eq, identity, lt, openCatalog, t } from '../../src/index.js'
import type { Catalog, FileIO, IsolationLevel, Row, Table, WriteMode } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { isFloeError, type FloeError } from '../../src/util/errors.js'
import { peopleSchema, person, textsOf } from '../support/changed-rows.js'
import { InterceptedFileIO } from '../support/intercepted-file-io.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { rowTexts } from '../support/lake.js'

type Person = Record<string, unknown>
type Model = readonly Person[]
const id = (row: Person): number => Number(row['id'])
const at = (number: number, part: number): Person => ({ ...person(number), part })

/** Partition 0 has a file of ids 0 to 9 and one of 20 to 29, partition 1 one of 10 to 19. */
const BASE: Model = Array.from({ length: 30 }, (_, i) => at(i, i >= 10 && i < 20 ? 1 : 0))

interface Change {
  run(table: Table, options: { readonly mode: WriteMode; readonly isolation: IsolationLevel }): Promise<unknown>
  of(rows: Model): Model
}

const same = (rows: Model): Model => rows
const without = (filter: (row: Person) => boolean) => (rows: Model): Model => rows.filter((row) => !filter(row))
const renamed = (filter: (row: Person) => boolean, name: string) => (rows: Model): Model =>
  rows.map((row) => (filter(row) ? { ...row, name } : row))
const first = (row: Person): boolean => row['part'] === 0 && id(row) < 4
const FIRST = 'part = 0 and id < 4'
const fresh = at(3, 0)
const theirRow = { ...at(1, 0), name: 'theirs' }

/** What another commits while ours is under way. */
const THEIRS = {
  'rows in scope': { run: (table) => table.append([theirRow] as Row[]), of: (rows) => [...rows, theirRow] },
  'rows elsewhere': { run: (table) => table.append([at(100, 1)] as Row[]), of: (rows) => [...rows, at(100, 1)] },
  'delete of a row of ours': { run: (table) => table.delete('id = 2', { mode: 'merge-on-read' }), of: without((row) => id(row) === 2) },
  'delete of a row beside': { run: (table) => table.delete('id = 7', { mode: 'merge-on-read' }), of: without((row) => id(row) === 7) },
  'rewriting delete beside': { run: (table) => table.delete('id = 7', { mode: 'copy-on-write' }), of: without((row) => id(row) === 7) },
  'delete of whole files': { run: (table) => table.delete('part = 0'), of: without((row) => row['part'] === 0) },
  'update of a row of ours': {
    run: (table) => table.update('id = 2', { name: 'y' }, { mode: 'merge-on-read' }),
    of: renamed((row) => id(row) === 2, 'y'),
  },
  'update of a row beside': {
    run: (table) => table.update('id = 7', { name: 'y' }, { mode: 'merge-on-read' }),
    of: renamed((row) => id(row) === 7, 'y'),
  },
  'delete by key': { run: (table) => table.deleteByKeys([{ id: 2, part: 0 }], ['id', 'part']), of: without((row) => id(row) === 2) },
  'new partition': {
    run: (table) => table.overwritePartitions([at(70, 0)] as Row[]),
    of: (rows) => [...rows.filter((row) => row['part'] !== 0), at(70, 0)],
  },
  compaction: { run: (table) => table.compact({ rewriteAll: true }), of: same },
  'new column': { run: (table) => table.updateSchema((update) => update.addColumn('more', t.int)), of: same },
} as const satisfies Record<string, Change>

const OURS = {
  append: { run: (table) => table.append([at(200, 0)] as Row[]), of: (rows) => [...rows, at(200, 0)] },
  delete: { run: (table, options) => table.delete(FIRST, options), of: without(first) },
  'delete of whole files': { run: (table, options) => table.delete('part = 0', options), of: without((row) => row['part'] === 0) },
  update: { run: (table, options) => table.update(FIRST, { name: 'x' }, options), of: renamed(first, 'x') },
  overwrite: {
    run: (table, options) => table.overwrite([fresh] as Row[], FIRST, options),
    of: (rows) => [...rows.filter((row) => !first(row)), fresh],
  },
  'new partition': {
    run: (table, options) => table.overwritePartitions([at(80, 0)] as Row[], options),
    of: (rows) => [...rows.filter((row) => row['part'] !== 0), at(80, 0)],
  },
  upsert: {
    run: (table, options) => table.upsert([{ ...at(2, 0), name: 'x' }, at(90, 0)] as Row[], ['id', 'part'], options),
    of: (rows) => [...rows.filter((row) => id(row) !== 2), { ...at(2, 0), name: 'x' }, at(90, 0)],
  },
  'delete by key': {
    run: (table, { isolation }) => {
      const conflictFilter = and(eq('part', 0), lt('id', 4))
      return table.deleteByKeys([{ id: 3, part: 0 }], ['id', 'part'], { isolation, conflictFilter })
    },
    of: without((row) => id(row) === 3),
  },
  compaction: { run: (table) => table.compact({ rewriteAll: true }), of: same },
  'rewrite of manifests': { run: (table) => table.rewriteManifests({ rewriteAll: true }), of: same },
  property: { run: (table) => table.updateProperties({ owner: 'us' }), of: same },
} as const satisfies Record<string, Change>

/** Two processes, as far as the table can tell, that share a store. */
interface TwoWriters {
  readonly io: InterceptedFileIO
  readonly table: Table
  readonly elsewhere: Table
}

async function twoWriters(version: 2 | 3): Promise<TwoWriters> {
  const memory = new MemoryFileIO()
  const io = new InterceptedFileIO(memory)
  const open = (through: FileIO): Promise<Catalog> =>
    openCatalog('s3://bucket/lake', { io: through, cacheBytes: 0, runtime: hastyRuntime, parquet: { workers: 0 }, verifyStore: 'never' })
  const catalog = await open(io)
  const table = await catalog.createTable('a.t', { schema: peopleSchema, partitionBy: [identity('part')], formatVersion: version })
  await table.append(BASE.slice(0, 20) as Row[])
  await table.append(BASE.slice(20) as Row[])
  return { io, table, elsewhere: await (await open(memory)).loadTable('a.t') }
}

type Act = () => Promise<unknown>

/** Lets theirs happen when ours has written all of its files, before its commit. */
async function race(io: InterceptedFileIO, ours: Act, theirs: Act): Promise<FloeError | undefined> {
  let isPending = true
  io.hook = async (call, effect) => {
    if (isPending && call.operation === 'write' && call.location.includes('/metadata/snap-')) {
      isPending = false
      await theirs()
    }
    return effect()
  }
  try {
    await ours()
    return undefined
  } catch (error) {
    if (isFloeError(error)) return error
    throw error
  } finally {
    io.hook = (_, effect) => effect()
    if (isPending) await theirs()
  }
}

/**
 * What becomes of ours, for each of theirs in their order: under serializable isolation, then under snapshot isolation. `C`: a conflict,
 * theirs alone is left. `=`: both, in either order the same. `+`: as if ours came after theirs; `-`: before. As in the reference but for
 * three things: changes follow compactions, keyed changes are planned again, and vectors of one data file unite.
 */
const VERDICTS: Readonly<Record<string, Readonly<Partial<Record<keyof typeof OURS, string>>>>> = {
  '2 merge-on-read': {
    delete: 'C- == =C =C CC =C CC =C =C CC == ==',
    'delete of whole files': 'C- == =C =C CC =C CC CC =C CC == ==',
    update: 'C- == CC CC CC CC CC CC CC CC == ==',
    overwrite: 'C- == CC CC CC CC CC CC CC CC == ==',
  },
  '2 copy-on-write': {
    delete: 'C- == CC CC CC CC CC CC CC CC == ==',
    update: 'C- == CC CC CC CC CC CC CC CC == ==',
    overwrite: 'C- == CC CC CC CC CC CC CC CC == ==',
    upsert: '== == ++ == == ++ ++ == ++ ++ == ==',
  },
  '3 merge-on-read': {
    append: '== == == == == ++ == == == ++ == ==',
    delete: 'C- == =C == CC == CC == =C CC == ==',
    'delete of whole files': 'C- == =C =C CC == CC CC =C CC == ==',
    update: 'C- == CC == CC CC CC == CC CC == ==',
    overwrite: 'C- == CC == CC CC CC == CC CC == ==',
    'new partition': 'C+ == CC CC CC CC CC CC CC CC == ==',
    upsert: '== == ++ == == ++ ++ == ++ ++ == ==',
    'delete by key': 'C= == CC CC C= == CC CC CC == == ==',
    compaction: '== == == == == == == == == == == ==',
    'rewrite of manifests': '== == == == == == == == == == == ==',
    property: '== == == == == == == == == == == ==',
  },
  '3 copy-on-write': {
    delete: 'C- == CC CC CC CC CC CC CC CC == ==',
    update: 'C- == CC CC CC CC CC CC CC CC == ==',
    overwrite: 'C- == CC CC CC CC CC CC CC CC == ==',
  },
}

const ISOLATIONS = ['serializable', 'snapshot'] as const
/** One in sixteen, another in each row; all of them with `FLOE_ALL=1`. */
const isChosen = (cell: number): boolean => process.env['FLOE_ALL'] === '1' || cell % 16 === 0

interface Way {
  readonly version: 2 | 3
  readonly mode: WriteMode
  readonly isolation: IsolationLevel
}

async function verdict(change: Change, other: Change, { version, ...way }: Way): Promise<string> {
  const { io, table, elsewhere } = await twoWriters(version)
  const failure = await race(io, () => change.run(table, way), () => other.run(elsewhere, way))
  await table.refresh()
  const rows = (await textsOf(table)).map((text) => text.replace(',"more":null', ''))
  const isAs = (model: Model): boolean => JSON.stringify(rowTexts(model as Row[])) === JSON.stringify(rows)
  if (failure !== undefined) return failure.code === 'CONFLICT' && isAs(other.of(BASE)) ? 'C' : `${failure.code}, ${rows.length} rows`
  const [after, before] = [isAs(change.of(other.of(BASE))), isAs(other.of(change.of(BASE)))]
  return after && before ? '=' : after ? '+' : before ? '-' : `neither order, ${rows.length} rows`
}

let line = 0
describe.each(Object.keys(VERDICTS))('on version %s', (way) => {
  const [version, mode] = [Number(way[0]) as 2 | 3, way.slice(2) as WriteMode]
  it.each(Object.keys(VERDICTS[way]!) as (keyof typeof OURS)[])('FAULTS 28, trap 78, trap 79: %s against all that another may commit meanwhile', async (ours) => {
    const cells = VERDICTS[way]![ours]!.split(' ')
    expect(cells).toHaveLength(Object.keys(THEIRS).length)
    line++
    for (const [column, [theirs, other]] of Object.entries(THEIRS).entries()) {
      for (const [i, isolation] of ISOLATIONS.entries()) {
        if (!isChosen(line * 5 + column * 2 + i)) continue
        expect(await verdict(OURS[ours], other, { version, mode, isolation }), `${theirs}, ${isolation}`).toBe(cells[column]![i])
      }
    }
  })
})
