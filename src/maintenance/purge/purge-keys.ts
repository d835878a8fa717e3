import type { Chunk } from '../../arrow/arrow-data.js'
import { columnReader } from '../../arrow/column-reader.js'
import type { BoundExpression } from '../../expression/expression.js'
import { partitionKey } from '../../partition/partition-key.js'
import { encodeValue } from '../../schema/single-value.js'
import type { Type, Value } from '../../schema/type.js'
import { FloeError } from '../../util/errors.js'
import { bytesForms, isDistinctive, Needles, needlesOf, textForms } from './key-needles.js'

/** A value of a column that no remaining row may have. */
export interface ColumnKey {
  readonly type: Type
  readonly value: Value
}

const MAX_KEYS = 1_000_000

/**
 * The values that tell a purged row: those that the filter names, where each of them is reason enough to be purged, and what the
 * caller adds. Of a filter with `and`, no value tells a row alone: rows are then judged by the filter only.
 */
export class PurgeKeys {
  readonly #byColumn = new Map<number, Map<string, ColumnKey>>()
  readonly #free: Uint8Array[] = []
  #size = 0
  #needles: Needles | undefined

  constructor(filter: BoundExpression, values: readonly (string | Uint8Array)[]) {
    for (const value of values) {
      this.#free.push(...(typeof value === 'string' ? textForms(value) : bytesForms(value)).filter((form) => isDistinctive(form)))
      this.#size++
    }
    this.#addFilter(filter)
  }

  get size(): number {
    return this.#size
  }

  /** Field ids of columns with keys. */
  get fieldIds(): readonly number[] {
    return [...this.#byColumn.keys()]
  }

  /** Adds a value of a column. @throws FloeError `INVALID` for more than a million */
  add(fieldId: number, type: Type, value: Value): void {
    if (value === null) return
    const keys = this.#byColumn.get(fieldId) ?? new Map<string, ColumnKey>()
    this.#byColumn.set(fieldId, keys)
    const key = partitionKey([value])
    if (keys.has(key)) return
    if (++this.#size > MAX_KEYS) throw new FloeError('INVALID', `The purged rows have more than ${MAX_KEYS} values to look for: name fewer scanColumns`)
    keys.set(key, { type, value })
    this.#needles = undefined
  }

  /** Adds the values of a column, in rows that a mask selects. */
  addColumn(fieldId: number, type: Type, chunk: Chunk, mask: Uint8Array): void {
    const read = columnReader(chunk, type)
    for (let row = 0; row < mask.length; row++) if (mask[row] === 1) this.add(fieldId, type, read(row))
  }

  has(fieldId: number, value: Value): boolean {
    return value !== null && this.#byColumn.get(fieldId)?.has(partitionKey([value])) === true
  }

  keysOf(fieldId: number): Iterable<ColumnKey> {
    return this.#byColumn.get(fieldId)?.values() ?? []
  }

  /** What to look for in raw bytes. */
  get needles(): Needles {
    if (this.#needles !== undefined) return this.#needles
    const forms = [...this.#byColumn.values()].flatMap((keys) => [...keys.values()].flatMap(({ type, value }) => needlesOf(type, value)))
    this.#needles = new Needles([...this.#free, ...forms])
    return this.#needles
  }

  /** The texts that must not be printed: those of keys. */
  mask(text: string): string {
    let masked = text
    for (const keys of this.#byColumn.values()) {
      for (const { type, value } of keys.values()) {
        const forms = type.kind === 'string' ? textForms(value as string).map((form) => new TextDecoder().decode(form)) : [String(value)]
        for (const form of forms) if (form.length >= MIN_MASKED) masked = masked.replaceAll(form, MASK)
      }
    }
    return masked
  }

  /** Each of `=` and `in` alone is reason enough only where nothing is required besides. */
  #addFilter(filter: BoundExpression): void {
    if (!isAlternative(filter)) return
    const visit = (node: BoundExpression): void => {
      if (node.op === 'or') {
        visit(node.left)
        visit(node.right)
      } else if (node.op === 'eq' && node.term.transform === undefined) this.add(node.term.field.id, node.term.field.type, node.literal)
      else if (node.op === 'in' && node.term.transform === undefined) {
        for (const literal of node.literals) this.add(node.term.field.id, node.term.field.type, literal)
      }
    }
    visit(filter)
  }
}

const MIN_MASKED = 4
const MASK = '‹key›'

function isAlternative(filter: BoundExpression): boolean {
  return filter.op === 'or' ? isAlternative(filter.left) && isAlternative(filter.right) : filter.op !== 'and'
}

/** The bytes of a key as bounds have it; undefined where the type has no such form. */
export function boundOf({ type, value }: ColumnKey): Uint8Array | undefined {
  try {
    return encodeValue(type, value)
  } catch (error) {
    if (error instanceof FloeError) return undefined
    throw error
  }
}
