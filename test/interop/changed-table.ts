/**
 * A table that floe and Spark change in turns, beside the plain array of the rows that it must have. After every change floe's rows are
 * compared with the array; what they were is kept, so that the engines can be asked for every state of the history at the end.
 */
import { expect } from 'vitest'
import { canonicalRowWriter } from '../../src/arrow/canonical-row.js'
import { identity, openCatalog, schema, t, truncate } from '../../src/index.js'
import type { Catalog, FormatVersion, Table } from '../../src/index.js'
import { oracle } from './oracle.js'
import type { Engine } from './oracle.js'
import { canonicalLine } from './tables.js'
import type { InteropTable } from './tables.js'
import { currentMetadata } from './warehouse.js'
import type { Warehouse } from './warehouse.js'

// An alias, as interfaces have no index signature.
export type Item = {
  readonly id: bigint
  readonly part: string | null
  readonly name: string | null
  readonly n: number
  readonly amount: string | null
  readonly at: bigint
  readonly tags: readonly (number | null)[] | null
}

/** The columns of {@link Item}. */
export const itemColumns = {
  id: t.long.required, part: t.string, name: t.string, n: t.int, amount: t.decimal(9, 2), at: t.timestamp, tags: t.list(t.int),
}
const shape: InteropTable = { name: 'items', formatVersions: [2, 3], columns: itemColumns, batches: [] }

/** A row with nulls here and there. Its partition is one of `a`, `b` and null, and fifty ids. */
export function item(id: number, changes: Partial<Item> = {}): Item {
  return {
    id: BigInt(id),
    part: ['a', 'b', null][id % 3]!,
    name: id % 7 === 6 ? null : `n${id}`,
    n: id * 2,
    amount: id % 5 === 4 ? null : `${id}.25`,
    at: BigInt(id) * 1_000_001n - 50_000_000n,
    tags: id % 11 === 10 ? null : id % 4 === 3 ? [] : [id, null, -id],
    ...changes,
  }
}

export function items(from: number, to: number, changes: Partial<Item> = {}): Item[] {
  return Array.from({ length: to - from }, (_, index) => item(from + index, changes))
}

/** A query of Spark's for one row. */
export function itemOfSpark({ id, part, name, n, amount, at, tags }: Item): string {
  const text = (value: string | null): string => (value === null ? 'null' : `'${value}'`)
  const list = tags === null ? 'null' : `array(${tags.map(String).join(', ')})`
  return `select ${id}L as id, ${text(part)} as part, ${text(name)} as name, ${n} as n, cast(${amount ?? 'null'} as decimal(9, 2)) as amount,
    cast(timestamp_micros(${at}) as timestamp_ntz) as at, cast(${list} as array<int>) as tags`
}

/** What a change makes of the rows of the model. */
export type ModelChange = (rows: readonly Item[]) => readonly Item[]

/** Rows whose id is of a range. */
export const between = (from: number, to: number) => (row: Item): boolean => row.id >= BigInt(from) && row.id < BigInt(to)

/** Rows with one of these ids. */
export const among = (...ids: readonly number[]) => (row: Item): boolean => ids.includes(Number(row.id))

export const without = (gone: (row: Item) => boolean) => (rows: readonly Item[]): Item[] => rows.filter((row) => !gone(row))

export const changing = (hit: (row: Item) => boolean, change: (row: Item) => Partial<Item>) => (rows: readonly Item[]): Item[] =>
  rows.map((row) => (hit(row) ? { ...row, ...change(row) } : row))

/** New rows take the place of those with their ids. */
export const upserting = (input: readonly Item[]) => (rows: readonly Item[]): Item[] => {
  const ids = new Set(input.map(({ id }) => id))
  return [...rows.filter(({ id }) => !ids.has(id)), ...input]
}

/** `a/0`: what the rows of one partition of a partitioned table have in common. */
export const partitionOf = (row: Item): string => `${row.part ?? 'null'}/${row.id / 50n}`

/** One state of the table, as floe read it. */
export interface State {
  /** What led to it. */
  readonly change: string
  readonly snapshotId: string
  /** Canonical lines; of v3 with `_row_id` and `_last_updated_sequence_number`. */
  readonly lines: readonly string[]
  readonly lineage: boolean
  readonly equalityDeletes: boolean
}

export interface ChangedTableOptions {
  readonly warehouse: Warehouse
  readonly name: string
  readonly formatVersion: FormatVersion
  readonly isPartitioned: boolean
  readonly properties?: Readonly<Record<string, string>>
}

/** A line a state. */
interface EngineAnswers {
  readonly answers: readonly string[]
  readonly wanted: readonly string[]
}

/** What new row ids must be, and whether rows that changed have one. */
interface LineageRule {
  /** Of the table before the change. */
  readonly nextRowId: bigint
  readonly replaces: boolean
}

/** What is known of a row on v3. */
interface Lineage {
  readonly plain: string
  readonly rowId: string | null
  readonly sequenceNumber: string | null
}

export class ChangedTable {
  readonly states: State[] = []
  /** The rows that the table must have. */
  rows: readonly Item[] = []
  readonly table: Table
  readonly #warehouse: Warehouse
  readonly #name: string
  #lineage: ReadonlyMap<string, Lineage> = new Map()

  private constructor(table: Table, warehouse: Warehouse, name: string) {
    this.table = table
    this.#warehouse = warehouse
    this.#name = name
  }

