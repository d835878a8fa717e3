import { partitionKey } from '../../partition/partition-key.js'
import type { Value } from '../../schema/type.js'
import { LocationIndex } from './location-index.js'

/** What deletes are held against of one live data file. */
export interface LiveDataFile {
  readonly recordCount: number
  readonly sequenceNumber: bigint
  readonly partition: number
}

/** The live data files of one snapshot, in some sixty bytes each. */
export class LiveFiles {
  readonly #paths = new LocationIndex()
  readonly #partitions = new Map<string, number>()
  /** By number of the partition: the lowest data sequence number in it. */
  readonly #lowest: bigint[] = []
  #recordCounts = new Float64Array(64)
  #sequenceNumbers = new BigInt64Array(64)
  #partitionOf = new Uint32Array(64)
  #firstRowIds = new BigInt64Array(64)
  #lowestOfAll: bigint | undefined

  get size(): number {
    return this.#paths.size
  }

  /** The lowest data sequence number of all files; undefined when there is none. */
  get lowestSequenceNumber(): bigint | undefined {
    return this.#lowestOfAll
  }

  /** Adds a file, unless it is there already: then the answer is false. `firstRowId` undefined: it has no row ids. */
  add(path: string, file: LiveDataFile, firstRowId: bigint | undefined): boolean {
    const { number, isNew } = this.#paths.add(path)
    if (!isNew) return false
    if (number === this.#recordCounts.length) this.#grow()
    this.#recordCounts[number] = file.recordCount
    this.#sequenceNumbers[number] = file.sequenceNumber
    this.#partitionOf[number] = file.partition
    this.#firstRowIds[number] = firstRowId ?? -1n
    const lowest = this.#lowest[file.partition]
    if (lowest === undefined || file.sequenceNumber < lowest) this.#lowest[file.partition] = file.sequenceNumber
    if (this.#lowestOfAll === undefined || file.sequenceNumber < this.#lowestOfAll) this.#lowestOfAll = file.sequenceNumber
    return true
  }

  find(path: string): LiveDataFile | undefined {
    const number = this.#paths.find(path)
    if (number === undefined) return undefined
    const [recordCount, sequenceNumber] = [this.#recordCounts[number]!, this.#sequenceNumbers[number]!]
    return { recordCount, sequenceNumber, partition: this.#partitionOf[number]! }
  }

  /** The number that stands for a partition, the same for the same tuple of the same spec. */
  partitionOf(specId: number, tuple: readonly Value[]): number {
    const key = `${specId}/${partitionKey(tuple)}`
    let number = this.#partitions.get(key)
    if (number === undefined) {
      number = this.#partitions.size
      this.#partitions.set(key, number)
    }
    return number
  }

  /** The lowest data sequence number of a partition's files; undefined when it has none. */
  lowestOf(partition: number): bigint | undefined {
    return this.#lowest[partition]
  }

  /** Two files whose row ids meet, by what each of them begins and ends with; undefined: there are none. */
  overlappingRowIds(): { readonly first: bigint; readonly end: bigint; readonly before: bigint } | undefined {
    const order = Array.from({ length: this.size }, (_, i) => i).filter((i) => this.#firstRowIds[i]! >= 0n && this.#recordCounts[i]! > 0)
    order.sort((a, b) => Number(this.#firstRowIds[a]! - this.#firstRowIds[b]!))
    for (let at = 1; at < order.length; at++) {
      const [before, now] = [order[at - 1]!, order[at]!]
      const end = this.#firstRowIds[before]! + BigInt(this.#recordCounts[before]!)
      if (end > this.#firstRowIds[now]!) return { first: this.#firstRowIds[now]!, end, before: this.#firstRowIds[before]! }
    }
    return undefined
  }

  #grow(): void {
    const length = this.#recordCounts.length * 2
    this.#recordCounts = copied(this.#recordCounts, new Float64Array(length))
    this.#sequenceNumbers = copiedLongs(this.#sequenceNumbers, new BigInt64Array(length))
    this.#partitionOf = copied(this.#partitionOf, new Uint32Array(length))
    this.#firstRowIds = copiedLongs(this.#firstRowIds, new BigInt64Array(length))
  }
}

function copied<T extends Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(from: T, to: T): T {
  to.set(from)
  return to
}

function copiedLongs(from: BigInt64Array<ArrayBuffer>, to: BigInt64Array<ArrayBuffer>): BigInt64Array<ArrayBuffer> {
  to.set(from)
  return to
}
