import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Row, RowValue } from '../../src/arrow/row-values.js'
import { bind } from '../../src/expression/bind.js'
import type { BoundExpression, Expression } from '../../src/expression/expression.js'
import { predicateOrder } from '../../src/expression/value-order.js'
import { eq, gt, isNull, lt, notEq, notNull } from '../../src/expression/predicates.js'
import { decideByStatistics } from '../../src/parquet/choose-row-groups.js'
import type { Statistics } from '../../src/parquet/file-metadata.js'
import type { RowGroupDecision } from '../../src/parquet/parquet-engine.js'
import { parseFileSchema, withFieldIds } from '../../src/parquet/parquet-schema.js'
import { readFooter } from '../../src/parquet/read-footer.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import type { Type, Value } from '../../src/schema/type.js'
import { everyType } from '../arrow/every-type.js'
import { anyRowValue } from '../arrow/random-rows.js'
import { patchFile } from './patched-footer.js'
import { batchOf, engine, readRows, writeFile } from './parquet-file.js'

const one = (type: Type): Schema => new Schema([{ id: 1, name: 'c', type, required: false }])
const ordered: readonly Type[] = everyType.fields
  .map((field) => field.type)
  .filter((type) => !['unknown', 'geometry', 'geography', 'list', 'map', 'struct'].includes(type.kind))

type StoredFile = Awaited<ReturnType<typeof writeFile>>

async function fileOf(type: Type, groups: readonly (readonly RowValue[])[]): Promise<StoredFile> {
  const schema = one(type)
  return writeFile(schema, groups.map((values) => batchOf(schema, values.map((c) => ({ c })))), { rowGroups: true })
}

async function decisions(file: StoredFile, projection: Schema, filter: BoundExpression): Promise<RowGroupDecision[]> {
  const found: RowGroupDecision[] = []
  await readRows({ ...file, projection, filter, onRowGroup: (decision) => found.push(decision) })
  return found
}

function withStatistics(file: StoredFile, change: (statistics: Statistics) => Statistics, orders = true): Promise<StoredFile> {
  return patchFile(file, ({ columnOrders, ...footer }) => ({
    ...footer,
    ...(orders && columnOrders && { columnOrders }),
    rowGroups: footer.rowGroups.map((group) => ({
      ...group,
      columns: group.columns.map((column) => {
        const metaData = column.metaData!
        return { ...column, metaData: { ...metaData, statistics: change(metaData.statistics!) } }
      }),
    })),
  }))
}

