/** Union, intersection and difference of two containers. Operands stay as they are; results may share their values. */
import {
  ARRAY, BITMAP, BITMAP_WORDS, clearBits, Container, countBits, efficientRuns, lowerBound, MAX_ARRAY_VALUES, popCount, RUNS, setBits,
  setInBitmap, toArray, toBitmap,
} from './roaring-container.js'
import type { UnionKernel } from './roaring-union.js'

const FULL_CARDINALITY = 65_536
/** From this ratio of sizes on, the larger array is searched rather than walked. */
const GALLOP_RATIO = 32

/** With a `kernel`, the values of the result may come when that finishes. */
export function unionContainers(a: Container, b: Container, kernel?: UnionKernel): Container {
  if (a.cardinality === FULL_CARDINALITY) return a.share()
  if (b.cardinality === FULL_CARDINALITY) return b.share()
  if (a.kind === BITMAP) return fullAsRun(addToBitmap(toBitmap(a), b))
  if (b.kind === BITMAP) return fullAsRun(addToBitmap(toBitmap(b), a))
  if (a.kind !== b.kind) return efficientRuns(uniteRuns(asRuns(a), asRuns(b)))
  if (a.kind === RUNS) return kernel?.takesRuns(a, b) === true ? kernel.uniteRuns(a, b) : efficientRuns(uniteRuns(a, b))
  return kernel?.takesArrays(a, b) === true ? kernel.uniteArrays(a, b) : uniteArrays(a, b)
}

/** Adds to `target` what `other` has, in place. */
export function addContainer(target: Container, other: Container): void {
  if (target.kind === BITMAP && target.cardinality !== FULL_CARDINALITY && other.cardinality !== FULL_CARDINALITY) {
    target.own(0)
    target.become(fullAsRun(addToBitmap(target, other)))
  } else target.become(unionContainers(target, other))
}

/** Adds the values `first` to `last` in place. Source: Java `ArrayContainer`, `BitmapContainer` and `RunContainer.iadd` */
export function addRangeToContainer(target: Container, first: number, last: number): void {
  if (first === last) target.add(first)
  else if (target.kind === BITMAP) {
    target.own(0)
    addRunToBitmap(target, first, last)
  } else {
    const range = Container.runs(Uint16Array.of(first, last - first), 1, last - first + 1)
    if (target.kind === RUNS) target.become(uniteRuns(target, range))
    else {
      const overlap = target.rank(last) - (first === 0 ? 0 : target.rank(first - 1))
      const cardinality = target.cardinality + range.cardinality - overlap
      if (cardinality > MAX_ARRAY_VALUES) target.become(addToBitmap(toBitmap(target), range))
      else target.become(uniteArrays(target, toArray(range)))
    }
  }
}

/** `undefined`: they have nothing in common. */
export function intersectContainers(a: Container, b: Container): Container | undefined {
  if (a.cardinality === FULL_CARDINALITY) return b.share()
  if (b.cardinality === FULL_CARDINALITY) return a.share()
  if (a.kind === ARRAY && b.kind === ARRAY) return nonEmpty(intersectArrays(a, b))
  if (a.kind === ARRAY) return nonEmpty(filterArray(a, b, true))
  if (b.kind === ARRAY) return nonEmpty(filterArray(b, a, true))
  if (a.kind === RUNS && b.kind === RUNS) return nonEmpty(efficientRuns(intersectRuns(a, b)))
  return a.kind === RUNS ? keepRuns(toBitmap(b), a) : b.kind === RUNS ? keepRuns(toBitmap(a), b) : andBitmaps(a, b)
}

/** What `a` has and `b` has not; `undefined` when that is nothing. */
export function subtractContainers(a: Container, b: Container): Container | undefined {
  if (b.cardinality === FULL_CARDINALITY) return undefined
  if (a.kind === ARRAY) return nonEmpty(filterArray(a, b, false))
  const result = toBitmap(a)
  const { words } = result
  if (b.kind === BITMAP) for (let i = 0; i < BITMAP_WORDS; i++) words[i]! &= ~b.words[b.wordStart + i]!
  else if (b.kind === RUNS) {
    for (let at = b.start, end = b.start + 2 * b.runCount; at < end; at += 2) {
      clearBits(words, b.values[at]!, b.values[at]! + b.values[at + 1]!)
    }
  } else {
    for (let at = b.start, end = b.start + b.cardinality; at < end; at++) {
      const value = b.values[at]!
      words[value >>> 5]! &= ~(1 << (value & 31))
    }
  }
  return recounted(result)
}

