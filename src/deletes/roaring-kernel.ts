/**
 * The innermost loops over containers, in WebAssembly: it counts bits with one instruction, reads unaligned pairs, and checks no
 * bounds, which take most of the time in the same loops in JavaScript. The module is put together here from expressions.
 * Source: WebAssembly Core Specification › Binary Format
 */

/** What the kernel does. All addresses are in bytes of its memory. */
export interface RoaringKernel {
  /** Its memory, which never grows. */
  readonly bytes: Uint8Array
  /** The same memory. */
  readonly values: Uint16Array
  /** How many bits of the bytes from 0 to `end`, a multiple of 64, are set. */
  countBits(end: number): number
  /** Not 0 when one of the values from `at` to `end` is not larger than the one before. */
  findDisorder(at: number, end: number): number
  /**
   * How many values follow the first ones of the runs from `at` to `end`, of which there are some; -1 when a run touches or overlaps
   * the next, comes after it, or has values over 65,535.
   */
  measureRuns(at: number, end: number): number
  /**
   * Writes the values of two ascending arrays to `out`, and returns where they end. The arrays are `[i, iEnd)` and `[j, jEnd)`; all
   * values before `iMiddle` and `jMiddle` are below all after them.
   */
  uniteArrays(i: number, iMiddle: number, iEnd: number, j: number, jMiddle: number, jEnd: number, out: number): number
  /**
   * Writes the runs of two lists to `out`, which has room for two more, and returns where they end. Their values are counted at 0.
   * All runs before `iMiddle` and `jMiddle` begin below all after them.
   */
  uniteRuns(i: number, iMiddle: number, iEnd: number, j: number, jMiddle: number, jEnd: number, out: number): number
}

const PAGES = 2
type Code = readonly number[]

const get = (local: number): Code => [0x20, local]
const set = (local: number, value: Code): Code => [...value, 0x21, local]
const number = (value: number): Code => [0x41, ...signed(value)]
const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a]
const subtract = (a: Code, b: Code): Code => [...a, ...b, 0x6b]
const or = (a: Code, b: Code): Code => [...a, ...b, 0x72]
const shiftLeft = (a: Code, bits: number): Code => [...a, ...number(bits), 0x74]
const shiftRight = (a: Code, bits: number): Code => [...a, ...number(bits), 0x76]
const isLess = (a: Code, b: Code): Code => [...a, ...b, 0x48]
const isMore = (a: Code, b: Code): Code => [...a, ...b, 0x4a]
const isAtMost = (a: Code, b: Code): Code => [...a, ...b, 0x4c]
const isAtLeast = (a: Code, b: Code): Code => [...a, ...b, 0x4e]
const either = (condition: Code, yes: Code, no: Code): Code => [...yes, ...no, ...condition, 0x1b]
const load16 = (address: Code, offset = 0): Code => [...address, 0x2f, 1, offset]
const store16 = (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x3b, 1, offset]
const store32 = (address: Code, value: Code): Code => [...address, ...value, 0x36, 1, 0]
const load128 = (address: Code, offset = 0): Code => [...address, 0xfd, 0, 1, offset]
const store128 = (address: Code, value: Code): Code => [...address, ...value, 0xfd, 11, 1, 0]
/** Four 32-bit numbers at once, and the same one four times. */
const add4 = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xae, 1]
const subtract4 = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xb1, 1]
const shiftLeft4 = (a: Code, bits: number): Code => [...a, ...number(bits), 0xfd, 0xab, 1]
const shiftRight4 = (a: Code, bits: number): Code => [...a, ...number(bits), 0xfd, 0xad, 1]
const isMore4 = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x3b]
const splat4 = (a: Code): Code => [...a, 0xfd, 0x11]
const lane4 = (a: Code, lane: number): Code => [...a, 0xfd, 0x1b, lane]
const and128 = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x4e]
const or128 = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x50]
const isAny128 = (a: Code): Code => [...a, 0xfd, 0x53]
const copy = (to: Code, from: Code, length: Code): Code => [...to, ...from, ...length, 0xfc, 0x0a, 0, 0]
const call = (index: number, ...values: readonly Code[]): Code => [...values.flat(), 0x10, index]
/** Repeats `body` while no condition to leave holds. */
const repeatUnless = (conditions: readonly Code[], body: Code): Code =>
  [0x02, 0x40, 0x03, 0x40, ...conditions.flatMap((condition) => [...condition, 0x0d, 1]), ...body, 0x0c, 0, 0x0b, 0x0b]

