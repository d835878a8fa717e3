import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { canonicalRows } from '../../src/arrow/canonical-row.js'
import { keyReader } from '../../src/dml/key-reader.js'
import { SourceRows } from '../../src/dml/source-rows.js'
import { schema, t } from '../../src/index.js'
import { systemRuntime } from '../../src/util/runtime.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floe-source-'))
})
afterAll(() => rm(folder, { recursive: true }))

const point = t.struct({ x: t.double, d: t.decimal(20, 3) })
const table = schema({ id: t.long, text: t.string, flag: t.boolean, tags: t.list(t.string), at: point })
const reader = keyReader(table, [1])

interface SourceRow {
  readonly id: bigint | null
  readonly text: string | null
  readonly flag: boolean | null
  readonly tags: readonly string[] | null
  readonly at: { readonly x: number; readonly d: null } | null
}

const rowsOfSource: fc.Arbitrary<SourceRow[]> = fc.array(
  fc.record({
    id: fc.option(fc.bigInt(-20n, 20n)),
    text: fc.option(fc.string({ maxLength: 9 })),
    flag: fc.option(fc.boolean()),
    tags: fc.option(fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 })),
    at: fc.option(fc.record({ x: fc.double(), d: fc.constant(null) })),
  }),
  { maxLength: 60 },
)

async function sourceOf(rows: readonly SourceRow[], memoryBudgetBytes: number): Promise<SourceRows> {
  const source = new SourceRows(reader, systemRuntime, { memoryBudgetBytes, spillDirectory: folder })
  for (let at = 0; at < rows.length; at += 7) {
    const builder = new BatchBuilder(table)
    builder.append(rows.slice(at, at + 7))
    await source.add(builder.finish())
  }
  return source
}

describe('the source of a join', () => {
  it('beyond its budget gives the same rows, those of a key together and in order, and leaves no file', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOfSource, fc.constantFrom(1, 300, 3000), async (rows, budget) => {
        const [whole, cut] = [await sourceOf(rows, 1e9), await sourceOf(rows, budget)]
        const all: string[] = []
        for await (const group of whole.groups()) all.push(...group.batches.flatMap((batch) => canonicalRows(table, batch)))
        for (const _ of [1, 2]) {
          const seen: string[] = []
          const owners = new Map<string, number>()
          let number = 0
          for await (const group of cut.groups()) {
            number++
            for (const batch of group.batches) {
              const { hashes, nulls } = reader.read(batch)
              canonicalRows(table, batch).forEach((line, row) => {
                seen.push(line)
                const key = /"id":([^,]*)/.exec(line)![1]!
                expect(owners.get(key) ?? number).toBe(number)
                owners.set(key, number)
                expect(nulls?.[row] === 1 ? group.isFirst : group.belongs(hashes[row]!)).toBe(true)
              })
            }
          }
          expect(seen.toSorted()).toEqual(all.toSorted())
          for (const key of owners.keys()) {
            const ofKey = (lines: string[]): string[] => lines.filter((line) => line.includes(`"id":${key},`))
            expect(ofKey(seen)).toEqual(ofKey(all))
          }
        }
        await cut.close()
        expect(await readdir(folder)).toEqual([])
      }),
      { numRuns: 40 },
    )
  })

  it('has few groups when it exceeds the budget by little', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) => ({ id: BigInt(i), text: 'abcdefgh', flag: null, tags: null, at: null }))
    const source = await sourceOf(rows, 45_000)
    expect(source.isSpilled).toBe(true)
    let groups = 0
    for await (const { batches } of source.groups()) groups += batches.length > 0 ? 1 : 0
    expect(groups).toBeGreaterThan(1)
    expect(groups).toBeLessThan(6)
    await source.close()
  })

  it('says where it could not write', async () => {
    const source = new SourceRows(reader, systemRuntime, { memoryBudgetBytes: 1, spillDirectory: join(folder, 'missing') })
    const builder = new BatchBuilder(table)
    builder.append([{ id: 1n }])
    await expect(source.add(builder.finish()).then(() => source.groups().next())).rejects.toThrow(/missing.*floe-spill/)
    await source.close()
  })
})
