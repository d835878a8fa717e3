import { boxCentres, BoxTree, compareNumbers, widestDimension } from './box-tree.js'
import { boxDepths } from './box-depths.js'
import { fileBoxes } from './boxes.js'
import type { Boxes } from './boxes.js'
import type { ClusteredFile } from './clustered-file.js'
import type { ClusteringOrder } from './clustering-order.js'
import { filesByPartition } from './overlap-depth.js'
import { volumeClasses } from './volume-classes.js'

export interface OverlapSelection {
  readonly order: ClusteringOrder
  /** What rewritten files will have: so many come out of a group as fit. */
  readonly targetFileSizeBytes: number
  readonly maxFileGroupSizeBytes: number
  /** A group is left alone unless so many of its files lie over one another somewhere. Default 2: any overlap counts. */
  readonly minDepth?: number | undefined
  /** Whether files without bounds are rewritten too: only worth it when what is written has bounds. Default false. */
  readonly rewritesUnbounded?: boolean | undefined
}

/** Files of one partition that are worth rewriting together, because by their bounds they lie over one another. */
export interface OverlapGroup<F extends ClusteredFile> {
  readonly partitionKey: string
  /** In the order they were given. */
  readonly files: readonly F[]
  readonly sizeBytes: number
  /** How many of the group's files there are on average over the extent of each; that of files without bounds is their count. */
  readonly depth: number
  /** The same of what a rewrite makes of them, as far as can be told. */
  readonly expectedDepth: number
}

/**
 * The files that lie over one another, in groups that are worth rewriting; all others are left alone. Deepest groups first.
 *
 * Files that overlap hang together, unless one reaches into the other by no more than a twentieth of its extent, as neighbours in time
 * do. Of those that do, the group is made that saves most for what it rewrites: a few wide files over many narrow ones are rewritten
 * among themselves. Groups over the size are cut in the middle of their widest dimension; what no longer overlaps then is left alone.
 *
 * The same files give the same groups. O(n log n) in one dimension; in several as fast as long as files are not all alike.
 */
export function selectOverlapping<F extends ClusteredFile>(files: Iterable<F>, selection: OverlapSelection): OverlapGroup<F>[] {
  const groups: OverlapGroup<F>[] = []
  for (const [key, members] of filesByPartition(files)) {
    const { boxes, unbounded } = fileBoxes(members, selection.order)
    const sizes = Float64Array.from(boxes.files, (file) => members[file]!.sizeBytes)
    const candidates = { boxes, centres: boxCentres(boxes), sizes, selection }
    for (const component of components(boxes)) {
      for (const chosen of cut(candidates, mostSaving(candidates, component))) {
        const group = judged(candidates, chosen)
        if (group !== undefined) groups.push({ ...group, partitionKey: key, files: filesOf(members, boxes, chosen) })
      }
    }
    if (selection.rewritesUnbounded === true && unbounded.length > 1) {
      groups.push(...unboundedGroups(key, unbounded.map((file) => members[file]!), selection))
    }
  }
  return groups.sort((a, b) => b.depth - a.depth)
}

/** Boxes of one partition, and what is asked of them. */
interface Candidates {
  readonly boxes: Boxes
  readonly centres: Float64Array
  readonly sizes: Float64Array
  readonly selection: OverlapSelection
}

/** How far two neighbours may reach into each other, as a share of their extent. */
const TOLERATED_REACH = 0.05

/** Boxes that hang together, more than one each. */
function components(boxes: Boxes): number[][] {
  const { dimensions, lower, upper } = boxes
  const margin = (at: number): number => TOLERATED_REACH * (upper[at]! - lower[at]!)
  const core = { ...boxes, lower: lower.map((low, at) => low + margin(at)), upper: upper.map((high, at) => high - margin(at)) }
  const found = dimensions === 1 ? intervalComponents(core) : new BoxTree(core).components()
  return found.filter((component) => component.length > 1)
}

function intervalComponents({ count, lower, upper }: Boxes): number[][] {
  const order = Uint32Array.from({ length: count }, (_, box) => box).sort((a, b) => compareNumbers(lower[a]!, lower[b]!, a, b))
  const found: number[][] = []
  let end = -Infinity
  for (const box of order) {
    if (lower[box]! > end) found.push([])
    found.at(-1)!.push(box)
    end = Math.max(end, upper[box]!)
  }
  return found.map((component) => component.sort((a, b) => a - b))
}