const [COUNT_BITS, MERGE, UNITE_ARRAYS, UNITE_RUNS] = [0, 1, 2, 3] as const
const [FIND_DISORDER, MEASURE_RUNS, MERGE_RUNS, MAKE_LENGTHS] = [4, 5, 6, 7] as const

function countBitsCode(): Code {
  const [END, AT, SUM] = [0, 1, 2] as const
  const addWord = (offset: number): Code => [...get(SUM), ...get(AT), 0x29, 3, offset, 0x7b, 0x7c, 0x21, SUM]
  return [
    // Locals: one 32-bit, one 64-bit number
    2, 1, 0x7f, 1, 0x7e,
    ...repeatUnless([isAtLeast(get(AT), get(END))], [
      ...[0, 8, 16, 24, 32, 40, 48, 56].flatMap(addWord),
      ...set(AT, add(get(AT), number(64))),
    ]),
    ...get(SUM), 0xa7, 0x0b,
  ]
}

/** Compares eight values at once with their neighbours, and the last ones one by one. */
function findDisorderCode(): Code {
  const [AT, END, DISORDER, DISORDERS] = [0, 1, 2, 3] as const
  const next = add(get(AT), number(2))
  return [
    // Locals: one 32-bit number, one vector
    2, 1, 0x7f, 1, 0x7b,
    ...repeatUnless([isMore(add(get(AT), number(18)), get(END))], [
      // i16x8.ge_u
      ...set(DISORDERS, or128(get(DISORDERS), [...load128(get(AT)), ...load128(next), 0xfd, 0x36])),
      ...set(AT, add(get(AT), number(16))),
    ]),
    ...repeatUnless([isAtLeast(next, get(END))], [
      ...set(DISORDER, or(get(DISORDER), isAtLeast(load16(get(AT)), load16(next)))),
      ...set(AT, next),
    ]),
    ...or(get(DISORDER), isAny128(get(DISORDERS))), 0x0b,
  ]
}

/** Compares the ends of four runs at once with the beginnings of the next ones. */
function measureRunsCode(): Code {
  const [AT, END, DISORDER, SUM, RUNS, DISORDERS, SUMS] = [0, 1, 2, 3, 4, 5, 6] as const
  const next = add(get(AT), number(4))
  const last = add(load16(get(AT)), load16(get(AT), 2))
  return [
    // Locals: two 32-bit numbers, three vectors
    2, 2, 0x7f, 3, 0x7b,
    ...repeatUnless([isMore(add(get(AT), number(20)), get(END))], [
      ...set(RUNS, load128(get(AT))),
      ...set(SUMS, add4(get(SUMS), shiftRight4(get(RUNS), 16))),
      // A run is apart from the next when its last value and 1 are less than the next one's first
      ...set(DISORDERS, or128(get(DISORDERS), isMore4(
        add4(add4(and128(get(RUNS), splat4(number(0xffff))), shiftRight4(get(RUNS), 16)), splat4(number(2))),
        and128(load128(get(AT), 4), splat4(number(0xffff))),
      ))),
      ...set(AT, add(get(AT), number(16))),
    ]),
    ...repeatUnless([isAtLeast(next, get(END))], [
      ...set(DISORDER, or(get(DISORDER), isAtLeast(add(last, number(1)), load16(get(AT), 4)))),
      ...set(SUM, add(get(SUM), load16(get(AT), 2))),
      ...set(AT, next),
    ]),
    ...set(DISORDER, or(get(DISORDER), isMore(last, number(0xffff)))),
    ...set(SUM, add(get(SUM), load16(get(AT), 2))),
    ...either(or(get(DISORDER), isAny128(get(DISORDERS))), number(-1), add(get(SUM), sumOfLanes(SUMS))), 0x0b,
  ]
}

function sumOfLanes(vector: number): Code {
  return [...add(lane4(get(vector), 0), lane4(get(vector), 1)), ...lane4(get(vector), 2), 0x6a, ...lane4(get(vector), 3), 0x6a]
}

interface MergeLocals {
  readonly i: number
  readonly j: number
  readonly out: number
  readonly left: number
  readonly right: number
}

