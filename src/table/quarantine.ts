import { schema, t } from '../schema/schema-builder.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { printJson, type JsonValue } from '../util/json.js'
import type { InvalidRow } from '../write/input-rows.js'

/** The columns of a table that takes rows which another table refused. A quarantine table may have only some of them. */
export const quarantineSchema = schema({
  row_index: t.long.required.doc('Position of the row in the input, from 0'),
  column: t.string.doc('Path of the column that did not fit; empty for the row as a whole'),
  expected: t.string,
  found: t.string,
  message: t.string,
  row: t.string.doc('The row as JSON; 64-bit integers in digits, bytes in hexadecimal'),
})

/** What a quarantine needs of a table; `Table` has it. */
export interface QuarantineTable {
  append(
    rows: Iterable<object>,
    options?: { readonly unknownColumns?: 'ignore'; readonly idempotencyToken?: string | undefined },
  ): Promise<Snapshot>
}

const ROWS_PER_APPEND = 50_000

/** Collects bad rows and appends them to a table, in bounded memory. */
export class Quarantine {
  readonly #table: QuarantineTable
  readonly #token: string | undefined
  #rows: object[] = []
  #appends = 0

  /** `token`: the idempotency token of the append that the rows were meant for, so that a repeat files them once. */
  constructor(table: QuarantineTable, token: string | undefined) {
    this.#table = table
    this.#token = token
  }

  async add(invalid: InvalidRow): Promise<void> {
    const { rowIndex, path, expected, found, message, row } = invalid
    this.#rows.push({ row_index: BigInt(rowIndex), column: path, expected, found, message, row: rowText(row) })
    if (this.#rows.length >= ROWS_PER_APPEND) await this.close()
  }

  /** Commits what was collected. */
  async close(): Promise<void> {
    if (this.#rows.length === 0) return
    const rows = this.#rows
    this.#rows = []
    const idempotencyToken = this.#token === undefined ? undefined : `${this.#token}/quarantine-${this.#appends}`
    this.#appends++
    await this.#table.append(rows, { unknownColumns: 'ignore', idempotencyToken })
  }
}

function rowText(row: unknown): string {
  try {
    return printJson(new RowPrinter().json(row, 0))
  } catch {
    return 'the row could not be read'
  }
}

const MAX_DEPTH = 100
/** Values of one row that are printed: a row may hold itself, or a million others. */
const MAX_VALUES = 10_000
const CUT = '…'

class RowPrinter {
  #values = 0

  json(value: unknown, depth: number): JsonValue {
    if (depth > MAX_DEPTH || ++this.#values > MAX_VALUES) return CUT
    switch (typeof value) {
      case 'string':
      case 'boolean':
      case 'bigint':
        return value
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'object':
        return value === null ? null : this.#object(value, depth + 1)
      default:
        return value === undefined ? null : String(value)
    }
  }

  #object(value: object, depth: number): JsonValue {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
    if (value instanceof Map) return this.#list(value, ([key, item]) => [this.json(key, depth), this.json(item, depth)])
    if (Array.isArray(value)) return this.#list(value, (item) => this.json(item, depth))
    const members = new Map<string, JsonValue>()
    for (const [name, item] of Object.entries(value)) {
      members.set(name, this.json(item, depth))
      if (this.#values > MAX_VALUES) break
    }
    return members
  }

  #list<T>(items: Iterable<T>, print: (item: T) => JsonValue): JsonValue[] {
    const printed: JsonValue[] = []
    for (const item of items) {
      printed.push(print(item))
      if (this.#values > MAX_VALUES) break
    }
    return printed
  }
}
