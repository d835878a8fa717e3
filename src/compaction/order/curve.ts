import { FloeError } from '../../util/errors.js'

/** Columns of a curve, at most. */
export const MAX_CURVE_COLUMNS = 16

/**
 * How the coordinates of a curve go into words of 32 bits: level by level from the most significant, one bit of each coordinate a level,
 * the first column's bit on top; as many whole levels as fit into a word. Words are compared from the first on.
 */
export interface CurveShape {
  readonly columns: number
  /** Bits of each coordinate. */
  readonly levels: number
  /** Levels in each word. Their sum is `levels`. */
  readonly wordLevels: readonly number[]
}

/** More tell no rows apart that a sample of some ten thousand rows could. */
const MAX_LEVELS = 16

/** The shape of keys of `words` words, one or two. */
export function curveShape(columns: number, words: 1 | 2): CurveShape {
  if (columns < 1 || columns > MAX_CURVE_COLUMNS) {
    throw new FloeError('INVALID', `A curve takes 1 to ${MAX_CURVE_COLUMNS} columns, not ${columns}: the first few are the ones that count`)
  }
  const perWord = Math.floor(32 / columns)
  const levels = Math.min(MAX_LEVELS, perWord * words)
  return { columns, levels, wordLevels: levels <= perWord ? [levels] : [perWord, levels - perWord] }
}

/** The place of each row on the Z-order curve: the bits of its coordinates, which have `levels` bits, in turn. */
export function zOrderWords(coordinates: readonly Uint32Array[], { columns, levels, wordLevels }: CurveShape): Uint32Array[] {
  const spread = spreadTable(columns)
  let below = levels
  return wordLevels.map((inWord) => {
    below -= inWord
    const word = new Uint32Array(coordinates[0]!.length)
    for (const [column, values] of coordinates.entries()) {
      interleave(word, values, { spread, shift: below, mask: 2 ** inWord - 1, columns, place: columns - 1 - column })
    }
    return word
  })
}

interface Interleaving {
  readonly spread: Uint32Array
  readonly shift: number
  readonly mask: number
  readonly columns: number
  readonly place: number
}

function interleave(word: Uint32Array, values: Uint32Array, { spread, shift, mask, columns, place }: Interleaving): void {
  // With more than three columns there are no more than eight levels in a word, and nothing in the upper byte
  const upper = columns > 3 ? 0 : columns * 8
  for (let row = 0; row < word.length; row++) {
    const bits = (values[row]! >>> shift) & mask
    word[row]! |= (spread[bits & 255]! | (spread[bits >>> 8]! << upper)) << place
  }
}

/** For each byte its bits, `columns` places apart. */
function spreadTable(columns: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let spread = 0
    for (let bit = 0; bit < 8 && bit * columns < 32; bit++) spread |= ((byte >> bit) & 1) << (bit * columns)
    return spread
  })
}

/**
 * The place of each row on the Hilbert curve, from its place on the Z-order curve, in place. Neighbours on the curve differ by one step in
 * one coordinate. Source: Hamilton, Compact Hilbert Indices (Dalhousie University, CS-2006-07), section 2
 */
export function hilbertWords(words: readonly Uint32Array[], { columns, wordLevels }: CurveShape): void {
  const states = columns <= LARGEST_TABLE ? tableSteps(columns) : undefined
  const rows = words[0]!.length
  const cells = new Uint32Array(rows)
  for (const [i, word] of words.entries()) {
    if (states === undefined) computeSteps(word, cells, columns, wordLevels[i]!)
    else lookUpSteps(word, cells, states, wordLevels[i]!)
  }
}

/** With more columns than these, a table of all states would not stay in the processor's cache. */
const LARGEST_TABLE = 6

/** Which way the curve runs through a cell: its entry, a corner as one bit a column, and the axis along which it leaves. */
interface Step {
  readonly digit: number
  readonly entry: number
  readonly axis: number
}

/** One level: the place of corner `corner` among those of the cell, and how the curve runs within. */
function hilbertStep(corner: number, entry: number, axis: number, columns: number): Step {
  const mask = 2 ** columns - 1
  const digit = grayInverse(rotateRight((corner ^ entry) & mask, axis + 1, columns))
  const turned = digit === 0 ? 0 : gray((digit - 1) & ~1)
  const direction = digit === 0 ? 0 : trailingOnes(digit % 2 === 0 ? digit - 1 : digit) % columns
  return { digit, entry: entry ^ rotateLeft(turned, axis + 1, columns), axis: (axis + direction + 1) % columns }
}