/** Writes the smaller of two values, and goes on in each array that has it. Nothing branches on what cannot be predicted. */
function mergeStep({ i, j, out, left, right }: MergeLocals): Code {
  return [
    ...set(left, load16(get(i))),
    ...set(right, load16(get(j))),
    ...store16(get(out), either(isLess(get(left), get(right)), get(left), get(right))),
    ...set(out, add(get(out), number(2))),
    ...set(i, either(isAtMost(get(left), get(right)), add(get(i), number(2)), get(i))),
    ...set(j, either(isAtMost(get(right), get(left)), add(get(j), number(2)), get(j))),
  ]
}

/** Merges `[i, iEnd)` and `[j, jEnd)` and returns where the values end. */
function mergeCode(): Code {
  const [I, I_END, J, J_END, OUT, LEFT, RIGHT] = [0, 1, 2, 3, 4, 5, 6] as const
  const copyRest = (from: number, end: number): Code => [
    ...copy(get(OUT), get(from), subtract(get(end), get(from))),
    ...set(OUT, add(get(OUT), subtract(get(end), get(from)))),
  ]
  return [
    1, 2, 0x7f,
    ...repeatUnless(
      [isAtLeast(get(I), get(I_END)), isAtLeast(get(J), get(J_END))],
      mergeStep({ i: I, j: J, out: OUT, left: LEFT, right: RIGHT }),
    ),
    ...copyRest(I, I_END),
    ...copyRest(J, J_END),
    ...get(OUT), 0x0b,
  ]
}

/** Merges what is below and what is above the middle side by side, so that neither waits for the other's loads. */
function uniteArraysCode(): Code {
  const [I, I_MIDDLE, I_END, J, J_MIDDLE, J_END, OUT] = [0, 1, 2, 3, 4, 5, 6] as const
  const [K, L, UPPER, MIDDLE, LEFT, RIGHT, UPPER_LEFT, UPPER_RIGHT] = [7, 8, 9, 10, 11, 12, 13, 14] as const
  return [
    1, 8, 0x7f,
    ...set(K, get(I_MIDDLE)),
    ...set(L, get(J_MIDDLE)),
    ...set(MIDDLE, add(get(OUT), add(subtract(get(I_MIDDLE), get(I)), subtract(get(J_MIDDLE), get(J))))),
    ...set(UPPER, get(MIDDLE)),
    ...repeatUnless(
      [isAtLeast(get(I), get(I_MIDDLE)), isAtLeast(get(J), get(J_MIDDLE)), isAtLeast(get(K), get(I_END)), isAtLeast(get(L), get(J_END))],
      [
        ...mergeStep({ i: I, j: J, out: OUT, left: LEFT, right: RIGHT }),
        ...mergeStep({ i: K, j: L, out: UPPER, left: UPPER_LEFT, right: UPPER_RIGHT }),
      ],
    ),
    ...set(OUT, call(MERGE, get(I), get(I_MIDDLE), get(J), get(J_MIDDLE), get(OUT))),
    ...set(UPPER, call(MERGE, get(K), get(I_END), get(L), get(J_END), get(UPPER))),
    // What both had leaves a gap before the upper half
    ...copy(get(OUT), get(MIDDLE), subtract(get(UPPER), get(MIDDLE))),
    ...add(get(OUT), subtract(get(UPPER), get(MIDDLE))), 0x0b,
  ]
}

interface MergeRunsLocals {
  readonly i: number
  readonly j: number
  /** The last run that was written. */
  readonly at: number
  readonly runLast: number
  /** The run to write; then its first value. */
  readonly from: number
  readonly last: number
}

/** Writes the run at `from` as its first and its last value, at a place that the next one takes too unless it is apart. */
function appendRun({ at, runLast, from, last }: MergeRunsLocals): Code {
  const first = from
  return [
    ...set(last, load16(get(from), 2)),
    ...set(first, load16(get(from))),
    ...set(last, add(get(first), get(last))),
    ...store16(get(at), get(first), 4),
    ...set(at, add(get(at), shiftLeft(isMore(subtract(get(first), number(1)), get(runLast)), 2))),
    ...set(runLast, either(isMore(get(last), get(runLast)), get(last), get(runLast))),
    ...store16(get(at), get(runLast), 2),
  ]
}

