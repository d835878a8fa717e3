import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Row } from '../../src/arrow/row-values.js'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'
import { bind } from '../../src/expression/bind.js'
import type { BoundExpression, Expression } from '../../src/expression/expression.js'
import { and, eq, gt, gtEq, isIn, isNull, lt, notEq, notNull, or, startsWith } from '../../src/expression/predicates.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { decodeOffsetIndex } from '../../src/parquet/file-metadata.js'
import type { ColumnIndex, OffsetIndex } from '../../src/parquet/file-metadata.js'
import { PageGrid } from '../../src/parquet/page-grid.js'
import type { ParquetReadOptions, RowGroupDecision } from '../../src/parquet/parquet-engine.js'
import { readFooter } from '../../src/parquet/read-footer.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import { Schema } from '../../src/schema/schema.js'
import { isFloeError } from '../../src/util/errors.js'
import { goldenFolder } from '../golden/golden-tables.js'
import { asVersion2, patchIndexes, rowsByPosition } from './page-file.js'
import type { KnownIndex, PatchedIndex } from './page-file.js'
import { batchOf, writeFile } from './parquet-file.js'

const columns = schema({
  id: t.long.required,
  step: t.int,
  text: t.string,
  kind: t.string,
  d: t.double,
  l: t.list(t.long),
  m: t.map(t.string, t.int),
})
const count = 8000

/** Columns of other widths, so that their pages do not begin at the same rows; `step` is null for whole pages. */
function rowOf(i: number): Row {
  return {
    id: BigInt(i),
    step: Math.floor(i / 1000) % 3 === 1 ? null : Math.floor(i / 1000),
    text: i % 11 === 0 ? null : `${String(i).padStart(6, '0')} ${'x'.repeat(i % 40)}`,
    kind: `kind ${i % 5}`,
    d: i % 100 === 0 ? NaN : i % 3 === 0 ? -0 : i / 2,
    l: i % 7 === 0 ? null : Array.from({ length: i % 6 }, (_, k) => (k === 3 ? null : BigInt(i + k))),
    m: i % 5 === 0 ? null : new Map(i % 3 === 0 ? [] : [[`k${i % 9}`, i]]),
  }
}

type StoredFile = Awaited<ReturnType<typeof writeFile>>

const rows = Array.from({ length: count }, (_, i) => rowOf(i))
const small = { pageSizeBytes: 3000, pageRowLimit: 20_000, dictSizeBytes: 2000, compression: 'uncompressed' } as const
const files = new Map<string, StoredFile>()

beforeAll(async () => {
  const batch = batchOf(columns, rows)
  const version1 = await writeFile(columns, [batch], small)
  files.set('pages of version 1', version1)
  files.set('pages of version 2', await asVersion2(version1))
  files.set('compressed pages', await writeFile(columns, [batch], { ...small, dictSizeBytes: 0, compression: 'zstd' }))
  files.set('short pages', await writeFile(columns, [batch], { ...small, pageRowLimit: 450 }))
  files.set('no indexes', await patchIndexes(version1, () => ({})))
  files.set('no offset indexes of lists', await patchIndexes(version1, (index, column) => (column < 5 ? index : {})))
  files.set('no column indexes', await patchIndexes(version1, ({ pages }) => ({ pages })))
  const halves = [batchOf(columns, rows.slice(0, 3500)), batchOf(columns, rows.slice(3500))]
  files.set('two row groups', await writeFile(columns, halves, { ...small, rowGroups: true }))
})

const names = ['pages of version 1', 'pages of version 2', 'compressed pages', 'short pages', 'no indexes']
const more = ['no offset indexes of lists', 'no column indexes', 'two row groups']

/** Reads, and checks that what comes is right and where it is said to be. */
async function readChecked(file: StoredFile, options: Partial<ParquetReadOptions>): Promise<Map<number, Row>> {
  const { projection = columns } = options
  const found = await rowsByPosition({ ...file, projection, batchRows: 512, ...options })
  for (const [position, row] of found) {
    const expected = Object.fromEntries(projection.fields.map(({ name }) => [name, rows[position]![name]]))
    if (!isDeepStrictEqual(row, expected)) expect([position, row]).toEqual([position, expected])
  }
  return found
}

