import type { ManifestFile } from '../../manifest/data-file.js'
import { compareValues, type ValueComparator } from '../../schema/compare-values.js'
import { decodeValue } from '../../schema/single-value.js'
import type { NestedField, StructType, Value } from '../../schema/type.js'
import { FloeError } from '../../util/errors.js'

/** In which order the entries of manifests stand: tuples of one partition spec, nulls first. */
export interface ClusteringOrder {
  readonly compare: (a: readonly Value[], b: readonly Value[]) => number
  /** Places in the tuple, the one that orders first in front. */
  readonly places: readonly number[]
  readonly comparators: readonly ValueComparator[]
  readonly type: StructType
}

/**
 * The order by the named partition fields, then by the others. Names that this spec does not have are left out.
 * Source: `RewriteManifestsSparkAction.sortBy`
 */
export function clusteringOrder(type: StructType, clusterBy: readonly string[] = []): ClusteringOrder {
  const named = clusterBy.map((name) => type.fields.findIndex((field) => field.name === name)).filter((place) => place >= 0)
  const places = [...new Set([...named, ...type.fields.keys()])]
  const comparators = type.fields.map((field) => compareValues(field.type))
  const compare = (a: readonly Value[], b: readonly Value[]): number => {
    for (const place of places) {
      const order = comparators[place]!(a[place]!, b[place]!)
      if (order !== 0) return order
    }
    return 0
  }
  return { compare, places, comparators, type }
}

/** @throws FloeError `INVALID` for a name that is no field of any of the specs */
export function checkClusterBy(clusterBy: readonly string[] | undefined, types: readonly StructType[]): void {
  const known = new Set(types.flatMap((type) => type.fields.map((field) => field.name)))
  const unknown = clusterBy?.find((name) => !known.has(name))
  if (unknown === undefined) return
  const names = known.size === 0 ? 'the table is not partitioned' : `there are ${[...known].join(', ')}`
  throw new FloeError('INVALID', `clusterBy names ${JSON.stringify(unknown)}, which is no partition field: ${names}`)
}

/** What of one partition field a manifest holds, by its record; null below all values, NaN above. */
interface FieldRange {
  readonly lower: Value
  readonly upper: Value
}

/** What a manifest holds, field by field of its spec; undefined where its record does not tell. */
export type ManifestRange = readonly (FieldRange | undefined)[]

/** The ranges of a manifest's partition summaries. */
export function manifestRange(manifest: ManifestFile, type: StructType): ManifestRange {
  return type.fields.map((field, place) => fieldRange(field, manifest.partitions?.[place]))
}

function fieldRange(field: NestedField, summary: NonNullable<ManifestFile['partitions']>[number] | undefined): FieldRange | undefined {
  if (summary === undefined || field.type.kind === 'unknown') return undefined
  const { containsNull, containsNan, lowerBound, upperBound } = summary
  const isFloat = field.type.kind === 'float' || field.type.kind === 'double'
  // Old writers did not say whether there are NaNs.
  const upper = isFloat && containsNan !== false ? NaN : upperBound === undefined ? null : decodeValue(field.type, upperBound)
  if (containsNull) return { lower: null, upper }
  return { lower: lowerBound === undefined ? upper : decodeValue(field.type, lowerBound), upper }
}

/** Whether a manifest may hold files of a partition. */
export function mayHold(range: ManifestRange, tuple: readonly Value[], order: ClusteringOrder): boolean {
  return range.every((field, place) => {
    if (field === undefined) return true
    const compare = order.comparators[place]!
    const value = tuple[place]!
    return compare(field.lower, value) <= 0 && compare(value, field.upper) <= 0
  })
}

/**
 * Which of the manifests hold a stretch of the order that another one holds as well, by their places. Two that meet in one value
 * of the first field do not overlap, unless the next field, of those that have no other value, does.
 */
export function overlapping(ranges: readonly ManifestRange[], order: ClusteringOrder): ReadonlySet<number> {
  const found = new Set<number>()
  markOverlaps(ranges, [...ranges.keys()], { order, depth: 0 }, found)
  return found
}

interface Depth {
  readonly order: ClusteringOrder
  /** How many fields of the order are the same in all manifests looked at. */
  readonly depth: number
}

function markOverlaps(ranges: readonly ManifestRange[], members: readonly number[], { order, depth }: Depth, found: Set<number>): void {
  const place = order.places[depth]
  if (place === undefined || members.length < 2) return
  const compare = order.comparators[place]!
  const known = members.filter((member) => ranges[member]![place] !== undefined)
  for (const member of members) if (!known.includes(member)) found.add(member)
  const range = (member: number): FieldRange => ranges[member]![place]!
  known.sort((a, b) => {
    const byLower = compare(range(a).lower, range(b).lower)
    return byLower === 0 ? compare(range(a).upper, range(b).upper) : byLower
  })
  let widest: number | undefined
  let same: number[] = []
  const endSame = (): void => {
    markOverlaps(ranges, same, { order, depth: depth + 1 }, found)
    same = []
  }
  for (const member of known) {
    const { lower, upper } = range(member)
    if (widest !== undefined && compare(lower, range(widest).upper) < 0) found.add(member).add(widest)
    if (compare(lower, upper) === 0) {
      if (same.length > 0 && compare(range(same[0]!).lower, lower) !== 0) endSame()
      same.push(member)
    }
    if (widest === undefined || compare(range(widest).upper, upper) <= 0) widest = member
  }
  endSame()
}

/** How many of the manifests a look-up of one partition reads, on average over `tuples`. */
export function readsPerPartition(ranges: readonly ManifestRange[], tuples: readonly (readonly Value[])[], order: ClusteringOrder): number {
  if (tuples.length === 0) return 0
  let reads = 0
  for (const tuple of tuples) for (const range of ranges) if (mayHold(range, tuple, order)) reads++
  return reads / tuples.length
}