describe('row groups are skipped', () => {
  for (const type of ordered) {
    it(`only when they hold no match, for ${type.kind}`, async () => {
      const values = fc.array(anyRowValue(type, false), { minLength: 1, maxLength: 4 })
      await fc.assert(
        fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 4 }), anyRowValue(type, true), async (groups, literal) => {
          const file = await fileOf(type, groups)
          const footer = await readFooter(file)
          const decide = (filter: BoundExpression): RowGroupDecision[] => {
            const schema = withFieldIds(parseFileSchema(footer.schema), undefined)
            return decideByStatistics(footer, schema, { ...file, filter })
          }
          const stored = (value: RowValue): Value => (value instanceof Decimal ? value.unscaled : (value as Value))
          const compare = predicateOrder(type)
          for (const [make, matches] of [
            [lt, (order: number) => order < 0],
            [gt, (order: number) => order > 0],
            [eq, (order: number) => order === 0],
            [notEq, (order: number) => order !== 0],
          ] as const) {
            const filter = predicateOn(type, make, literal)
            if (filter === undefined) continue
            const found = decide(filter)
            groups.forEach((group, i) => {
              const hasMatch = group.some((value) => value !== null && matches(compare(stored(value), stored(literal))))
              if (hasMatch && !found[i]!.read) throw new Error(`row group ${i}: ${found[i]!.reason}`)
            })
          }
          const nulls = decide(bind(isNull('c'), one(type)))
          expect(nulls.map((decision) => decision.read)).toEqual(groups.map((group) => group.includes(null)))
          const present = decide(bind(notNull('c'), one(type)))
          expect(present.map((decision) => decision.read)).toEqual(groups.map((group) => group.some((value) => value !== null)))
        }),
        { numRuns: 8 },
      )
    })
  }

  it('by integers, decimals of every width, strings and instants', async () => {
    const cases: readonly [Type, readonly RowValue[], readonly RowValue[]][] = [
      [{ kind: 'int' }, [-5, 3], [4, 9]],
      [{ kind: 'long' }, [-(2n ** 60n)], [2n ** 60n]],
      [{ kind: 'double' }, [-1.5, -0], [0.5, 2]],
      [{ kind: 'decimal', precision: 9, scale: 2 }, [new Decimal(-500n, 2)], [new Decimal(300n, 2)]],
      [{ kind: 'decimal', precision: 18, scale: 2 }, [new Decimal(-500n, 2)], [new Decimal(300n, 2)]],
      [{ kind: 'decimal', precision: 38, scale: 2 }, [new Decimal(-(10n ** 30n), 2)], [new Decimal(10n ** 30n, 2)]],
      [{ kind: 'string' }, ['', '\uffff'], ['😀', '😁']],
      [{ kind: 'timestamptz' }, [-1n], [1n]],
      [{ kind: 'uuid' }, ['00000000-0000-4000-8000-000000000000'], ['ffffffff-0000-4000-8000-000000000000']],
    ]
    for (const [type, low, high] of cases) {
      const file = await fileOf(type, [low, high])
      const filter = predicateOn(type, gt, low.at(-1)!)!
      const found = await decisions(file, one(type), filter)
      expect([type.kind, ...found.map((decision) => decision.read)]).toEqual([type.kind, false, true])
      expect(found[0]!.reason).toMatch(/upper bound/)
      expect(found[0]!.bytes).toBeGreaterThan(0)
    }
  })

  it('and positions stay physical (trap 39)', async () => {
    const type: Type = { kind: 'int' }
    const file = await fileOf(type, [[1, 2, 3], [4, 5], [6, 7, 8]])
    const filter = bind(gt('c', 5), one(type))
    const positions: number[] = []
    for await (const { firstPosition } of engine.read({ ...file, projection: one(type), filter })) positions.push(firstPosition)
    expect(positions).toEqual([5])
  })

  it('never for a column that the file lacks, whatever its default (trap 18)', async () => {
    const file = await fileOf({ kind: 'int' }, [[1]])
    const projection = new Schema([{ id: 2, name: 'd', type: { kind: 'int' }, required: false, initialDefault: 7 }])
    expect(await readRows({ ...file, projection, filter: bind(eq('d', 7), projection) })).toEqual([{ d: 7 }])
  })

  it('never for a column that a constant replaces', async () => {
    const schema = one({ kind: 'int' })
    const file = await fileOf({ kind: 'int' }, [[1]])
    const rows = await readRows({ ...file, projection: schema, constants: new Map([[1, 7]]), filter: bind(eq('c', 7), schema) })
    expect(rows).toEqual([{ c: 7 }])
  })

  it('not by statistics of later row groups that are missing (trap 11)', async () => {
    const file = await patchFile(await fileOf({ kind: 'int' }, [[1], [9]]), (footer) => ({
      ...footer,
      rowGroups: footer.rowGroups.map((group, i) => {
        const { statistics: _statistics, ...rest } = group.columns[0]!.metaData!
        return i === 0 ? group : { ...group, columns: [{ ...group.columns[0]!, metaData: rest }] }
      }),
    }))
    const found = await decisions(file, one({ kind: 'int' }), bind(gt('c', 5), one({ kind: 'int' })))
    expect(found.map((decision) => decision.read)).toEqual([false, true])
  })

  it('not by NaN bounds, and zeros count as both zeros (trap 6)', async () => {
    const nan = new Uint8Array(8)
    new DataView(nan.buffer).setFloat64(0, NaN, true)
    const type: Type = { kind: 'double' }
    const file = await fileOf(type, [[1, 2]])
    const withNan = await withStatistics(file, (statistics) => ({ ...statistics, maxValue: nan }))
    expect((await decisions(withNan, one(type), bind(lt('c', 0), one(type))))[0]!.read).toBe(true)
    const zeros = await withStatistics(file, (statistics) => ({ ...statistics, minValue: new Uint8Array(8), maxValue: new Uint8Array(8) }))
    expect((await decisions(zeros, one(type), bind(eq('c', -0), one(type))))[0]!.read).toBe(true)
  })

  it('by deprecated statistics of numbers, but not of strings', async () => {
    const old = ({ minValue, maxValue, nullCount }: Statistics): Statistics => ({ min: minValue!, max: maxValue!, nullCount: nullCount! })
    const numbers = await withStatistics(await fileOf({ kind: 'int' }, [[1]]), old, false)
    expect((await decisions(numbers, one({ kind: 'int' }), bind(gt('c', 5), one({ kind: 'int' }))))[0]!.read).toBe(false)
    const strings = await withStatistics(await fileOf({ kind: 'string' }, [['a']]), old, false)
    expect((await decisions(strings, one({ kind: 'string' }), bind(gt('c', 'b'), one({ kind: 'string' }))))[0]!.read).toBe(true)
  })

  it('by strings only when the file says how it orders them', async () => {
    const file = await fileOf({ kind: 'string' }, [['a']])
    const filter = bind(gt('c', 'b'), one({ kind: 'string' }))
    expect((await decisions(file, one({ kind: 'string' }), filter))[0]!.read).toBe(false)
    const silent = await withStatistics(file, (statistics) => statistics, false)
    expect((await decisions(silent, one({ kind: 'string' }), filter))[0]!.read).toBe(true)
  })

  it('outside of a split, so that splits of a file give each row once (trap 39)', async () => {
    const type: Type = { kind: 'int' }
    const file = await fileOf(type, [[1, 2], [3], [4, 5]])
    const offsets = [...file.result.splitOffsets, file.fileSizeBytes]
    const rows: Row[] = []
    for (let i = 0; i < 3; i++) {
      const split = { offset: offsets[i]!, length: offsets[i + 1]! - offsets[i]! }
      rows.push(...(await readRows({ ...file, projection: one(type), split })))
    }
    expect(rows.map((row) => row['c'])).toEqual([1, 2, 3, 4, 5])
    const footer = await readFooter(file)
    expect(footer.rowGroups.length).toBe(3)
  })
})

/** A bound predicate with a literal in stored form; undefined where binding decides it, as for NaN. */
function predicateOn(type: Type, make: (column: string, literal: never) => Expression, literal: RowValue): BoundExpression | undefined {
  if (typeof literal === 'number' && Number.isNaN(literal)) return undefined
  return bind(make('c', literal as never), one(type))
}
