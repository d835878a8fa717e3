/** The values of a modelled table: how they are chosen, given to the table, and compared. */
import { t } from '../../src/index.js'
import type { Row } from '../../src/index.js'

/** A seeded source of choices: the same seed makes the same ones. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }

  some<T>(items: readonly T[]): T[] {
    return items.filter(() => this.once(2))
  }

  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items]
    return items.map(() => left.splice(this.below(left.length), 1)[0]!)
  }
}

/**
 * A value, whatever width its column has: integers and unscaled decimals as bigint, floating point and dates as number,
 * timestamps as bigint, or as the number of days when the column was one of dates.
 */
export type Cell = bigint | number | string | boolean | Uint8Array | { readonly a: number; readonly b: string | null } | null

export const KINDS = {
  int: t.int,
  long: t.long,
  float: t.float,
  double: t.double,
  decimal: t.decimal(9, 2),
  wideDecimal: t.decimal(18, 2),
  date: t.date,
  timestamp: t.timestamp,
  string: t.string,
  boolean: t.boolean,
  binary: t.binary,
  struct: t.struct({ a: t.int, b: t.string }),
} as const
export type Kind = keyof typeof KINDS

/** What a column of one kind can become. */
export const WIDER: Partial<Record<Kind, Kind>> = { int: 'long', float: 'double', decimal: 'wideDecimal', date: 'timestamp' }

const FLOATS = [0, -0, NaN, 1.5, -2.25, Infinity, 0.5]
const TEXTS = ['', 'a', 'ab', 'abc', 'b\u{10000}', '\uffff', '\u00e9', 'z'.repeat(20), "it's"]

const CHOICES: Record<Kind, readonly Cell[]> = {
  int: [0n, 1n, 2n, -1n, 2147483647n],
  long: [0n, 1n, 2n, 3n, 4n, 5n, 6n, -7n, 2n ** 60n],
  float: FLOATS,
  double: [...FLOATS, 0.1],
  decimal: [0n, 1n, -150n, 999999999n, 100n],
  wideDecimal: [0n, 1n, -150n, 10n ** 17n, 100n],
  date: [-1, 0, 1, 19000, 19001],
  timestamp: [-1n, 0n, 86_400_000_000n, 1_641_600_000_000_001n],
  string: TEXTS,
  boolean: [true, false],
  binary: [new Uint8Array(), Uint8Array.of(0), Uint8Array.of(255, 1)],
  struct: [{ a: 1, b: 'x' }, { a: 2, b: null }],
}

export function cellOf(kind: Kind, chance: Chance, nullOnce = 8): Cell {
  return chance.once(nullOnce) ? null : chance.of(CHOICES[kind])
}

const MICROS_PER_DAY = 86_400_000_000n

/** A cell as a column of its present kind shows it. */
export function shown(kind: Kind, cell: Cell): Cell {
  return kind === 'timestamp' && typeof cell === 'number' ? BigInt(cell) * MICROS_PER_DAY : cell
}

/** A value as text: equal exactly when the values are, `-0.0` apart from `0.0`. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '~'
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`
  if (typeof value === 'object' && 'unscaled' in value) return String(value.unscaled)
  return `{${Object.entries(value).map(([name, item]) => `${name}:${cellText(item)}`).join()}}`
}

/** A value as a key that is matched: as {@link cellText}, and `-0.0` is `0.0`. */
export function keyText(cell: Cell): string {
  return cellText(cell === 0 ? 0 : cell)
}

/** A cell as callers write it. */
export function inputOf(kind: Kind, cell: Cell): unknown {
  if (cell === null) return null
  if (kind === 'int') return Number(cell)
  if (kind === 'decimal' || kind === 'wideDecimal') {
    const digits = String(cell).replace('-', '').padStart(3, '0')
    return `${(cell as bigint) < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
  }
  return cell
}

/** The row of a scan as text, its columns in the order of `names`. */
export function rowText(row: Row, names: readonly string[]): string {
  return names.map((name) => cellText(row[name])).join('|')
}