/** Steps of one and of several levels: for each state and the corners of the levels, the next state above 16 bits of digits. */
interface StepTables {
  readonly columns: number
  readonly single: Uint32Array
  readonly several: Uint32Array
  /** Levels that a step of {@link several} takes. */
  readonly stride: number
}

const tables = new Map<number, StepTables>()

function tableSteps(columns: number): StepTables {
  let steps = tables.get(columns)
  if (steps === undefined) {
    steps = makeTables(columns)
    tables.set(columns, steps)
  }
  return steps
}

function makeTables(columns: number): StepTables {
  const corners = 2 ** columns
  const states: Pick<Step, 'entry' | 'axis'>[] = [{ entry: 0, axis: 0 }]
  const numbers = new Map([[0, 0]])
  const single: number[] = []
  // States are numbered as they are met; the loop ends when none is new
  for (let state = 0; state < states.length; state++) {
    for (let corner = 0; corner < corners; corner++) {
      const { digit, entry, axis } = hilbertStep(corner, states[state]!.entry, states[state]!.axis, columns)
      const name = entry * columns + axis
      if (!numbers.has(name)) numbers.set(name, states.push({ entry, axis }) - 1)
      single.push((numbers.get(name)! << 16) | digit)
    }
  }
  const stride = Math.max(1, Math.floor(8 / columns))
  const several = new Uint32Array(states.length * 2 ** (columns * stride))
  for (let at = 0; at < several.length; at++) {
    let state = at >>> (columns * stride)
    let digits = 0
    for (let level = stride - 1; level >= 0; level--) {
      const step = single[state * corners + ((at >>> (level * columns)) & (corners - 1))]!
      digits = (digits << columns) | (step & 0xffff)
      state = step >>> 16
    }
    several[at] = (state << 16) | digits
  }
  return { columns, single: Uint32Array.from(single), several, stride }
}

/** Turns the corners in a word into digits, and the states before them into those behind. */
function lookUpSteps(word: Uint32Array, states: Uint32Array, { columns, single, several, stride }: StepTables, levels: number): void {
  const wide = columns * stride
  const cornerMask = 2 ** columns - 1
  const wideMask = 2 ** wide - 1
  const firstWide = levels - (levels % stride)
  for (let row = 0; row < word.length; row++) {
    const corners = word[row]!
    let state = states[row]!
    let digits = 0
    for (let level = levels - 1; level >= firstWide; level--) {
      const step = single[(state << columns) | ((corners >>> (level * columns)) & cornerMask)]!
      digits = (digits << columns) | (step & 0xffff)
      state = step >>> 16
    }
    for (let shift = firstWide * columns - wide; shift >= 0; shift -= wide) {
      const step = several[(state << wide) | ((corners >>> shift) & wideMask)]!
      digits = (digits << wide) | (step & 0xffff)
      state = step >>> 16
    }
    word[row] = digits
    states[row] = state
  }
}

/** As {@link lookUpSteps}, without a table: a state is its entry above eight bits of axis. */
function computeSteps(word: Uint32Array, states: Uint32Array, columns: number, levels: number): void {
  const mask = 2 ** columns - 1
  for (let row = 0; row < word.length; row++) {
    const corners = word[row]!
    let entry = states[row]! >>> 8
    let axis = states[row]! & 255
    let digits = 0
    for (let level = levels - 1; level >= 0; level--) {
      const step = hilbertStep((corners >>> (level * columns)) & mask, entry, axis, columns)
      digits = (digits << columns) | step.digit
      entry = step.entry
      axis = step.axis
    }
    word[row] = digits
    states[row] = (entry << 8) | axis
  }
}

function gray(value: number): number {
  return value ^ (value >>> 1)
}

function grayInverse(value: number): number {
  let result = value
  for (let shift = 1; shift < MAX_CURVE_COLUMNS; shift *= 2) result ^= result >>> shift
  return result
}

function trailingOnes(value: number): number {
  return 31 - Math.clz32(~value & (value + 1))
}

function rotateRight(value: number, by: number, columns: number): number {
  const turn = by % columns
  return ((value >>> turn) | (value << (columns - turn))) & (2 ** columns - 1)
}

function rotateLeft(value: number, by: number, columns: number): number {
  return rotateRight(value, columns - (by % columns), columns)
}