  static async create(options: ChangedTableOptions): Promise<ChangedTable> {
    const { warehouse, name, formatVersion, isPartitioned, properties = {} } = options
    const lake: Catalog = await openCatalog(warehouse.location)
    const partitionBy = isPartitioned ? [identity('part'), truncate('id', 50)] : []
    const table = await lake.createTable(`changed.${name}`, { schema: schema(itemColumns), partitionBy, formatVersion, properties })
    return new ChangedTable(table, warehouse, name)
  }

  get metadata(): string {
    return currentMetadata(this.#warehouse, 'changed', this.#name)
  }

  /**
   * Makes a change of the table and of the array, and compares them. Rows that stay keep their row ids, and their sequence numbers
   * unless their values changed; with `replaces` changed rows are new ones.
   */
  async step(change: string, work: () => Promise<unknown>, expected: ModelChange, replaces = false): Promise<void> {
    const { nextRowId } = this.table.metadata
    await work()
    await this.table.refresh()
    this.rows = expected(this.rows)
    const lines = await this.#lines()
    const plain = lines.map(plainLine)
    expect(plain.sort(), change).toEqual(this.rows.map((row) => canonicalLine(shape, row)).sort())
    const deletes = await this.table.inspect.deleteFiles()
    const isV3 = this.table.formatVersion === 3
    if (isV3) {
      const vectors = deletes.filter((file) => file.file_format === 'PUFFIN').map((file) => file.referenced_data_file)
      expect(new Set(vectors).size, `${change}: one vector a data file`).toBe(vectors.length)
      this.#checkLineage(change, lines, { nextRowId: BigInt(nextRowId ?? 0), replaces })
    }
    const { snapshotId } = this.table.currentSnapshot!
    this.states.push({
      change,
      snapshotId: String(snapshotId),
      lines,
      lineage: isV3,
      equalityDeletes: deletes.some((file) => file.content === 2),
    })
  }

  /** Statements of Spark; `{table}` is this table. */
  sql(...statements: readonly string[]): Promise<readonly (readonly unknown[])[]> {
    return oracle().sql(this.#warehouse.location, statements.map((text) => text.replaceAll('{table}', `{catalog}.changed.${this.#name}`)))
  }

  /** The Java writer deletes the rows that `where` selects by their keys. */
  async equalityDeletes(columns: readonly string[], where: string): Promise<void> {
    expect(await oracle().equalityDeletes(this.#warehouse.location, `changed.${this.#name}`, columns, where)).toBeGreaterThan(0)
  }

  /** What an engine says of every state that `reads` does not leave out, beside what it should say. */
  async ask(engine: Engine, reads: (state: State) => boolean = () => true): Promise<EngineAnswers> {
    const knowsLineage = engine === 'spark' || engine === 'pyarrow'
    const answers: string[] = []
    const wanted: string[] = []
    for (const { change, snapshotId, lines, lineage } of this.states.filter(reads)) {
      const withLineage = lineage && knowsLineage
      const target = { metadata: this.metadata, snapshot: snapshotId, lineage: withLineage }
      const [answer] = await oracle().check(target, withLineage ? lines : lines.map(plainLine), [engine])
      answers.push(`${change}: ${answer!.message}`)
      wanted.push(`${change}: ok ${lines.length} rows`)
    }
    return { answers, wanted }
  }

  async #lines(): Promise<string[]> {
    const scan = this.table.formatVersion === 3 ? this.table.scan().metadataColumns('_row_id', '_last_updated_sequence_number') : this.table.scan()
    const write = canonicalRowWriter(scan.schema)
    const lines: string[] = []
    for await (const batch of scan) lines.push(...write(batch))
    return lines
  }

  #checkLineage(change: string, lines: readonly string[], { nextRowId, replaces }: LineageRule): void {
    const now = new Map(lines.map((line) => [idOf(line), lineageOf(line)]))
    const sequenceNumber = String(this.table.currentSnapshot!.sequenceNumber)
    const wrong: string[] = []
    const isUpgraded = this.states.at(-1)?.lineage === false
    for (const [id, row] of isUpgraded ? [] : now) {
      const before = this.#lineage.get(id)
      const isSame = before?.plain === row.plain
      const keepsId = before !== undefined && (isSame || !replaces)
      if (keepsId ? row.rowId !== before.rowId : row.rowId === null || BigInt(row.rowId) < nextRowId) wrong.push(`row id of ${id}: ${row.rowId}`)
      const wanted = isSame ? before.sequenceNumber : sequenceNumber
      if (row.sequenceNumber !== wanted) wrong.push(`sequence number of ${id}: ${row.sequenceNumber}, not ${wanted}`)
    }
    expect(wrong, change).toEqual([])
    const rowIds = new Set([...now.values()].map(({ rowId }) => rowId))
    expect([rowIds.size, rowIds.has(null)], `${change}: row ids are unique`).toEqual([now.size, false])
    this.#lineage = now
  }
}

function members(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>
}

/** The line without lineage. */
function plainLine(line: string): string {
  const { _row_id, _last_updated_sequence_number, ...plain } = members(line)
  return JSON.stringify(plain)
}

const idOf = (line: string): string => members(line)['id'] as string

function lineageOf(line: string): Lineage {
  const { _row_id: rowId, _last_updated_sequence_number: sequenceNumber } = members(line) as Record<string, string | null>
  return { plain: plainLine(line), rowId: rowId!, sequenceNumber: sequenceNumber! }
}
