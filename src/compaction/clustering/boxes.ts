import type { ClusteredFile } from './clustered-file.js'
import type { ClusteringOrder } from './clustering-order.js'
import { readAxis, spread, unitIn } from './axis.js'
import type { Axis } from './axis.js'

/**
 * Files as boxes of numbers, closed on all sides. Two boxes meet exactly when the files hold values between each other's bounds: a
 * bound alone that they share is not enough.
 */
export interface Boxes {
  readonly dimensions: number
  readonly count: number
  /** By box, where its file is among those that were asked for; ascending. */
  readonly files: Int32Array
  /** `dimensions` numbers a box. */
  readonly lower: Float64Array
  readonly upper: Float64Array
}

export interface FileBoxes {
  readonly boxes: Boxes
  /** Files that cannot be told better apart: they have one value in every term. Where they are among those asked for. */
  readonly constant: readonly number[]
  /** Files with a term whose bounds are not known. */
  readonly unbounded: readonly number[]
}

/** The boxes of files of one partition. */
export function fileBoxes(files: readonly ClusteredFile[], order: ClusteringOrder): FileBoxes {
  const axes = order.terms.map((term) => readAxis(files, term)).filter(({ values, lower }) => values.length !== 1 || lower.includes(-1))
  if (axes.length === 0) return { boxes: emptyBoxes(1), constant: files.map((_, file) => file), unbounded: [] }
  return order.type !== 'linear' || axes.length === 1 ? plainBoxes(axes) : linearBoxes(axes)
}

function emptyBoxes(dimensions: number): Boxes {
  return { dimensions, count: 0, files: new Int32Array(0), lower: new Float64Array(0), upper: new Float64Array(0) }
}

function plainBoxes(axes: readonly Axis[]): FileBoxes {
  const total = axes[0]!.lower.length
  const files: number[] = []
  const constant: number[] = []
  const unbounded: number[] = []
  for (let file = 0; file < total; file++) {
    if (axes.some(({ lower }) => lower[file]! < 0)) unbounded.push(file)
    else if (axes.every(({ lower, upper }) => lower[file] === upper[file])) constant.push(file)
    else files.push(file)
  }
  const dimensions = axes.length
  const lower = new Float64Array(files.length * dimensions)
  const upper = new Float64Array(files.length * dimensions)
  files.forEach((file, box) => {
    axes.forEach((axis, dimension) => {
      const [low, high] = [axis.positions[axis.lower[file]!]!, axis.positions[axis.upper[file]!]!]
      lower[box * dimensions + dimension] = low === high ? low : low + unitIn(low)
      upper[box * dimensions + dimension] = low === high ? high : high - unitIn(high)
    })
  })
  return { boxes: { dimensions, count: files.length, files: Int32Array.from(files), lower, upper }, constant, unbounded }
}

/** One end of a file's values in a linear order: places on the axes, up to the first on which the file has more than one value. */
type End = readonly number[]

/** After all that has the places before it, and before all that has them. */
const [AFTER, BEFORE] = [Infinity, -Infinity]

/**
 * Files in a sort order as intervals. Beyond the first term that has several values the order of a file's ends is not known; so the
 * interval is that between its bounds in that term, bounds left out.
 */
function linearBoxes(axes: readonly Axis[]): FileBoxes {
  const total = axes[0]!.lower.length
  const files: number[] = []
  const constant: number[] = []
  const unbounded: number[] = []
  const ends: End[] = []
  for (let file = 0; file < total; file++) {
    if (axes[0]!.lower[file]! < 0) unbounded.push(file)
    else {
      const interval = intervalOf(axes, file)
      if (interval === undefined) constant.push(file)
      else {
        files.push(file)
        ends.push(...interval)
      }
    }
  }
  const positions = positionsOf(ends, axes[0]!)
  const lower = positions.filter((_, end) => end % 2 === 0)
  const upper = positions.filter((_, end) => end % 2 === 1)
  return { boxes: { dimensions: 1, count: files.length, files: Int32Array.from(files), lower, upper }, constant, unbounded }
}

/** Undefined for a file of one value in every term. */
function intervalOf(axes: readonly Axis[], file: number): readonly [End, End] | undefined {
  const shared: number[] = []
  for (const { lower, upper } of axes) {
    const [low, high] = [lower[file]!, upper[file]!]
    if (low < 0) return [[...shared, BEFORE], [...shared, AFTER]]
    if (low < high) return [[...shared, low, AFTER], [...shared, high, BEFORE]]
    shared.push(low)
  }
  return undefined
}

function positionsOf(ends: readonly End[], { positions }: Axis): Float64Array {
  const order = Uint32Array.from(ends.keys()).sort((a, b) => compareEnds(ends[a]!, ends[b]!))
  const distinct: number[] = []
  const places = new Uint32Array(ends.length)
  order.forEach((end, at) => {
    if (at === 0 || compareEnds(ends[order[at - 1]!]!, ends[end]!) !== 0) distinct.push(positions[ends[end]![0]!]!)
    places[end] = distinct.length - 1
  })
  const numbers = spread(Float64Array.from(distinct))
  return Float64Array.from(places, (place) => numbers[place]!)
}

/** Where one end is a beginning of the other, both would have gone on alike: they never differ in length alone. */
function compareEnds(a: End, b: End): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1
  }
  return a.length - b.length
}