/** Appends the run that begins first, and goes on in the list that has it. */
function mergeRunsStep(locals: MergeRunsLocals): Code {
  const { i, j, from } = locals
  const takesLeft = locals.last
  return [
    ...set(takesLeft, isAtMost(load16(get(i)), load16(get(j)))),
    ...set(from, either(get(takesLeft), get(i), get(j))),
    ...set(takesLeft, shiftLeft(get(takesLeft), 2)),
    ...set(i, add(get(i), get(takesLeft))),
    ...set(j, subtract(add(get(j), number(4)), get(takesLeft))),
    ...appendRun(locals),
  ]
}

/** Appends `[i, iEnd)` and `[j, jEnd)` to the runs up to the one at `at`, whose last value is `runLast`, and returns the last run. */
function mergeRunsCode(): Code {
  const [I, I_END, J, J_END, AT, RUN_LAST, FROM, LAST] = [0, 1, 2, 3, 4, 5, 6, 7] as const
  const locals = { i: I, j: J, at: AT, runLast: RUN_LAST, from: FROM, last: LAST }
  const appendRest = (from: number, end: number): Code =>
    repeatUnless([isAtLeast(get(from), get(end))], [...set(FROM, get(from)), ...appendRun(locals), ...set(from, add(get(from), number(4)))])
  return [
    1, 2, 0x7f,
    ...repeatUnless([isAtLeast(get(I), get(I_END)), isAtLeast(get(J), get(J_END))], mergeRunsStep(locals)),
    ...appendRest(I, I_END),
    ...appendRest(J, J_END),
    ...get(AT), 0x0b,
  ]
}

/** Merges what begins below and above the middle side by side, as with arrays, and then makes lengths of the last values. */
function uniteRunsCode(): Code {
  const [I, I_MIDDLE, I_END, J, J_MIDDLE, J_END, OUT] = [0, 1, 2, 3, 4, 5, 6] as const
  const [K, L, AT, RUN_LAST, UPPER, UPPER_FIRST, UPPER_LAST, FROM, LAST] = [7, 8, 9, 10, 11, 12, 13, 14, 15] as const
  return [
    1, 9, 0x7f,
    ...set(K, get(I_MIDDLE)),
    ...set(L, get(J_MIDDLE)),
    ...set(AT, subtract(get(OUT), number(4))),
    // Behind what the lower half may write
    ...set(UPPER, add(get(OUT), add(subtract(get(I_MIDDLE), get(I)), subtract(get(J_MIDDLE), get(J))))),
    ...set(UPPER_FIRST, add(get(UPPER), number(4))),
    ...set(RUN_LAST, number(-2)),
    ...set(UPPER_LAST, number(-2)),
    ...repeatUnless(
      [isAtLeast(get(I), get(I_MIDDLE)), isAtLeast(get(J), get(J_MIDDLE)), isAtLeast(get(K), get(I_END)), isAtLeast(get(L), get(J_END))],
      [
        ...mergeRunsStep({ i: I, j: J, at: AT, runLast: RUN_LAST, from: FROM, last: LAST }),
        ...mergeRunsStep({ i: K, j: L, at: UPPER, runLast: UPPER_LAST, from: FROM, last: LAST }),
      ],
    ),
    ...set(AT, call(MERGE_RUNS, get(I), get(I_MIDDLE), get(J), get(J_MIDDLE), get(AT), get(RUN_LAST))),
    ...set(UPPER, add(call(MERGE_RUNS, get(K), get(I_END), get(L), get(J_END), get(UPPER), get(UPPER_LAST)), number(4))),
    // The last run of the lower half takes what it reaches of the upper one
    ...repeatUnless([
      isMore(get(OUT), get(AT)),
      isAtLeast(get(UPPER_FIRST), get(UPPER)),
      isMore(load16(get(UPPER_FIRST)), add(load16(get(AT), 2), number(1))),
    ], [
      ...set(RUN_LAST, load16(get(AT), 2)),
      ...set(UPPER_LAST, load16(get(UPPER_FIRST), 2)),
      ...store16(get(AT), either(isMore(get(RUN_LAST), get(UPPER_LAST)), get(RUN_LAST), get(UPPER_LAST)), 2),
      ...set(UPPER_FIRST, add(get(UPPER_FIRST), number(4))),
    ]),
    ...set(AT, add(get(AT), number(4))),
    ...copy(get(AT), get(UPPER_FIRST), subtract(get(UPPER), get(UPPER_FIRST))),
    ...call(MAKE_LENGTHS, get(OUT), add(get(AT), subtract(get(UPPER), get(UPPER_FIRST)))), 0x0b,
  ]
}

