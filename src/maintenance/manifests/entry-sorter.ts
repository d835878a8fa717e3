import { AvroInput } from '../../avro/avro-input.js'
import { AvroOutput } from '../../avro/avro-output.js'
import { SpillFolder } from '../../io/spill-folder.js'
import type { EncodedEntry } from '../../manifest/copied-manifest-writer.js'
import { partitionKey } from '../../partition/partition-key.js'
import type { Value } from '../../schema/type.js'
import type { Runtime } from '../../util/runtime.js'
import type { ClusteringOrder } from './clustering-order.js'

const PAGE_BYTES = 2 ** 20
/** What an entry takes beside its bytes. */
const ENTRY_BYTES = 64

/** An entry and the partition it is of, by its number. */
interface SortedEntry extends EncodedEntry {
  readonly partition: number
}

interface EntrySorterOptions {
  readonly memoryBudgetBytes: number
  readonly runtime: Runtime
  readonly spillDirectory?: string | undefined
}

/**
 * Brings encoded entries into the order of their partitions; those of one partition stay as they came. Entries beyond the memory
 * budget wait in a folder of the machine's disk; the tuples of all partitions stay in memory.
 */
export class EntrySorter {
  /** The distinct tuples, by number. */
  readonly tuples: (readonly Value[])[] = []
  /** Uncompressed bytes of all entries. */
  rawBytes = 0
  count = 0
  readonly #numbers = new Map<string, number>()
  readonly #spill: SpillFolder
  #run = new Run()
  #spilledRuns = 0

  constructor(
    private readonly order: ClusteringOrder,
    private readonly options: EntrySorterOptions,
  ) {
    this.#spill = new SpillFolder(options.runtime, options.spillDirectory)
  }

  /** Whether anything had to wait on disk. */
  get hasSpilled(): boolean {
    return this.#spilledRuns > 0
  }

  /** The number of a tuple. */
  numberOf(tuple: readonly Value[]): number {
    const key = partitionKey(tuple)
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.tuples.push(tuple) - 1
      this.#numbers.set(key, number)
    }
    return number
  }

  /** Adds an entry, whose bytes `encode` writes. A promise is to be waited for before the next one. */
  add(entry: Omit<SortedEntry, 'bytes'>, encode: (output: AvroOutput) => void): Promise<void> | undefined {
    this.rawBytes += this.#run.add(entry, encode)
    this.count++
    return this.#run.sizeBytes > this.options.memoryBudgetBytes ? this.#spillRun() : undefined
  }

  /** All entries in order; `bytes` are good until the next one is asked for. */
  async *sorted(): AsyncGenerator<SortedEntry, void, undefined> {
    const ranks = this.#ranks()
    if (this.#spilledRuns === 0) {
      yield* this.#run.sorted(ranks)
      return
    }
    await this.#spillRun()
    yield* this.#merged(ranks)
  }

  /** Removes what was written to disk. */
  async remove(): Promise<void> {
    await this.#spill.remove()
  }

  #ranks(): Uint32Array {
    const ranks = new Uint32Array(this.tuples.length)
    // The sort is stable: tuples that compare equal keep the order of their numbers.
    const numbers = [...this.tuples.keys()].sort((a, b) => this.order.compare(this.tuples[a]!, this.tuples[b]!))
    for (const [rank, number] of numbers.entries()) ranks[number] = rank
    return ranks
  }

  async #spillRun(): Promise<void> {
    const run = this.#run
    this.#run = new Run()
    const file = this.#spilledRuns++
    let frame = new AvroOutput()
    for (const { partition, sequenceNumber, recordCount, bytes } of run.sorted(this.#ranks())) {
      frame.writeLong(partition)
      frame.writeLong(sequenceNumber)
      frame.writeLong(recordCount)
      frame.writeBytes(bytes)
      if (frame.length < PAGE_BYTES) continue
      await this.#spill.append(file, frame.bytes())
      frame = new AvroOutput()
    }
    if (frame.length > 0) await this.#spill.append(file, frame.bytes())
  }

  async *#merged(ranks: Uint32Array): AsyncGenerator<SortedEntry, void, undefined> {
    const runs: { readonly source: AsyncGenerator<SortedEntry>; head: SortedEntry }[] = []
    for (let file = 0; file < this.#spilledRuns; file++) {
      const source = spilledEntries(this.#spill.read(file))
      const first = await source.next()
      if (first.done !== true) runs.push({ source, head: first.value })
    }
    while (runs.length > 0) {
      let least = 0
      for (let i = 1; i < runs.length; i++) if (ranks[runs[i]!.head.partition]! < ranks[runs[least]!.head.partition]!) least = i
      const run = runs[least]!
      yield run.head
      const next = await run.source.next()
      if (next.done === true) runs.splice(least, 1)
      else run.head = next.value
    }
  }
}

async function* spilledEntries(frames: AsyncGenerator<Uint8Array>): AsyncGenerator<SortedEntry, void, undefined> {
  for await (const frame of frames) {
    const input = new AvroInput(frame, undefined)
    while (input.remaining > 0) {
      const partition = input.readSize()
      const sequenceNumber = BigInt(input.readSafeLong())
      const recordCount = Number(input.readSafeLong())
      yield { partition, sequenceNumber, recordCount, bytes: input.readBytes() }
    }
  }
}

/** Entries in memory, their bytes one after the other in pages. */
class Run {
  sizeBytes = 0
  readonly #pages: AvroOutput[] = []
  readonly #pageOf: number[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #entries: Omit<SortedEntry, 'bytes'>[] = []

  /** The number of bytes that were added. */
  add(entry: Omit<SortedEntry, 'bytes'>, encode: (output: AvroOutput) => void): number {
    let page = this.#pages.at(-1)
    if (page === undefined || page.length >= PAGE_BYTES) {
      page = new AvroOutput()
      this.#pages.push(page)
    }
    const start = page.length
    encode(page)
    this.#pageOf.push(this.#pages.length - 1)
    this.#starts.push(start)
    this.#ends.push(page.length)
    this.#entries.push(entry)
    this.sizeBytes += page.length - start + ENTRY_BYTES
    return page.length - start
  }

  *sorted(ranks: Uint32Array): Generator<SortedEntry, void, undefined> {
    for (const i of this.#order(ranks)) {
      const bytes = this.#pages[this.#pageOf[i]!]!.bytes().subarray(this.#starts[i], this.#ends[i])
      yield { ...this.#entries[i]!, bytes }
    }
  }

  /** A counting sort: stable, and there are many entries of few partitions. */
  #order(ranks: Uint32Array): Uint32Array {
    const places = new Uint32Array(ranks.length + 1)
    for (const { partition } of this.#entries) places[ranks[partition]! + 1]!++
    for (let rank = 0; rank < ranks.length; rank++) places[rank + 1]! += places[rank]!
    const order = new Uint32Array(this.#entries.length)
    for (const [i, { partition }] of this.#entries.entries()) order[places[ranks[partition]!]!++] = i
    return order
  }
}