/** Bytes asked for beside the end of the file. */
function countingReads<T extends StoredFile>(file: T): { readonly file: T; bytes: number } {
  const { io } = file
  const counting = { file, bytes: 0 }
  const readMany: MemoryFileIO['readMany'] = (location, ranges, options) => {
    for (const range of ranges) counting.bytes += range.length
    return io.readMany(location, ranges, options)
  }
  const counted = new Proxy(io, {
    get: (_, name: keyof MemoryFileIO) => {
      const member: unknown = name === 'readMany' ? readMany : io[name]
      return typeof member === 'function' ? (member.bind(io) as unknown) : member
    },
  })
  counting.file = { ...file, io: counted }
  return counting
}

const anyPositions = fc.oneof(
  fc.uniqueArray(fc.nat(count - 1), { maxLength: 6 }),
  fc.tuple(fc.nat(count - 1), fc.integer({ min: 1, max: 1500 })).map(([from, length]) => {
    return Array.from({ length: Math.min(length, count - from) }, (_, i) => from + i)
  }),
  fc.uniqueArray(fc.nat(count - 1), { minLength: 50, maxLength: 100 }),
)

interface Filter {
  readonly expression: Expression
  readonly matches: (row: Row) => boolean
}

const text = (row: Row): string | null => row['text'] as string | null
const id = (row: Row): bigint => row['id'] as bigint
const step = (row: Row): number => row['step'] as number
const padded = (n: number): string => String(n).padStart(6, '0')
const d = (row: Row): number => row['d'] as number
const someFilter: fc.Arbitrary<Filter> = fc.integer({ min: -10, max: count + 10 }).chain((n) =>
  fc.constantFrom<Filter>(
    { expression: eq('id', BigInt(n)), matches: (row) => row['id'] === BigInt(n) },
    { expression: lt('id', BigInt(n)), matches: (row) => id(row) < BigInt(n) },
    { expression: gtEq('id', BigInt(n)), matches: (row) => id(row) >= BigInt(n) },
    { expression: and(gt('id', BigInt(n)), lt('step', 4)), matches: (row) => id(row) > BigInt(n) && row['step'] !== null && step(row) < 4 },
    { expression: eq('step', n % 9), matches: (row) => row['step'] === n % 9 },
    { expression: isNull('step'), matches: (row) => row['step'] === null },
    { expression: and(notNull('step'), lt('id', BigInt(n))), matches: (row) => row['step'] !== null && id(row) < BigInt(n) },
    { expression: startsWith('text', padded(n)), matches: (row) => text(row)?.startsWith(padded(n)) === true },
    { expression: or(eq('id', BigInt(n)), isIn('step', [n % 9, 7])), matches: (row) => id(row) === BigInt(n) || [n % 9, 7].includes(step(row)) },
    { expression: and(eq('d', 0), lt('id', BigInt(n))), matches: (row) => d(row) === 0 && id(row) < BigInt(n) },
    { expression: gt('d', n / 2), matches: (row) => d(row) > n / 2 },
    { expression: notEq('kind', 'kind 1'), matches: (row) => row['kind'] !== 'kind 1' },
  ),
)

describe('rows that are wanted', () => {
  for (const name of [...names, ...more]) {
    it(`are all read, as they are in a full read, from a file with ${name}`, async () => {
      const file = files.get(name)!
      expect((await readChecked(file, {})).size).toBe(count)
      await fc.assert(
        fc.asyncProperty(anyPositions, async (positions) => {
          const found = await readChecked(file, { wanted: PositionBitmap.of(positions) })
          expect(positions.filter((position) => !found.has(position))).toEqual([])
        }),
        { numRuns: 4 },
      )
    })
  }

  it('cost the pages that they are in, from the first to the last of them', async () => {
    const projection = new Schema(columns.fields.slice(0, 3))
    for (const name of ['pages of version 1', 'pages of version 2']) {
      const whole = countingReads(files.get(name)!)
      await readChecked(whole.file, { projection })
      const few = countingReads(files.get(name)!)
      const found = await readChecked(few.file, { projection, wanted: PositionBitmap.of([3000, 3007, 7999]) })
      expect([...found.keys()]).toEqual([3000, 3001, 3002, 3003, 3004, 3005, 3006, 3007, 7999])
      expect(few.bytes).toBeLessThan(whole.bytes * 0.7)
    }
  })

  it('are decoded by page where there is no offset index, too', async () => {
    const projection = new Schema(columns.fields.slice(0, 3))
    const found = await readChecked(files.get('no indexes')!, { projection, wanted: PositionBitmap.of([4000]) })
    expect([...found.keys()]).toEqual([4000])
  })

  it('of everywhere are read in one go', async () => {
    const wanted = PositionBitmap.of(Array.from({ length: 80 }, (_, i) => i * 100))
    expect((await readChecked(files.get('pages of version 1')!, { wanted })).size).toBe(count)
  })
})

