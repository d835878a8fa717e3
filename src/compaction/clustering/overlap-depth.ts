import { boxDepths } from './box-depths.js'
import { fileBoxes } from './boxes.js'
import type { ClusteredFile } from './clustered-file.js'
import type { ClusteringOrder } from './clustering-order.js'

/** How many files lie over one another, by their bounds: what looking up one place in an order has to read. */
export interface OverlapDepth {
  readonly files: number
  /**
   * Over the extents of the files that have one, how many files there are on average: 1 when none overlaps another. Files without
   * bounds are everywhere in their partition. 0 for no files at all.
   */
  readonly average: number
  /** At the deepest point of any partition. */
  readonly maximum: number
  /** Files of one value in every term; they cannot be told better apart, and count nowhere else. */
  readonly constantFiles: number
  /** Files with a term whose bounds are not known. */
  readonly unboundedFiles: number
  /** Files by their own depth, rounded: from 1, from 2, from 3, from 5, from 9 … on; the last entry is not empty. */
  readonly histogram: readonly DepthCount[]
}

export interface DepthCount {
  readonly fromDepth: number
  readonly files: number
}

/** The overlap depth of files in an order, partition by partition. */
export function overlapDepth(files: readonly ClusteredFile[], order: ClusteringOrder): OverlapDepth {
  const counts = { sum: 0, measured: 0, maximum: 0, constantFiles: 0, unboundedFiles: 0 }
  const buckets: number[] = []
  for (const members of filesByPartition(files).values()) {
    const { boxes, constant, unbounded } = fileBoxes(members, order)
    const { depths, maximum } = boxDepths(boxes)
    const everywhere = unbounded.length
    let sum = 0
    for (const depth of depths) {
      sum += depth
      addTo(buckets, depth + everywhere)
    }
    const ofOthers = depths.length === 0 ? 0 : sum / depths.length
    for (let i = 0; i < everywhere; i++) addTo(buckets, ofOthers + everywhere)
    counts.sum += sum + everywhere * depths.length + everywhere * (ofOthers + everywhere)
    counts.measured += depths.length + everywhere
    counts.maximum = Math.max(counts.maximum, maximum + everywhere, constant.length > 0 ? 1 : 0)
    counts.constantFiles += constant.length
    counts.unboundedFiles += everywhere
  }
  const { sum, measured, maximum, constantFiles, unboundedFiles } = counts
  const average = measured > 0 ? sum / measured : files.length > 0 ? 1 : 0
  const histogram = Array.from(buckets, (count: number | undefined, bucket) => ({ fromDepth: bucketStart(bucket), files: count ?? 0 }))
  return { files: files.length, average, maximum, constantFiles, unboundedFiles, histogram }
}

/** Files by their partition, in the order of their first ones. */
export function filesByPartition<F extends ClusteredFile>(files: Iterable<F>): Map<string, F[]> {
  const partitions = new Map<string, F[]>()
  for (const file of files) {
    const members = partitions.get(file.partitionKey)
    if (members === undefined) partitions.set(file.partitionKey, [file])
    else members.push(file)
  }
  return partitions
}

/** Buckets 1, 2, 3–4, 5–8, 9–16 … */
function addTo(buckets: number[], depth: number): void {
  const bucket = 32 - Math.clz32(Math.max(1, Math.round(depth)) - 1)
  buckets[bucket] = (buckets[bucket] ?? 0) + 1
}

function bucketStart(bucket: number): number {
  return bucket === 0 ? 1 : 2 ** (bucket - 1) + 1
}