export function equalContainers(a: Container, b: Container): boolean {
  if (a.cardinality !== b.cardinality) return false
  if (a.kind === ARRAY && b.kind === ARRAY) {
    for (let i = 0; i < a.cardinality; i++) if (a.values[a.start + i] !== b.values[b.start + i]) return false
    return true
  }
  const left = a.kind === BITMAP ? a : toBitmap(a)
  const right = b.kind === BITMAP ? b : toBitmap(b)
  for (let i = 0; i < BITMAP_WORDS; i++) if (left.words[left.wordStart + i] !== right.words[right.wordStart + i]) return false
  return true
}

function nonEmpty(container: Container): Container | undefined {
  return container.cardinality === 0 ? undefined : container
}

function fullAsRun(container: Container): Container {
  return container.cardinality === FULL_CARDINALITY ? Container.range(0, FULL_CARDINALITY - 1) : container
}

/** A bitmap whose bits were changed, in the kind its size asks for. */
function recounted(container: Container): Container | undefined {
  container.cardinality = countBits(container.words, container.wordStart)
  return container.cardinality <= MAX_ARRAY_VALUES ? nonEmpty(toArray(container)) : container
}

/** Changes `target`, a bitmap of its own, and returns it. */
function addToBitmap(target: Container, other: Container): Container {
  const { words, wordStart } = target
  if (other.kind === BITMAP) {
    const { words: otherWords, wordStart: otherStart } = other
    let count = 0
    for (let i = 0; i < BITMAP_WORDS; i++) {
      const word = words[wordStart + i]! | otherWords[otherStart + i]!
      words[wordStart + i] = word
      count += popCount(word)
    }
    target.cardinality = count
  } else if (other.kind === ARRAY) {
    let added = 0
    for (let at = other.start, end = other.start + other.cardinality; at < end; at++) {
      const value = other.values[at]!
      const index = wordStart + (value >>> 5)
      const word = words[index]!
      added += 1 - ((word >>> (value & 31)) & 1)
      words[index] = word | (1 << (value & 31))
    }
    target.cardinality += added
  } else {
    for (let at = other.start, end = other.start + 2 * other.runCount; at < end; at += 2) {
      addRunToBitmap(target, other.values[at]!, other.values[at]! + other.values[at + 1]!)
    }
  }
  return target
}

function addRunToBitmap(target: Container, first: number, last: number): void {
  const words = target.words.subarray(target.wordStart, target.wordStart + BITMAP_WORDS)
  const before = countBits(words, 0, last) - (first === 0 ? 0 : countBits(words, 0, first - 1))
  setBits(words, first, last)
  target.cardinality += last - first + 1 - before
}

function uniteArrays(a: Container, b: Container): Container {
  const length = a.cardinality + b.cardinality
  if (length > MAX_ARRAY_VALUES) {
    const words = new Uint32Array(BITMAP_WORDS)
    setInBitmap(a, words)
    const united = addToBitmap(Container.bitmap(words, a.cardinality), b)
    return united.cardinality <= MAX_ARRAY_VALUES ? toArray(united) : united
  }
  const values = new Uint16Array(length)
  const [left, right] = [a.values, b.values]
  let [i, j] = [a.start, b.start]
  const [iEnd, jEnd] = [i + a.cardinality, j + b.cardinality]
  let end = 0
  while (i < iEnd && j < jEnd) {
    const value = right[j]!
    const difference = left[i]! - value
    values[end++] = value + (difference & (difference >> 31))
    i += (difference - 1) >>> 31
    j += (-difference - 1) >>> 31
  }
  for (; i < iEnd; i++) values[end++] = left[i]!
  for (; j < jEnd; j++) values[end++] = right[j]!
  return Container.array(values, end)
}

function asRuns(container: Container): Container {
  if (container.kind === RUNS) return container
  const pairs = new Uint16Array(2 * container.cardinality)
  for (let i = 0; i < container.cardinality; i++) pairs[2 * i] = container.values[container.start + i]!
  return Container.runs(pairs, container.cardinality, container.cardinality)
}