describe('a filter', () => {
  for (const name of [...names, ...more]) {
    it(`never loses a row that matches by the page index, with ${name}`, async () => {
      const file = files.get(name)!
      await fc.assert(
        fc.asyncProperty(someFilter, fc.option(anyPositions, { nil: undefined }), async ({ expression, matches }, positions) => {
          const wanted = positions && PositionBitmap.of(positions)
          const found = await readChecked(file, { filter: bind(expression, columns), wanted })
          const lost = rows.filter((row, i) => matches(row) && wanted?.contains(i) !== false && !found.has(i))
          expect(lost).toEqual([])
        }),
        { numRuns: 6 },
      )
    })
  }

  const projection = new Schema(columns.fields.slice(0, 3))

  async function decided(file: StoredFile, filter: BoundExpression): Promise<{ rows: number[]; bytes: number; reasons: string[] }> {
    const reasons: string[] = []
    const counting = countingReads(file)
    const onRowGroup = (decision: RowGroupDecision): unknown => reasons.push(decision.reason)
    const found = await readChecked(counting.file, { projection, filter, onRowGroup })
    return { rows: [...found.keys()], bytes: counting.bytes, reasons }
  }

  it('takes the smallest and the largest value of a page for what they are, and manages without column index (trap 20)', async () => {
    const file = files.get('pages of version 1')!
    const whole = countingReads(file)
    await readChecked(whole.file, { projection })
    for (const [expression, from, to] of [
      [lt('id', 350n), 0, 349],
      [gtEq('id', 7900n), 7900, 7999],
      [eq('id', 1700n), 1700, 1700],
    ] as const) {
      const found = await decided(file, bind(expression, columns))
      expect([found.rows.includes(from), found.rows.includes(to), found.rows.length < 2500]).toEqual([true, true, true])
      expect(found.bytes).toBeLessThan(whole.bytes / 2)
      expect(found.reasons).toEqual([expect.stringMatching(/^its page index leaves \d+ of 8000 rows that may match$/)])
      const without = await decided(files.get('no column indexes')!, bind(expression, columns))
      expect(without.rows.length).toBe(count)
      expect(without.reasons).toEqual(['its statistics do not exclude a match'])
    }
  })

  it('keeps positions physical where pages are passed over (trap 39)', async () => {
    const found = await readChecked(files.get('two row groups')!, { filter: bind(eq('id', 5000n), columns) })
    expect(found.has(5000)).toBe(true)
    expect(found.size).toBeLessThan(4500)
  })

  it('skips a row group when no page can match, and pages of nulls by what they are', async () => {
    const gap = await decided(files.get('pages of version 1')!, bind(and(lt('id', 500n), gt('text', '007')), columns))
    expect(gap).toEqual({ rows: [], bytes: 0, reasons: ['its page index excludes a match'] })
    const nulls = await decided(files.get('short pages')!, bind(and(isNull('step'), lt('id', 1200n)), columns))
    expect(nulls.rows[0]).toBeLessThanOrEqual(1000)
    expect(nulls.rows.at(-1)).toBeLessThan(6000)
  })

  it('of promoted and missing columns is answered as for row groups', async () => {
    const file = files.get('short pages')!
    const promoted = new Schema([{ ...columns.fields[1]!, type: { kind: 'long' } }, { id: 99, name: 'gone', type: { kind: 'int' }, required: false }])
    const reasons: string[] = []
    const onRowGroup = (decision: RowGroupDecision): unknown => reasons.push(decision.reason)
    const found = await rowsByPosition({ ...file, projection: promoted, filter: bind(eq('step', 5n), promoted), onRowGroup })
    expect([...found].filter(([, row]) => row['step'] === 5n).map(([i]) => i)).toEqual(Array.from({ length: 1000 }, (_, i) => 5000 + i))
    const missing = await rowsByPosition({ ...file, projection: promoted, filter: bind(isNull('gone'), promoted), onRowGroup })
    expect(missing.size).toBe(count)
    expect(reasons).toEqual([expect.stringMatching(/^its page index leaves \d+ of 8000 rows/), 'its statistics do not exclude a match'])
  })
})

