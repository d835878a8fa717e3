import type { Boxes } from './boxes.js'

const LEAF_BOXES = 8

/**
 * A tree over boxes that tells how many hold a point, and which meet a box. Every node knows the box around its boxes, and what all
 * of them have in common: a point in there is in each of them, and none is looked at.
 */
export class BoxTree {
  readonly #boxes: Boxes
  /** The boxes, those of a node next to each other. */
  readonly #order: Int32Array
  readonly #nodes: Node[] = []

  constructor(boxes: Boxes) {
    this.#boxes = boxes
    this.#order = Int32Array.from({ length: boxes.count }, (_, box) => box)
    if (boxes.count > 0) this.#build(0, boxes.count, boxCentres(boxes))
  }

  /** How many boxes hold a point. */
  countAt(point: ArrayLike<number>): number {
    let count = 0
    const pending = this.#boxes.count === 0 ? [] : [0]
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      const node = this.#nodes[at]!
      if (!holds(node.outer, point)) continue
      if (holds(node.inner, point)) count += node.end - node.start
      else if (node.left >= 0) pending.push(node.left, node.right)
      else for (let i = node.start; i < node.end; i++) count += this.#boxHolds(this.#order[i]!, point) ? 1 : 0
    }
    return count
  }

  /** The groups of boxes that hang together by meeting one another, each ascending, in the order of their first boxes. */
  components(): number[][] {
    const { count } = this.#boxes
    const isLeft = new Uint8Array(count).fill(1)
    const left = Int32Array.from(this.#nodes, ({ start, end }) => end - start)
    const groups: number[][] = []
    for (let first = 0; first < count; first++) {
      if (isLeft[first] === 0) continue
      const group: number[] = []
      const pending = [first]
      this.#take(first, isLeft, left)
      for (let box = pending.pop(); box !== undefined; box = pending.pop()) {
        group.push(box)
        for (const other of this.#meeting(box, isLeft, left)) {
          this.#take(other, isLeft, left)
          pending.push(other)
        }
      }
      groups.push(group.sort((a, b) => a - b))
    }
    return groups
  }

  /** Boxes that are left and meet one. */
  #meeting(box: number, isLeft: Uint8Array, left: Int32Array): number[] {
    const { dimensions, lower, upper } = this.#boxes
    const met: number[] = []
    const from = box * dimensions
    const pending = [0]
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      const node = this.#nodes[at]!
      if (left[at] === 0 || !meets(node.outer, lower, upper, from)) continue
      if (node.left >= 0) {
        pending.push(node.right, node.left)
        continue
      }
      for (let i = node.start; i < node.end; i++) {
        const other = this.#order[i]!
        if (isLeft[other] === 1 && this.#boxesMeet(box, other)) met.push(other)
      }
    }
    return met
  }

  #take(box: number, isLeft: Uint8Array, left: Int32Array): void {
    isLeft[box] = 0
    for (let at = this.#leafOf![box]!; at >= 0; at = this.#nodes[at]!.parent) left[at]! -= 1
  }

  #leafOf: Int32Array | undefined

  #build(start: number, end: number, centres: Float64Array): void {
    this.#leafOf = new Int32Array(this.#boxes.count)
    const pending: [start: number, end: number, parent: number, isLeft: boolean][] = [[start, end, -1, false]]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [from, to, parent, isLeft] = next
      const node = this.#nodeOf(from, to, parent)
      const at = this.#nodes.push(node) - 1
      if (parent >= 0) this.#nodes[parent]![isLeft ? 'left' : 'right'] = at
      if (to - from <= LEAF_BOXES) {
        for (let i = from; i < to; i++) this.#leafOf[this.#order[i]!] = at
        continue
      }
      const { dimensions } = this.#boxes
      const widest = widestDimension(this.#order.subarray(from, to), centres, dimensions)
      const key = (box: number): number => centres[box * dimensions + widest]!
      this.#order.subarray(from, to).sort((a, b) => compareNumbers(key(a), key(b), a, b))
      const middle = (from + to) >> 1
      // A node's number is its place in the list, so the left one is made first.
      pending.push([middle, to, at, false], [from, middle, at, true])
    }
  }

  #nodeOf(start: number, end: number, parent: number): Node {
    const { dimensions, lower, upper } = this.#boxes
    const outer = new Float64Array(2 * dimensions)
    const inner = new Float64Array(2 * dimensions)
    for (let d = 0; d < dimensions; d++) {
      let [least, most, lastStart, firstEnd] = [Infinity, -Infinity, -Infinity, Infinity]
      for (let i = start; i < end; i++) {
        const at = this.#order[i]! * dimensions + d
        least = Math.min(least, lower[at]!)
        most = Math.max(most, upper[at]!)
        lastStart = Math.max(lastStart, lower[at]!)
        firstEnd = Math.min(firstEnd, upper[at]!)
      }
      outer.set([least, most], 2 * d)
      inner.set([lastStart, firstEnd], 2 * d)
    }
    return { start, end, parent, outer, inner, left: -1, right: -1 }
  }

  #boxHolds(box: number, point: ArrayLike<number>): boolean {
    const { dimensions, lower, upper } = this.#boxes
    for (let d = 0; d < dimensions; d++) {
      const at = box * dimensions + d
      if (point[d]! < lower[at]! || point[d]! > upper[at]!) return false
    }
    return true
  }

  #boxesMeet(a: number, b: number): boolean {
    const { dimensions, lower, upper } = this.#boxes
    for (let d = 0; d < dimensions; d++) {
      const [i, j] = [a * dimensions + d, b * dimensions + d]
      if (lower[i]! > upper[j]! || lower[j]! > upper[i]!) return false
    }
    return true
  }
}

