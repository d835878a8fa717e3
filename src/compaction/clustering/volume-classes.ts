import { compareNumbers } from './box-tree.js'
import type { Boxes } from './boxes.js'

/** Some boxes from the widest to the narrowest, and where classes of alike ones end. */
export interface VolumeClasses {
  readonly order: readonly number[]
  /** The share of the whole extent that each box of {@link order} covers. */
  readonly volumes: readonly number[]
  /** Ends of classes in {@link order}, ascending, the last its length; a few at most. */
  readonly ends: readonly number[]
}

/** Boxes of two classes differ by at least this factor. */
const CLASS_FACTOR = 4
const MAX_CLASSES = 8

/** What a side without extent counts as, so that boxes that are flat in one dimension still differ in the others. */
const LEAST_SHARE = 1e-6

/** Tells the wide boxes from the narrow ones. */
export function volumeClasses(boxes: Boxes, chosen: readonly number[]): VolumeClasses {
  const logs = new Map<number, number>(chosen.map((box) => [box, 0]))
  for (let d = 0; d < boxes.dimensions; d++) addShares(boxes, chosen, d, logs)
  const order = chosen.toSorted((a, b) => compareNumbers(logs.get(b)!, logs.get(a)!, a, b))
  const jumps: { readonly end: number; readonly size: number }[] = []
  for (let i = 1; i < order.length; i++) {
    const size = logs.get(order[i - 1]!)! - logs.get(order[i]!)!
    if (size >= Math.log(CLASS_FACTOR)) jumps.push({ end: i, size })
  }
  jumps.sort((a, b) => compareNumbers(b.size, a.size, a.end, b.end))
  const ends = [...jumps.slice(0, MAX_CLASSES - 1).map(({ end }) => end).sort((a, b) => a - b), order.length]
  return { order, volumes: order.map((box) => Math.exp(logs.get(box)!)), ends }
}

function addShares({ dimensions, lower, upper }: Boxes, chosen: readonly number[], dimension: number, logs: Map<number, number>): void {
  let [least, most] = [Infinity, -Infinity]
  for (const box of chosen) {
    least = Math.min(least, lower[box * dimensions + dimension]!)
    most = Math.max(most, upper[box * dimensions + dimension]!)
  }
  const extent = most > least ? most - least : 1
  for (const box of chosen) {
    const at = box * dimensions + dimension
    logs.set(box, logs.get(box)! + Math.log(Math.max(LEAST_SHARE, (upper[at]! - lower[at]!) / extent)))
  }
}