describe('a page index that lies', () => {
  const projection = new Schema([columns.fields[0]!, columns.fields[2]!, columns.fields[5]!])
  const patched = (change: (index: KnownIndex) => PatchedIndex): Promise<StoredFile> => patchIndexes(files.get('pages of version 1')!, change)
  const moved = (change: (page: OffsetIndex['pageLocations'][number], i: number) => object) => ({ pages, bounds }: KnownIndex): PatchedIndex => ({
    pages: { pageLocations: pages.pageLocations.map((page, i) => ({ ...page, ...change(page, i) })) },
    bounds,
  })

  it('against itself or its chunk is passed over', async () => {
    const lies: readonly ((index: KnownIndex) => PatchedIndex)[] = [
      moved((page, i) => ({ offset: page.offset + i })),
      moved((page) => ({ offset: page.offset - 10_000_000 })),
      moved((page) => ({ compressedPageSize: page.compressedPageSize * 2 })),
      moved(() => ({ compressedPageSize: -1 })),
      moved((page) => ({ firstRowIndex: page.firstRowIndex * 1000 })),
      moved((page) => ({ firstRowIndex: -page.firstRowIndex })),
      moved(() => ({ firstRowIndex: 0 })),
      moved((page) => ({ firstRowIndex: page.firstRowIndex + 1 })),
      ({ bounds }) => ({ pages: { pageLocations: [] }, bounds }),
      ({ bounds }) => ({ pages: Uint8Array.of(0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f), bounds: bounds && Uint8Array.of(1) }),
      ({ bounds }) => ({ pages: new Uint8Array(3), bounds }),
    ]
    for (const lie of lies) {
      const file = await patched(lie)
      const found = await readChecked(file, { projection, wanted: PositionBitmap.of([10, 4000]), filter: bind(lt('id', 5000n), columns) })
      expect([found.has(10), found.has(4000)]).toEqual([true, true])
    }
  })

  it('of bounds for other pages than there are is passed over', async () => {
    const changes: readonly ((bounds: ColumnIndex) => ColumnIndex)[] = [
      (bounds) => ({ ...bounds, minValues: bounds.minValues.slice(1) }),
      (bounds) => ({ ...bounds, maxValues: [] }),
      (bounds) => ({ ...bounds, nullPages: [...bounds.nullPages, false] }),
      (bounds) => ({ ...bounds, nullCounts: [0] }),
      (bounds) => ({ ...bounds, minValues: bounds.minValues.map(() => new Uint8Array(3)) }),
    ]
    for (const change of changes) {
      const file = await patched(({ pages, bounds }) => ({ pages, bounds: bounds && change(bounds) }))
      expect((await readChecked(file, { projection, filter: bind(eq('id', 5n), columns) })).size).toBe(count)
    }
  })

  it('against the pages is an error that names the file', async () => {
    const shifted = moved((page, i) => ({ firstRowIndex: page.firstRowIndex + (i === 0 ? 0 : 1) }))
    const last = ({ pages, bounds }: KnownIndex): PatchedIndex => ({ pages: { pageLocations: pages.pageLocations.slice(0, -1) }, bounds })
    for (const lie of [shifted, last]) {
      const file = await patched(lie)
      const reading = readChecked(file, { projection: new Schema([columns.fields[0]!]), wanted: PositionBitmap.of([7999]) })
      const error: unknown = await reading.then(() => undefined, (cause: unknown) => cause)
      expect(error).toMatchObject({ code: 'CORRUPT', file: file.location })
    }
  })

  it('with any byte changed gives a typed error, or rows that are right', async () => {
    const footer = await readFooter(files.get('pages of version 1')!)
    expect(footer.rowGroups[0]!.columns[0]!.offsetIndexLength).toBeGreaterThan(20)
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(255), fc.nat(count - 1), async (at, value, position) => {
        const original = files.get('pages of version 1')!
        const bytes = (await original.io.read(original.location)).slice()
        const chunk = footer.rowGroups[0]!.columns[0]!
        bytes[chunk.offsetIndexOffset! + (at % chunk.offsetIndexLength!)] = value
        const location = 'memory:/flipped.parquet'
        await original.io.write(location, bytes)
        const reading = readChecked({ ...original, location }, { projection, wanted: PositionBitmap.of([position]) })
        const found = await reading.catch((error: unknown) => {
          if (!isFloeError(error, 'CORRUPT')) throw error
        })
        if (found !== undefined) expect(found.has(position)).toBe(true)
      }),
      { numRuns: 25 },
    )
  })
})