interface Node {
  readonly start: number
  readonly end: number
  readonly parent: number
  /** Lower and upper side by dimension: of the box around all. */
  readonly outer: Float64Array
  /** The same of what all have in common; empty, lower above upper, when that is nothing. */
  readonly inner: Float64Array
  /** -1 in a leaf. */
  left: number
  right: number
}

function holds(sides: Float64Array, point: ArrayLike<number>): boolean {
  for (let d = 0; 2 * d < sides.length; d++) {
    if (point[d]! < sides[2 * d]! || point[d]! > sides[2 * d + 1]!) return false
  }
  return true
}

function meets(sides: Float64Array, lower: Float64Array, upper: Float64Array, from: number): boolean {
  for (let d = 0; 2 * d < sides.length; d++) {
    if (lower[from + d]! > sides[2 * d + 1]! || upper[from + d]! < sides[2 * d]!) return false
  }
  return true
}

/** The order of two numbers, and of the places of two that are the same. */
export function compareNumbers(a: number, b: number, placeOfA: number, placeOfB: number): number {
  return a === b ? placeOfA - placeOfB : a - b
}

/** The middles of boxes, each dimension on the scale of the whole. */
export function boxCentres({ dimensions, count, lower, upper }: Boxes): Float64Array {
  const centres = new Float64Array(count * dimensions)
  for (let d = 0; d < dimensions; d++) {
    let [least, most] = [Infinity, -Infinity]
    for (let at = d; at < centres.length; at += dimensions) {
      least = Math.min(least, lower[at]!)
      most = Math.max(most, upper[at]!)
    }
    const extent = most > least ? most - least : 1
    for (let at = d; at < centres.length; at += dimensions) {
      centres[at] = ((lower[at]! - least) / extent + (upper[at]! - least) / extent) / 2
    }
  }
  return centres
}

/** The dimension in which the middles of some boxes lie widest apart. */
export function widestDimension(boxes: ArrayLike<number>, centres: Float64Array, dimensions: number): number {
  let [widest, width] = [0, -1]
  for (let d = 0; d < dimensions; d++) {
    let [least, most] = [Infinity, -Infinity]
    for (let i = 0; i < boxes.length; i++) {
      const centre = centres[boxes[i]! * dimensions + d]!
      least = Math.min(least, centre)
      most = Math.max(most, centre)
    }
    if (most - least > width) [widest, width] = [d, most - least]
  }
  return widest
}
