import type { RecordBatch } from 'apache-arrow'
import { takeBatch } from '../arrow/take.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { DataFile } from '../manifest/data-file.js'
import type { PartitionFileWriter } from './partition-file-writer.js'
import type { PartitionGroup, RowPartitioner } from './partition-rows.js'

export interface FanoutOptions {
  /** Bytes of rows held back over all partitions before the largest are written out. */
  readonly memoryBudgetBytes: number
  /** Files open at once; beyond it the partition written to least recently closes its file. */
  readonly maxOpenFiles: number
  readonly openWriter: (partition: PartitionGroup['partition']) => PartitionFileWriter
}

/** Partitions of one batch that are written to before the bounds are looked at again. */
const GROUPS_AT_ONCE = 64
const FILES_CLOSED_AT_ONCE = 4

/** Spreads batches over one writer per partition, within a memory budget and a bound on open files. */
export class FanoutWriter {
  readonly #partitioner: RowPartitioner
  readonly #options: FanoutOptions
  /** In order of last use. */
  readonly #writers = new Map<number, PartitionFileWriter>()

  constructor(partitioner: RowPartitioner, options: FanoutOptions) {
    this.#partitioner = partitioner
    this.#options = options
  }

  async write(batch: RecordBatch): Promise<void> {
    const groups = this.#partitioner.group(batch)
    for (let first = 0; first < groups.length; first += GROUPS_AT_ONCE) {
      await allDone(groups.slice(first, first + GROUPS_AT_ONCE).map((group) => this.#writeGroup(batch, group)))
      await this.#holdBudget()
    }
  }

  /** Finishes every file. The files are listed in order of their partitions' first sight. */
  async close(): Promise<readonly DataFile[]> {
    const writers = [...this.#writers].sort(([a], [b]) => a - b).map(([, writer]) => writer)
    const files = await mapParallel(writers, FILES_CLOSED_AT_ONCE, (writer) => writer.close())
    return files.flat()
  }

  /** Stops every writer and removes what they wrote. */
  async abort(): Promise<void> {
    await Promise.allSettled([...this.#writers.values()].map((writer) => writer.abort()))
  }

  async #writeGroup(batch: RecordBatch, group: PartitionGroup): Promise<void> {
    await this.#writerOf(group).write(takeBatch(batch, group.rows))
  }

  #writerOf(group: PartitionGroup): PartitionFileWriter {
    const writer = this.#writers.get(group.id) ?? this.#options.openWriter(group.partition)
    this.#writers.delete(group.id)
    this.#writers.set(group.id, writer)
    return writer
  }

  async #holdBudget(): Promise<void> {
    const writers = [...this.#writers.values()]
    let held = 0
    for (const writer of writers) held += writer.bufferedBytes
    if (held > this.#options.memoryBudgetBytes) {
      const largest = writers.toSorted((a, b) => b.bufferedBytes - a.bufferedBytes)
      // Down to half, so that row groups are written in few large steps rather than at every batch.
      const spilled: Promise<void>[] = []
      for (const writer of largest) {
        if (held <= this.#options.memoryBudgetBytes / 2) break
        held -= writer.bufferedBytes
        spilled.push(writer.flush())
      }
      await allDone(spilled)
    }
    const open = writers.filter((writer) => writer.hasOpenFile)
    const excess = open.slice(0, Math.max(open.length - this.#options.maxOpenFiles, 0))
    await mapParallel(excess, FILES_CLOSED_AT_ONCE, (writer) => writer.endFile())
  }
}

/** Waits for all, also when one fails: nothing may still be writing when the caller cleans up. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
