/** Filters, and what they select of a model's rows. */
import { alwaysTrue, and, eq, gtEq, isIn, isNan, isNull, lt, not, or, startsWith, type Expression } from '../../src/index.js'
import { cellOf, inputOf, shown, type Cell, type Chance, type Kind } from './model-cells.js'
import { ID, valueOf, type ModelColumn, type ModelRow } from './model-table.js'

export interface ModelFilter {
  readonly expression: Expression
  readonly holds: (row: ModelRow) => boolean
}

/** A filter on any column, mostly on the ids. */
export function chooseFilter(columns: readonly ModelColumn[], chance: Chance): ModelFilter {
  if (chance.once(12)) return { expression: alwaysTrue(), holds: () => true }
  const one = onColumn(chance.once(2) ? columns.find(({ key }) => key === ID)! : chance.of(columns), chance)
  if (!chance.once(4)) return one
  const other = onColumn(chance.of(columns), chance)
  return chance.once(2)
    ? { expression: and(one.expression, other.expression), holds: (row) => one.holds(row) && other.holds(row) }
    : { expression: or(one.expression, other.expression), holds: (row) => one.holds(row) || other.holds(row) }
}

const UNORDERED = new Set<Kind>(['struct', 'boolean', 'date', 'timestamp', 'binary'])

function onColumn(column: ModelColumn, chance: Chance): ModelFilter {
  const { name, kind } = column
  const on = (expression: Expression, holds: (cell: Cell) => boolean): ModelFilter => {
    return { expression, holds: (row) => holds(valueOf(row, column)) }
  }
  const isFloat = kind === 'float' || kind === 'double'
  if (kind === 'struct' || chance.once(8)) {
    const nulls = on(isNull(name), (cell) => cell === null)
    return chance.once(3) ? { expression: not(nulls.expression), holds: (row) => !nulls.holds(row) } : nulls
  }
  if (isFloat && chance.once(4)) return on(isNan(name), Number.isNaN)
  const cell = shown(kind, cellOf(kind, chance, Infinity))
  if (Number.isNaN(cell)) return on(isNan(name), Number.isNaN)
  const literal = inputOf(kind, cell) as never
  if (kind === 'string' && chance.once(3)) {
    return on(startsWith(name, literal), (other) => other !== null && (other as string).startsWith(cell as string))
  }
  if (kind === 'date' || kind === 'timestamp' || kind === 'binary') return on(isNull(name), (other) => other === null)
  if (UNORDERED.has(kind) || chance.once(3)) return on(eq(name, literal), (other) => other !== null && compare(other, cell) === 0)
  if (kind === 'long' && chance.once(3)) return on(isIn(name, [literal, 1n]), (other) => other !== null && (other === cell || other === 1n))
  if (chance.once(2)) return on(lt(name, literal), (other) => other !== null && compare(other, cell) < 0)
  return on(gtEq(name, literal), (other) => other !== null && !Number.isNaN(other) && compare(other, cell) >= 0)
}

function compare(a: Cell, b: Cell): number {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
  return a! < b! ? -1 : a! > b! ? 1 : Number.isNaN(a) ? 1 : 0
}