/** Of the widest boxes of a component, from its widest classes to all, those of which a rewrite saves most reads for what it costs. */
function mostSaving(candidates: Candidates, component: readonly number[]): readonly number[] {
  const { boxes, sizes, selection } = candidates
  const { order, ends, volumes } = volumeClasses(boxes, component)
  let best: { readonly rate: number; readonly chosen: readonly number[] } = { rate: 0, chosen: [] }
  for (const end of ends) {
    const chosen = order.slice(0, end)
    const depths = boxDepths(subset(boxes, chosen)).depths
    const sizeBytes = sum(chosen, (box) => sizes[box]!)
    const expected = expectedDepth(sizeBytes, boxes.dimensions, selection)
    // Over where the boxes lie, each place is covered `depth` times and will be `expected` times.
    const saved = sum(chosen, (_, i) => volumes[i]! * (1 - expected / depths[i]!))
    const rate = saved / Math.max(1, sizeBytes)
    if (saved > 0 && rate > best.rate) best = { rate, chosen }
  }
  return best.chosen
}

/** Parts no larger than a group may be; neighbours stay together. */
function cut(candidates: Candidates, chosen: readonly number[]): (readonly number[])[] {
  const { boxes, centres, sizes, selection } = candidates
  const parts: (readonly number[])[] = []
  const pending = [chosen]
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part.length < 2) continue
    if (sum(part, (box) => sizes[box]!) <= selection.maxFileGroupSizeBytes) {
      parts.push(part)
      continue
    }
    const widest = widestDimension(part, centres, boxes.dimensions)
    const along = (box: number): number => centres[box * boxes.dimensions + widest]!
    const ordered = part.toSorted((a, b) => compareNumbers(along(a), along(b), a, b))
    const middle = ordered.length >> 1
    pending.push(ordered.slice(middle), ordered.slice(0, middle))
  }
  return parts
}

type Judged = Pick<OverlapGroup<ClusteredFile>, 'sizeBytes' | 'depth' | 'expectedDepth'>

/** Undefined for a group that a rewrite would not make better. */
function judged({ boxes, sizes, selection }: Candidates, chosen: readonly number[]): Judged | undefined {
  const { depths, maximum } = boxDepths(subset(boxes, chosen))
  const depth = sum(chosen, (_, i) => depths[i]!) / chosen.length
  const sizeBytes = sum(chosen, (box) => sizes[box]!)
  const expected = expectedDepth(sizeBytes, boxes.dimensions, selection)
  const slack = boxes.dimensions === 1 ? 1 : CURVE_SLACK
  const isWorthIt = maximum >= (selection.minDepth ?? 2) && depth > expected * slack
  return isWorthIt ? { sizeBytes, depth, expectedDepth: expected } : undefined
}

/** A curve's files lie over one another by more or less than is usual: less than this factor is nothing to rewrite for. */
const CURVE_SLACK = 1.5

/** What files along a curve come to, by dimensions from two on; measured, as told in docs/layout.md. */
const CURVE_DEPTHS = { linear: [1], zorder: [2.7, 3.6, 4.3], hilbert: [1.5, 1.8, 1.9] } as const

/** The depth of what a rewrite of so many bytes gives. */
function expectedDepth(sizeBytes: number, dimensions: number, { order, targetFileSizeBytes }: OverlapSelection): number {
  const outputs = Math.max(1, Math.round(sizeBytes / targetFileSizeBytes))
  if (dimensions === 1 || outputs === 1) return 1
  const measured: readonly number[] = CURVE_DEPTHS[order.type]
  return Math.min(outputs, measured[Math.min(dimensions - 2, measured.length - 1)]!)
}

function unboundedGroups<F extends ClusteredFile>(
  partitionKey: string,
  files: readonly F[],
  selection: OverlapSelection,
): OverlapGroup<F>[] {
  const groups: F[][] = []
  let bytes = Infinity
  for (const file of files) {
    if (bytes + file.sizeBytes > selection.maxFileGroupSizeBytes) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)!.push(file)
    bytes += file.sizeBytes
  }
  return groups.map((members) => {
    const sizeBytes = sum(members, (file) => file.sizeBytes)
    return { partitionKey, files: members, sizeBytes, depth: members.length, expectedDepth: 1 }
  })
}

function subset(boxes: Boxes, chosen: readonly number[]): Boxes {
  const { dimensions } = boxes
  const pick = (sides: Float64Array): Float64Array => {
    const picked = new Float64Array(chosen.length * dimensions)
    chosen.forEach((box, i) => picked.set(sides.subarray(box * dimensions, (box + 1) * dimensions), i * dimensions))
    return picked
  }
  const files = Int32Array.from(chosen, (box) => boxes.files[box]!)
  return { dimensions, count: chosen.length, files, lower: pick(boxes.lower), upper: pick(boxes.upper) }
}

function filesOf<F>(members: readonly F[], boxes: Boxes, chosen: readonly number[]): F[] {
  return chosen.map((box) => boxes.files[box]!).sort((a, b) => a - b).map((file) => members[file]!)
}

function sum<T>(items: readonly T[], of: (item: T, index: number) => number): number {
  let total = 0
  for (let i = 0; i < items.length; i++) total += of(items[i]!, i)
  return total
}
