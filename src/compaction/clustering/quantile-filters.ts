import type { BoundTerm, Expression } from '../../expression/expression.js'
import { and, gtEq, ltEq } from '../../expression/predicates.js'
import { Decimal } from '../../schema/decimal.js'
import { uuidFromBytes } from '../../schema/hex-text.js'
import type { LiteralInput } from '../../schema/literal.js'
import type { Type, Value } from '../../schema/type.js'
import { lowerBound } from '../../util/binary-search.js'
import { decodeUtf8 } from '../../util/utf8.js'
import { readAxis } from './axis.js'
import { goldenRatio, unitPlace } from './box-depths.js'
import type { ClusteredFile } from './clustered-file.js'
import type { ClusteringOrder } from './clustering-order.js'

export interface QuantileFilterOptions {
  /** The share of the rows that each filter selects, were the columns independent. Default 0.01. */
  readonly share?: number | undefined
  /** Default 32. */
  readonly filters?: number | undefined
}

/**
 * Filters for ranges of all columns of an order at once, spread evenly over the rows: how many rows lie where is taken from the
 * bounds, between which a file's rows are thought to lie evenly. No filters where the bounds of a column are not known.
 */
export function quantileFilters(
  files: readonly ClusteredFile[],
  order: ClusteringOrder,
  options: QuantileFilterOptions = {},
): Expression[] {
  const { share = 0.01, filters = 32 } = options
  const terms = distinctColumns(order.terms)
  const quantiles = terms.map((term) => columnQuantiles(files, term))
  if (quantiles.some((quantile) => quantile === undefined)) return []
  const width = share ** (1 / terms.length)
  const ratio = goldenRatio(terms.length)
  return Array.from({ length: filters }, (_, i) => {
    const ranges = terms.flatMap(({ path }, d) => {
      const from = unitPlace(i, d, ratio) * (1 - width)
      return [gtEq(path, quantiles[d]!(from)), ltEq(path, quantiles[d]!(from + width))]
    })
    return and(...ranges)
  })
}

function distinctColumns(terms: readonly BoundTerm[]): BoundTerm[] {
  const columns = new Map(terms.map(({ field, path }) => [field.id, { field, path }]))
  return [...columns.values()]
}

/** From a share of the rows to the value below which they lie. */
export type Quantiles = (share: number) => LiteralInput

/** Undefined when no file has bounds of the column. */
export function columnQuantiles(files: readonly ClusteredFile[], term: BoundTerm): Quantiles | undefined {
  const axis = readAxis(files, term)
  const first = axis.values[0] === null ? 1 : 0
  if (axis.values.length === first) return undefined
  const { type } = term.field
  const literalAt = (place: number): LiteralInput => literalOf(type, axis.values[place]!)
  const masses = massesOf(files, axis)
  const totals = runningTotals(masses)
  const whole = totals.at(-1)!
  return (share) => {
    const wanted = Math.min(1, Math.max(0, share)) * whole
    const at = Math.max(2 * first, firstReaching(totals, wanted))
    const place = at >> 1
    if ((at & 1) === 0 || place + 1 >= axis.values.length) return literalAt(place)
    const within = masses[at]! > 0 ? (wanted - (totals[at]! - masses[at]!)) / masses[at]! : 0
    return literalOf(type, between(type, axis.values[place]!, axis.values[place + 1]!, Math.min(1, Math.max(0, within))))
  }
}

/** Rows at each bound, at even places, and between it and the next, at odd ones. */
function massesOf(files: readonly ClusteredFile[], { lower, upper, positions }: ReturnType<typeof readAxis>): Float64Array {
  const masses = new Float64Array(2 * positions.length)
  const changes = new Float64Array(positions.length + 1)
  files.forEach(({ recordCount }, file) => {
    const [low, high] = [lower[file]!, upper[file]!]
    const rows = Math.max(1, recordCount)
    if (low < 0) return
    if (low === high) masses[2 * low]! += rows
    else {
      const density = rows / (positions[high]! - positions[low]!)
      changes[low]! += density
      changes[high]! -= density
    }
  })
  let density = 0
  for (let place = 0; place + 1 < positions.length; place++) {
    density = Math.max(0, density + changes[place]!)
    masses[2 * place + 1] = density * (positions[place + 1]! - positions[place]!)
  }
  return masses
}

function runningTotals(masses: Float64Array): Float64Array {
  let total = 0
  return masses.map((mass) => (total += mass))
}

function firstReaching(totals: Float64Array, wanted: number): number {
  return Math.min(lowerBound(totals, wanted), totals.length - 1)
}

/** A value on the way from one bound to the next, where the type has values in between; else the nearer bound. */
function between(type: Type, from: Value, to: Value, share: number): Value {
  const nearer = share < 0.5 ? from : to
  if (typeof from === 'bigint' && typeof to === 'bigint') {
    const distance = Number(to - from)
    const value = from + BigInt(Math.round(distance * share))
    return value > to ? to : value
  }
  if (typeof from !== 'number' || typeof to !== 'number') return nearer
  const value = from + (to - from) * share
  if (!Number.isFinite(value)) return nearer
  if (type.kind === 'double') return value
  return Math.min(to, type.kind === 'float' ? Math.fround(value) : Math.round(value))
}

/** The literal of a value in the form that bounds compare in. */
function literalOf(type: Type, value: Value): LiteralInput {
  if (type.kind === 'decimal') return new Decimal(value as bigint, type.scale)
  if (!(value instanceof Uint8Array)) return value as LiteralInput
  if (type.kind === 'string') return decodeUtf8(value)
  return type.kind === 'uuid' ? uuidFromBytes(value) : value
}