/** Makes lengths of the last values of the runs in `[at, end)`, counts all values at 0, and returns `end`. */
function makeLengthsCode(): Code {
  const [AT, END, LENGTH, SUM, RUNS, SUMS] = [0, 1, 2, 3, 4, 5] as const
  return [
    // Locals: two 32-bit numbers, two vectors
    2, 2, 0x7f, 2, 0x7b,
    ...set(SUM, shiftRight(subtract(get(END), get(AT)), 2)),
    ...repeatUnless([isMore(add(get(AT), number(16)), get(END))], [
      ...set(RUNS, load128(get(AT))),
      ...set(RUNS, subtract4(get(RUNS), shiftLeft4(get(RUNS), 16))),
      ...store128(get(AT), get(RUNS)),
      ...set(SUMS, add4(get(SUMS), shiftRight4(get(RUNS), 16))),
      ...set(AT, add(get(AT), number(16))),
    ]),
    ...repeatUnless([isAtLeast(get(AT), get(END))], [
      ...set(LENGTH, subtract(load16(get(AT), 2), load16(get(AT)))),
      ...store16(get(AT), get(LENGTH), 2),
      ...set(SUM, add(get(SUM), get(LENGTH))),
      ...set(AT, add(get(AT), number(4))),
    ]),
    ...store32(number(0), add(get(SUM), sumOfLanes(SUMS))),
    ...get(END), 0x0b,
  ]
}

function kernelModule(): Uint8Array<ArrayBuffer> {
  const type = (parameters: number): Code => [0x60, parameters, ...new Array<number>(parameters).fill(0x7f), 1, 0x7f]
  const exported = (name: string, kind: number, index: number): Code => [name.length, ...Buffer.from(name), kind, index]
  const codes = [
    countBitsCode(), mergeCode(), uniteArraysCode(), uniteRunsCode(),
    findDisorderCode(), measureRunsCode(), mergeRunsCode(), makeLengthsCode(),
  ]
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [5, ...type(1), ...type(5), ...type(7), ...type(2), ...type(6)]),
    ...section(3, [codes.length, 0, 1, 2, 2, 3, 3, 4, 3]),
    ...section(5, [1, 0, PAGES]),
    ...section(7, [
      6, ...exported('memory', 2, 0), ...exported('countBits', 0, COUNT_BITS), ...exported('findDisorder', 0, FIND_DISORDER),
      ...exported('uniteArrays', 0, UNITE_ARRAYS), ...exported('uniteRuns', 0, UNITE_RUNS),
      ...exported('measureRuns', 0, MEASURE_RUNS),
    ]),
    ...section(10, [codes.length, ...codes.flatMap((code) => [...unsigned(code.length), ...code])]),
  ])
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content]
}

function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
}

function signed(value: number): Code {
  return value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)]
}

interface KernelExports extends Omit<RoaringKernel, 'bytes' | 'values'> {
  readonly memory: { readonly buffer: ArrayBuffer }
}

// The types of Node come without those of WebAssembly, and `--jitless` without WebAssembly itself
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly?: {
    validate(bytes: Uint8Array): boolean
    readonly Module: new (bytes: Uint8Array) => object
    readonly Instance: new (module: object) => { readonly exports: KernelExports }
  }
}
let kernel: RoaringKernel | undefined
let isMade = false

/** The kernel, made when first asked for; `undefined` where Node has no WebAssembly, or the processor no vectors. */
export function roaringKernel(): RoaringKernel | undefined {
  if (!isMade) {
    kernel = makeKernel()
    isMade = true
  }
  return kernel
}

function makeKernel(): RoaringKernel | undefined {
  const code = kernelModule()
  if (wasm?.validate(code) !== true) return undefined
  const { memory: { buffer }, ...functions } = new wasm.Instance(new wasm.Module(code)).exports
  return { ...functions, bytes: new Uint8Array(buffer), values: new Uint16Array(buffer) }
}
