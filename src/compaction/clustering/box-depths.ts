import { lowerBound } from '../../util/binary-search.js'
import { BoxTree } from './box-tree.js'
import type { Boxes } from './boxes.js'

/** How many boxes lie over one another. */
export interface BoxDepths {
  /** By box: over its extent, how many boxes there are on average; at least 1, itself. */
  readonly depths: Float64Array
  /** At the deepest point that was looked at. */
  readonly maximum: number
}

/**
 * In one dimension exact, in O(n log n). In several by points that are spread evenly in each box, the same ones at every call: 16 a
 * box, fewer from 4,096 boxes on, and of more than 65,536 boxes a sample, which the others take the average of.
 */
export function boxDepths(boxes: Boxes): BoxDepths {
  if (boxes.count === 0) return { depths: new Float64Array(0), maximum: 0 }
  return boxes.dimensions === 1 ? intervalDepths(boxes) : probedDepths(boxes)
}

function intervalDepths({ count, lower, upper }: Boxes): BoxDepths {
  const ends = distinctSorted(lower, upper)
  const changes = new Int32Array(ends.length + 1)
  const first = Uint32Array.from(lower, (end) => lowerBound(ends, end))
  const last = Uint32Array.from(upper, (end) => lowerBound(ends, end))
  for (let box = 0; box < count; box++) {
    changes[first[box]!]! += 1
    changes[last[box]!]! -= 1
  }
  let depth = 0
  let maximum = 1
  const areas = new Float64Array(Math.max(0, ends.length - 1))
  for (let i = 0; i < areas.length; i++) {
    depth += changes[i]!
    maximum = Math.max(maximum, depth)
    areas[i] = depth * (ends[i + 1]! - ends[i]!)
  }
  const sums = new SumTree(areas)
  const depths = Float64Array.from(lower, (from, box) => Math.max(1, sums.between(first[box]!, last[box]!) / (upper[box]! - from)))
  return { depths, maximum }
}

function distinctSorted(a: Float64Array, b: Float64Array): Float64Array {
  const all = new Float64Array(a.length + b.length)
  all.set(a)
  all.set(b, a.length)
  all.sort()
  let kept = 0
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) all[kept++] = all[i]!
  return all.subarray(0, kept)
}

/** Sums of ranges by adding alone: differences of running totals would lose ranges that are small beside the whole. */
class SumTree {
  readonly #size: number
  readonly #sums: Float64Array

  constructor(values: Float64Array) {
    this.#size = values.length
    this.#sums = new Float64Array(2 * values.length)
    this.#sums.set(values, this.#size)
    for (let i = this.#size - 1; i > 0; i--) this.#sums[i] = this.#sums[2 * i]! + this.#sums[2 * i + 1]!
  }

  /** The sum of the values from `from` up to, but without, `to`. */
  between(from: number, to: number): number {
    let sum = 0
    for (let [low, high] = [from + this.#size, to + this.#size]; low < high; low >>= 1, high >>= 1) {
      if ((low & 1) === 1) sum += this.#sums[low++]!
      if ((high & 1) === 1) sum += this.#sums[--high]!
    }
    return sum
  }
}

const PROBES = 65_536
const PROBES_OF_A_BOX = 16

function probedDepths(boxes: Boxes): BoxDepths {
  const { count } = boxes
  const tree = new BoxTree(boxes)
  const perBox = Math.max(1, Math.min(PROBES_OF_A_BOX, Math.floor(PROBES / count)))
  const stride = Math.max(1, Math.ceil(count / PROBES))
  const depths = new Float64Array(count)
  let maximum = 1
  let sum = 0
  for (let box = 0; box < count; box += stride) {
    for (const point of probesOf(boxes, box, perBox)) {
      const depth = Math.max(1, tree.countAt(point))
      maximum = Math.max(maximum, depth)
      depths[box]! += depth / perBox
    }
    sum += depths[box]!
  }
  const average = sum / Math.ceil(count / stride)
  if (stride > 1) for (let box = 0; box < count; box++) if (box % stride !== 0) depths[box] = average
  return { depths, maximum }
}

/** Points spread evenly in a box: an additive recurrence by powers of the generalised golden ratio. Source: M. Roberts, R-sequences */
export function* probesOf({ dimensions, lower, upper }: Boxes, box: number, probes: number): Generator<Float64Array> {
  const ratio = goldenRatio(dimensions)
  for (let i = 0; i < probes; i++) {
    const point = new Float64Array(dimensions)
    for (let d = 0; d < dimensions; d++) {
      const [from, to] = [lower[box * dimensions + d]!, upper[box * dimensions + d]!]
      point[d] = Math.min(to, from + (to - from) * unitPlace(i, d, ratio))
    }
    yield point
  }
}

/** The place of point `i` in dimension `d` of a sequence that fills the unit cube evenly; 0.5 for the first. */
export function unitPlace(i: number, d: number, ratio: number): number {
  const place = 0.5 + i * ratio ** -(d + 1)
  return place - Math.floor(place)
}

/** The positive solution of x^(d+1) = x + 1. */
export function goldenRatio(dimensions: number): number {
  let ratio = 2
  for (let i = 0; i < 40; i++) ratio = (1 + ratio) ** (1 / (dimensions + 1))
  return ratio
}
