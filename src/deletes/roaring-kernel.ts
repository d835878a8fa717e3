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
   * Writes the values of two ascending arrays to `out`, and returns where they end. The arrays are `[i, iEnd)` and `[j, jEnd)`; all
   * values before `iMiddle` and `jMiddle` are below all after them.
   */
  uniteArrays(i: number, iMiddle: number, iEnd: number, j: number, jMiddle: number, jEnd: number, out: number): number
  /** Writes the runs of two lists to `out`, which has 4 bytes before it, and returns where they end. Their values are counted at 0. */
  uniteRuns(i: number, iEnd: number, j: number, jEnd: number, out: number): number
}

const PAGES = 2
type Code = readonly number[]

const get = (local: number): Code => [0x20, local]
const set = (local: number, value: Code): Code => [...value, 0x21, local]
const number = (value: number): Code => [0x41, ...signed(value)]
const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a]
const subtract = (a: Code, b: Code): Code => [...a, ...b, 0x6b]
const and = (a: Code, b: Code): Code => [...a, ...b, 0x71]
const or = (a: Code, b: Code): Code => [...a, ...b, 0x72]
const shiftLeft = (a: Code, bits: number): Code => [...a, ...number(bits), 0x74]
const shiftRight = (a: Code, bits: number): Code => [...a, ...number(bits), 0x76]
const isLess = (a: Code, b: Code): Code => [...a, ...b, 0x48]
const isMore = (a: Code, b: Code): Code => [...a, ...b, 0x4a]
const isAtMost = (a: Code, b: Code): Code => [...a, ...b, 0x4c]
const isAtLeast = (a: Code, b: Code): Code => [...a, ...b, 0x4e]
const not = (a: Code): Code => [...a, 0x45]
const either = (condition: Code, yes: Code, no: Code): Code => [...yes, ...no, ...condition, 0x1b]
const load16 = (address: Code): Code => [...address, 0x2f, 1, 0]
const load32 = (address: Code): Code => [...address, 0x28, 1, 0]
const store16 = (address: Code, value: Code): Code => [...address, ...value, 0x3b, 1, 0]
const store32 = (address: Code, value: Code): Code => [...address, ...value, 0x36, 1, 0]
const copy = (to: Code, from: Code, length: Code): Code => [...to, ...from, ...length, 0xfc, 0x0a, 0, 0]
const call = (index: number, ...values: readonly Code[]): Code => [...values.flat(), 0x10, index]
/** Repeats `body` while no condition to leave holds. */
const repeatUnless = (conditions: readonly Code[], body: Code): Code =>
  [0x02, 0x40, 0x03, 0x40, ...conditions.flatMap((condition) => [...condition, 0x0d, 1]), ...body, 0x0c, 0, 0x0b, 0x0b]

const [COUNT_BITS, MERGE, UNITE_ARRAYS, UNITE_RUNS, FIND_DISORDER] = [0, 1, 2, 3, 4] as const

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
  const load128 = (address: Code): Code => [...address, 0xfd, 0, 1, 0]
  const next = add(get(AT), number(2))
  return [
    // Locals: one 32-bit number, one vector
    2, 1, 0x7f, 1, 0x7b,
    ...repeatUnless([isMore(add(get(AT), number(18)), get(END))], [
      // i16x8.ge_u, then v128.or
      ...set(DISORDERS, [...get(DISORDERS), ...load128(get(AT)), ...load128(next), 0xfd, 0x36, 0xfd, 0x50]),
      ...set(AT, add(get(AT), number(16))),
    ]),
    ...repeatUnless([isAtLeast(next, get(END))], [
      ...set(DISORDER, or(get(DISORDER), isAtLeast(load16(get(AT)), load16(next)))),
      ...set(AT, next),
    ]),
    // v128.any_true
    ...or(get(DISORDER), [...get(DISORDERS), 0xfd, 0x53]), 0x0b,
  ]
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

/** A run is read as one number: its first value below, how many follow it above. */
function uniteRunsCode(): Code {
  const [I, I_END, J, J_END, AT] = [0, 1, 2, 3, 4] as const
  const [LEFT, RIGHT, TAKES_LEFT, FIRST, LAST, IS_APART, RUN_FIRST, RUN_LAST, SUM] = [5, 6, 7, 8, 9, 10, 11, 12, 13] as const
  const first = (run: number): Code => and(get(run), number(0xffff))
  const append = (run: Code): Code => [
    ...set(LEFT, run),
    ...set(FIRST, first(LEFT)),
    ...set(LAST, add(get(FIRST), shiftRight(get(LEFT), 16))),
    ...set(IS_APART, isMore(get(FIRST), add(get(RUN_LAST), number(1)))),
    ...set(LAST, either(isMore(get(LAST), get(RUN_LAST)), get(LAST), get(RUN_LAST))),
    ...set(SUM, add(get(SUM), subtract(get(LAST), either(get(IS_APART), subtract(get(FIRST), number(1)), get(RUN_LAST))))),
    ...set(AT, add(get(AT), shiftLeft(get(IS_APART), 2))),
    ...set(RUN_FIRST, either(get(IS_APART), get(FIRST), get(RUN_FIRST))),
    ...set(RUN_LAST, get(LAST)),
    ...store32(get(AT), or(get(RUN_FIRST), shiftLeft(subtract(get(RUN_LAST), get(RUN_FIRST)), 16))),
  ]
  const appendRest = (from: number, end: number): Code =>
    repeatUnless([isAtLeast(get(from), get(end))], [...append(load32(get(from))), ...set(from, add(get(from), number(4)))])
  return [
    1, 9, 0x7f,
    ...set(AT, subtract(get(AT), number(4))),
    ...set(RUN_LAST, number(-2)),
    ...repeatUnless([isAtLeast(get(I), get(I_END)), isAtLeast(get(J), get(J_END))], [
      ...set(LEFT, load32(get(I))),
      ...set(RIGHT, load32(get(J))),
      ...set(TAKES_LEFT, isAtMost(first(LEFT), first(RIGHT))),
      ...set(I, add(get(I), shiftLeft(get(TAKES_LEFT), 2))),
      ...set(J, add(get(J), shiftLeft(not(get(TAKES_LEFT)), 2))),
      ...append(either(get(TAKES_LEFT), get(LEFT), get(RIGHT))),
    ]),
    ...appendRest(I, I_END),
    ...appendRest(J, J_END),
    ...store32(number(0), get(SUM)),
    ...add(get(AT), number(4)), 0x0b,
  ]
}

function kernelModule(): Uint8Array<ArrayBuffer> {
  const type = (parameters: number): Code => [0x60, parameters, ...new Array<number>(parameters).fill(0x7f), 1, 0x7f]
  const exported = (name: string, kind: number, index: number): Code => [name.length, ...Buffer.from(name), kind, index]
  const codes = [countBitsCode(), mergeCode(), uniteArraysCode(), uniteRunsCode(), findDisorderCode()]
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [4, ...type(1), ...type(5), ...type(7), ...type(2)]),
    ...section(3, [codes.length, 0, 1, 2, 1, 3]),
    ...section(5, [1, 0, PAGES]),
    ...section(7, [
      5, ...exported('memory', 2, 0), ...exported('countBits', 0, COUNT_BITS), ...exported('findDisorder', 0, FIND_DISORDER),
      ...exported('uniteArrays', 0, UNITE_ARRAYS), ...exported('uniteRuns', 0, UNITE_RUNS),
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