describe('pages that other engines wrote', () => {
  it('are read one by one as they are read together', async () => {
    let several = 0
    for (const table of ['parquet_layout', 'nested_types', 'parquet_codecs', 'py_add_files_encodings']) {
      const folder = join(goldenFolder, 'tables', table)
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (!name.endsWith('.parquet') || name.includes('deletes')) continue
        const bytes = new Uint8Array(readFileSync(join(folder, name)))
        const io = new MemoryFileIO()
        const file = { io, location: 'memory:/golden.parquet', fileSizeBytes: bytes.length }
        await io.write(file.location, bytes)
        const footer = await readFooter(file)
        const pages = footer.rowGroups.flatMap((group) => group.columns.map(({ offsetIndexOffset: start, offsetIndexLength: length }) => {
          return start === undefined ? 0 : decodeOffsetIndex(bytes.subarray(start, start + length!)).pageLocations.length
        }))
        if (Math.max(0, ...pages) > 1) several++
        const projection = await goldenSchema(folder)
        const whole = await rowsByPosition({ ...file, projection })
        for (let i = 0; i < footer.numRows; i += Math.ceil(footer.numRows / 5)) {
          const found = await rowsByPosition({ ...file, projection, wanted: PositionBitmap.of([i, footer.numRows - 1]) })
          expect([found.has(i), found.has(footer.numRows - 1)]).toEqual([true, true])
          for (const [position, row] of found) expect(row).toEqual(whole.get(position))
        }
      }
    }
    expect(several).toBeGreaterThan(0)
  })
})

async function goldenSchema(folder: string): Promise<Schema> {
  const { parseTableMetadata } = await import('../../src/metadata/table-metadata-json.js')
  const name = readdirSync(join(folder, 'metadata')).filter((file) => file.endsWith('.metadata.json')).sort().at(-1)!
  const metadata = parseTableMetadata(readFileSync(join(folder, 'metadata', name), 'utf8'))
  return metadata.schemas.find((candidate) => candidate.schemaId === metadata.currentSchemaId)!
}

describe('a grid of pages', () => {
  const grid = new PageGrid([[{ starts: [0, 10, 20, 30], sizes: [100_000, 100_000, 100_000], dictionarySize: 0 }]], 30)

  it('joins ranges when what lies between costs less than another job, and none that are far apart', () => {
    expect(grid.select([{ start: 1, rows: 2 }, { start: 5, rows: 1 }])).toEqual([{ start: 1, rows: 5 }])
    const starts = Array.from({ length: 11 }, (_, i) => i * 10)
    const far = new PageGrid([[{ starts, sizes: Array<number>(10).fill(100_000), dictionarySize: 0 }]], 100)
    expect(far.select([{ start: 3, rows: 1 }, { start: 95, rows: 1 }])).toEqual([{ start: 3, rows: 1 }, { start: 95, rows: 1 }])
    expect(far.select([{ start: 0, rows: 80 }])).toBeUndefined()
  })

  it('takes the whole where nearly every page has a selected row', () => {
    const all = [{ start: 0, rows: 30 }]
    expect(grid.selected(PositionBitmap.of([103, 110, 119, 128]), 100, all)).toEqual(all)
  })

  it('finds the first and the last selected row of each page', () => {
    const wanted = PositionBitmap.of([103, 105, 110, 119, 128])
    const some = PositionBitmap.of([103, 105, 128])
    expect(grid.selected(some, 100, [{ start: 0, rows: 30 }])).toEqual([{ start: 3, rows: 3 }, { start: 28, rows: 1 }])
    expect(grid.selected(wanted, 100, [{ start: 4, rows: 7 }])).toEqual([{ start: 5, rows: 1 }, { start: 10, rows: 1 }])
  })
})
