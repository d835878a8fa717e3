import { Container, efficientRuns, lowerBound, MAX_ARRAY_VALUES } from './roaring-container.js'
import { roaringKernel, type RoaringKernel } from './roaring-kernel.js'

/** How many values of an operand lie in the kernel's memory at once: those of many small containers, or of any one. */
const WINDOW_VALUES = 8192
/** The first words are the kernel's. */
const LEFT_START = 8
const RIGHT_START = LEFT_START + WINDOW_VALUES
const RESULTS_START = RIGHT_START + WINDOW_VALUES
/** No two containers that fit the windows have a larger union, the room for two more runs included. */
const MAX_RESULT_VALUES = 2 * WINDOW_VALUES + 4

/** What of one operand lies in the kernel's memory. */
interface Window {
  /** Where in the memory. */
  readonly start: number
  values: Uint16Array | undefined
  from: number
  to: number
}

/**
 * Unites the containers of two bitmaps by the kernel, one pair after the other. Neighbours share a window of their operands and the
 * memory of their results, so that neither is copied or allocated container by container.
 */
export class UnionKernel {
  readonly #kernel: RoaringKernel
  readonly #left: Window = { start: LEFT_START, values: undefined, from: 0, to: 0 }
  readonly #right: Window = { start: RIGHT_START, values: undefined, from: 0, to: 0 }
  /** The containers whose values still lie in the kernel's memory. */
  #pending: Container[] = []
  #end = RESULTS_START

  private constructor(kernel: RoaringKernel) {
    this.#kernel = kernel
  }

  /** For one union; only one may be under way. `undefined` without a kernel. */
  static create(): UnionKernel | undefined {
    const kernel = roaringKernel()
    return kernel && new UnionKernel(kernel)
  }

  takesArrays(a: Container, b: Container): boolean {
    return a.cardinality + b.cardinality <= MAX_ARRAY_VALUES
  }

  takesRuns(a: Container, b: Container): boolean {
    return 2 * a.runCount <= WINDOW_VALUES && 2 * b.runCount <= WINDOW_VALUES
  }

  /** Unites two arrays. The container has its values when {@link finish} returns. */
  uniteArrays(a: Container, b: Container): Container {
    const half = a.cardinality >>> 1
    const otherHalf = lowerBound(b.values, b.start, b.start + b.cardinality, a.values[a.start + half]!) - b.start
    const i = this.#load(this.#left, a, a.cardinality)
    const j = this.#load(this.#right, b, b.cardinality)
    const out = 2 * this.#end
    const end = this.#kernel.uniteArrays(i, i + 2 * half, i + 2 * a.cardinality, j, j + 2 * otherHalf, j + 2 * b.cardinality, out)
    return this.#keep(Container.array(this.#kernel.values, (end - out) >>> 1), end >>> 1)
  }

  /** Unites two lists of runs. The container has its values when {@link finish} returns. */
  uniteRuns(a: Container, b: Container): Container {
    const half = a.runCount >>> 1
    const otherHalf = b.runBefore(a.values[a.start + 2 * half]! - 1) + 1
    const i = this.#load(this.#left, a, 2 * a.runCount)
    const j = this.#load(this.#right, b, 2 * b.runCount)
    const out = 2 * this.#end
    const { values, uniteRuns } = this.#kernel
    const end = uniteRuns(i, i + 4 * half, i + 4 * a.runCount, j, j + 4 * otherHalf, j + 4 * b.runCount, out)
    const united = Container.runs(values, (end - out) >>> 2, values[0]! + 65_536 * values[1]!)
    united.start = this.#end
    const efficient = efficientRuns(united)
    return efficient === united ? this.#keep(united, end >>> 1) : efficient
  }

  /** Gives the containers that were made memory of their own. */
  finish(): void {
    const values = this.#kernel.values.slice(RESULTS_START, this.#end)
    for (const container of this.#pending) container.values = values
    this.#pending = []
    this.#end = RESULTS_START
  }

  #keep(container: Container, end: number): Container {
    container.start = this.#end - RESULTS_START
    container.isOwned = false
    this.#pending.push(container)
    this.#end = end
    if (end > this.#kernel.values.length - MAX_RESULT_VALUES) this.finish()
    return container
  }

  /** The address of a container's values in the kernel's memory. */
  #load(window: Window, { values, start }: Container, length: number): number {
    if (values !== window.values || start < window.from || start + length > window.to) {
      window.values = values
      window.from = start
      window.to = Math.min(start + WINDOW_VALUES, values.length)
      this.#kernel.values.set(values.subarray(start, window.to), window.start)
    }
    return 2 * (window.start + start - window.from)
  }
}