/** Runs that may touch become runs that do not. */
function uniteRuns(a: Container, b: Container): Container {
  const pairs = new Uint16Array(2 * (a.runCount + b.runCount))
  let [i, j] = [a.start, b.start]
  const [iEnd, jEnd] = [i + 2 * a.runCount, j + 2 * b.runCount]
  let at = -2
  let runLast = -2
  let cardinality = 0
  while (i < iEnd || j < jEnd) {
    const takesLeft = j === jEnd || (i < iEnd && a.values[i]! <= b.values[j]!)
    const first = takesLeft ? a.values[i]! : b.values[j]!
    const last = first + (takesLeft ? a.values[i + 1]! : b.values[j + 1]!)
    if (takesLeft) i += 2
    else j += 2
    if (first > runLast + 1) {
      pairs[at += 2] = first
      cardinality += last - first + 1
    } else if (last > runLast) cardinality += last - runLast
    else continue
    runLast = last
    pairs[at + 1] = last - pairs[at]!
  }
  return Container.runs(pairs, (at + 2) / 2, cardinality)
}

function intersectRuns(a: Container, b: Container): Container {
  const pairs = new Uint16Array(2 * (a.runCount + b.runCount))
  let [i, j] = [a.start, b.start]
  const [iEnd, jEnd] = [i + 2 * a.runCount, j + 2 * b.runCount]
  let count = 0
  let cardinality = 0
  while (i < iEnd && j < jEnd) {
    const aLast = a.values[i]! + a.values[i + 1]!
    const bLast = b.values[j]! + b.values[j + 1]!
    const first = Math.max(a.values[i]!, b.values[j]!)
    const last = Math.min(aLast, bLast)
    if (first <= last) {
      pairs[count++] = first
      pairs[count++] = last - first
      cardinality += last - first + 1
    }
    if (aLast <= bLast) i += 2
    if (bLast <= aLast) j += 2
  }
  return Container.runs(pairs, count / 2, cardinality)
}

function intersectArrays(a: Container, b: Container): Container {
  const [small, large] = a.cardinality <= b.cardinality ? [a, b] : [b, a]
  if (large.cardinality > GALLOP_RATIO * small.cardinality) return searchArray(small, large)
  const values = new Uint16Array(small.cardinality)
  const [left, right] = [a.values, b.values]
  let [i, j] = [a.start, b.start]
  const [iEnd, jEnd] = [i + a.cardinality, j + b.cardinality]
  let count = 0
  while (i < iEnd && j < jEnd) {
    const difference = left[i]! - right[j]!
    if (difference === 0) values[count++] = left[i]!
    i += (difference - 1) >>> 31
    j += (-difference - 1) >>> 31
  }
  return Container.array(values, count)
}

function searchArray(small: Container, large: Container): Container {
  const values = new Uint16Array(small.cardinality)
  const end = large.start + large.cardinality
  let from = large.start
  let count = 0
  for (let i = 0; i < small.cardinality && from < end; i++) {
    const value = small.values[small.start + i]!
    let step = 1
    while (from + step < end && large.values[from + step]! < value) step *= 2
    from = lowerBound(large.values, from + (step >>> 1), Math.min(from + step + 1, end), value)
    if (from < end && large.values[from] === value) values[count++] = value
  }
  return Container.array(values, count)
}

function filterArray(array: Container, other: Container, keep: boolean): Container {
  if (!keep && other.kind === ARRAY) return subtractArrays(array, other)
  const values = new Uint16Array(array.cardinality)
  let count = 0
  for (let at = array.start, end = array.start + array.cardinality; at < end; at++) {
    const value = array.values[at]!
    if (other.contains(value) === keep) values[count++] = value
  }
  return Container.array(values, count)
}

function subtractArrays(a: Container, b: Container): Container {
  const values = new Uint16Array(a.cardinality)
  let j = b.start
  const jEnd = j + b.cardinality
  let count = 0
  for (let i = a.start, iEnd = i + a.cardinality; i < iEnd; i++) {
    const value = a.values[i]!
    while (j < jEnd && b.values[j]! < value) j++
    if (j === jEnd || b.values[j] !== value) values[count++] = value
  }
  return Container.array(values, count)
}

function andBitmaps(a: Container, b: Container): Container | undefined {
  const result = toBitmap(a)
  for (let i = 0; i < BITMAP_WORDS; i++) result.words[i]! &= b.words[b.wordStart + i]!
  return recounted(result)
}

/** Clears the bits between the runs. */
function keepRuns(bitmap: Container, runs: Container): Container | undefined {
  let next = 0
  for (let at = runs.start, end = runs.start + 2 * runs.runCount; at < end; at += 2) {
    const first = runs.values[at]!
    if (first > next) clearBits(bitmap.words, next, first - 1)
    next = first + runs.values[at + 1]! + 1
  }
  if (next < FULL_CARDINALITY) clearBits(bitmap.words, next, FULL_CARDINALITY - 1)
  return recounted(bitmap)
}
