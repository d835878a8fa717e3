/** Tables whose rows change, and the plain arrays that they must agree with. */
import { expect } from 'vitest'
import { schema, t } from '../../src/index.js'
import type { FormatVersion, PartitionTerm, Row, RowChangeResult, Schema, Table } from '../../src/index.js'
import type { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { memoryLake, rowTexts } from './lake.js'
import type { Lake } from './lake.js'

export const MODES = ['merge-on-read', 'copy-on-write'] as const

/** Every way in which rows are changed: format versions by modes. Version 1 has one. */
export const WAYS = [
  { version: 1, mode: 'copy-on-write' },
  { version: 2, mode: 'merge-on-read' },
  { version: 2, mode: 'copy-on-write' },
  { version: 3, mode: 'merge-on-read' },
  { version: 3, mode: 'copy-on-write' },
] as const

export const peopleSchema = schema({
  id: t.long.required,
  part: t.int,
  name: t.string,
  score: t.double,
  home: t.struct({ city: t.string, zip: t.int }),
  tags: t.list(t.string),
})

/** A row of {@link peopleSchema}. Some values are null. */
export function person(id: number): Record<string, unknown> {
  return {
    id: BigInt(id),
    part: id % 5 === 4 ? null : id % 3,
    name: id % 7 === 6 ? null : `n${id}`,
    score: id % 4 === 3 ? null : id / 2,
    home: id % 6 === 5 ? null : { city: `c${id % 4}`, zip: id % 8 === 7 ? null : id },
    tags: id % 9 === 8 ? null : [`t${id % 2}`, 'x'],
  }
}

export function people(from: number, to: number): Record<string, unknown>[] {
  return Array.from({ length: to - from }, (_, i) => person(from + i))
}

export interface ChangeBench {
  readonly lake: Lake
  readonly table: Table
}

export interface BenchOptions {
  readonly schema?: Schema
  readonly partitionBy?: readonly (string | PartitionTerm)[]
  readonly properties?: Readonly<Record<string, string>>
  readonly memory?: MemoryFileIO
}

/** A new table in memory. */
export async function changeBench(formatVersion: FormatVersion, options: BenchOptions = {}): Promise<ChangeBench> {
  const lake = await memoryLake()
  const { partitionBy = [], properties = {} } = options
  const table = await lake.catalog.createTable('a.t', { schema: options.schema ?? peopleSchema, partitionBy, properties, formatVersion })
  return { lake, table }
}

/** The rows of a branch, as texts that compare. */
export async function textsOf(table: Table, branch?: string): Promise<string[]> {
  const scan = table.scan()
  return rowTexts(await (branch === undefined ? scan : scan.useRef(branch)).rows().toArray())
}

/** Expects the table to have exactly the rows of the model, also when it is loaded anew. */
export async function expectRows(table: Table, model: readonly (Row | Record<string, unknown>)[], message?: string): Promise<void> {
  expect(await textsOf(table), message).toEqual(rowTexts(model))
  expect(await table.scan().count(), message).toBe(model.length)
}

/** The numbers of a result alone. */
export function countsOf(result: RowChangeResult): Pick<RowChangeResult, 'deletedRows' | 'updatedRows' | 'insertedRows'> {
  const { deletedRows, updatedRows, insertedRows } = result
  return { deletedRows, updatedRows, insertedRows }
}
