import type { RecordBatch, Schema as ArrowSchema } from 'apache-arrow'
import { SpillFolder } from '../../io/spill-folder.js'
import type { Runtime } from '../../util/runtime.js'
import { decodeFrame, encodeFrame } from './batch-frame.js'

/**
 * Rows on this machine's disk that do not fit into memory. Its folder is made on the first write, in one that exists (default: the
 * system's for temporary files), and {@link remove} takes it away with all that is in it.
 */
export class SpillSpace {
  readonly #folder: SpillFolder
  #runs = 0

  constructor(runtime: Runtime, parent?: string) {
    this.#folder = new SpillFolder(runtime, parent)
  }

  /** Starts a sequence of batches of one schema. */
  startRun(): SpillWriter {
    return new SpillWriter(this.#folder, this.#runs++)
  }

  /** Removes everything, at the end, after an abort or failure. Never fails. */
  remove(): Promise<void> {
    return this.#folder.remove()
  }
}

/** Appends batches to a run. One is on its way to the disk while the next is made. */
export class SpillWriter {
  readonly #folder: SpillFolder
  readonly #number: number
  #schema: ArrowSchema | undefined
  #largest = 0
  /** Two frames take turns: one is written while the other is filled. */
  readonly #buffers: Uint8Array[] = [empty, empty]
  #turn = 0
  #pending: Promise<void> = Promise.resolve()

  constructor(folder: SpillFolder, number: number) {
    this.#folder = folder
    this.#number = number
  }

  /** @throws FloeError `UNAVAILABLE` when the disk is full or the folder is missing: of this batch or, on the next call, of the last */
  async append(batch: RecordBatch): Promise<void> {
    this.#schema ??= batch.schema
    const frame = encodeFrame(batch, (length) => this.#buffer(length))
    this.#largest = Math.max(this.#largest, frame.length)
    await this.#pending
    this.#pending = this.#folder.append(this.#number, frame)
    // Whoever awaits it next is told; until then it is nobody's
    this.#pending.catch(() => undefined)
  }

  async finish(): Promise<SpilledRun> {
    await this.#pending
    return new SpilledRun(this.#folder, this.#number, { schema: this.#schema, largestBytes: this.#largest })
  }

  /** Waits for what is under way, and frees its space on disk. Never fails. */
  async abandon(): Promise<void> {
    await this.#pending.catch(() => undefined)
    await this.#folder.removeFile(this.#number)
  }

  #buffer(length: number): Uint8Array {
    this.#turn = 1 - this.#turn
    const buffer = this.#buffers[this.#turn]!
    return buffer.length >= length ? buffer : (this.#buffers[this.#turn] = new Uint8Array(length))
  }
}

const empty = new Uint8Array(0)

interface RunFacts {
  readonly schema: ArrowSchema | undefined
  readonly largestBytes: number
}

/** Batches on disk, read in the order in which they were appended. */
export class SpilledRun {
  readonly #folder: SpillFolder
  readonly #number: number
  readonly #schema: ArrowSchema | undefined
  /** Of its batches, in bytes: what reading it takes in memory. */
  readonly largestBytes: number
  readonly batches: number

  constructor(folder: SpillFolder, number: number, { schema, largestBytes }: RunFacts) {
    this.#folder = folder
    this.#number = number
    this.#schema = schema
    this.largestBytes = largestBytes
    this.batches = folder.frameCount(number)
  }

  /** @throws FloeError `UNAVAILABLE` when the file was cut meanwhile */
  async read(index: number): Promise<RecordBatch> {
    return decodeFrame(await this.#folder.readFrame(this.#number, index), this.#schema!)
  }

  /** Frees its space on disk. Never fails. */
  remove(): Promise<void> {
    return this.#folder.removeFile(this.#number)
  }
}
