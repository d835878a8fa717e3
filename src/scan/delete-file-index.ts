import { FloeError } from '../util/errors.js'
import { partitionKey } from '../partition/partition-key.js'
import type { PartitionSpec } from '../partition/partition-spec.js'
import type { Value } from '../schema/type.js'
import type { DataFile, ManifestEntry } from '../manifest/data-file.js'

/** What the index must know of a data file to find its deletes. */
export interface DeletableFile {
  readonly filePath: string
  readonly specId: number
  readonly partition: readonly Value[]
  readonly sequenceNumber: bigint
}

interface IndexedDelete {
  readonly file: DataFile
  readonly sequenceNumber: bigint
}

/**
 * Finds the delete files and vectors that a snapshot applies to a data file.
 * Spec: Scan Planning (the scope rules of vectors, position and equality deletes)
 */
export class DeleteFileIndex {
  readonly #vectors = new Map<string, IndexedDelete>()
  readonly #positionsByPath = new Map<string, IndexedDelete[]>()
  readonly #positionsByPartition = new Map<string, IndexedDelete[]>()
  readonly #equalityByPartition = new Map<string, IndexedDelete[]>()
  readonly #globalEquality: IndexedDelete[] = []

  /** `entries`: the live entries of the snapshot's delete manifests. */
  constructor(entries: Iterable<ManifestEntry>, specs: readonly PartitionSpec[]) {
    const globalSpecs = new Set(specs.filter((spec) => spec.fields.every((field) => field.transform === 'void')).map((spec) => spec.specId))
    for (const entry of entries) this.#add(entry, globalSpecs)
  }

  get isEmpty(): boolean {
    return (
      this.#vectors.size === 0 &&
      this.#positionsByPath.size === 0 &&
      this.#positionsByPartition.size === 0 &&
      this.#equalityByPartition.size === 0 &&
      this.#globalEquality.length === 0
    )
  }

  /** Every delete that must be applied to `file`; empty when none must. */
  deletesFor(file: DeletableFile): readonly DataFile[] {
    if (this.isEmpty) return []
    const key = keyOf(file.specId, file.partition)
    const found = [...this.#globalEquality, ...(this.#equalityByPartition.get(key) ?? [])].filter(
      (candidate) => file.sequenceNumber < candidate.sequenceNumber,
    )
    const vector = this.#vectors.get(file.filePath)
    if (vector !== undefined && file.sequenceNumber <= vector.sequenceNumber) {
      // A vector holds the deletes of every earlier position delete file.
      return [...found, vector].map((candidate) => candidate.file)
    }
    const positions = [...(this.#positionsByPath.get(file.filePath) ?? []), ...(this.#positionsByPartition.get(key) ?? [])]
    const applied = positions.filter((candidate) => file.sequenceNumber <= candidate.sequenceNumber)
    return [...found, ...applied].map((candidate) => candidate.file)
  }

  #add(entry: ManifestEntry, globalSpecs: ReadonlySet<number>): void {
    const { dataFile: file, sequenceNumber } = entry
    const indexed = { file, sequenceNumber }
    if (file.content === 'equality-deletes') {
      if (globalSpecs.has(file.specId)) this.#globalEquality.push(indexed)
      else push(this.#equalityByPartition, keyOf(file.specId, file.partition), indexed)
      return
    }
    if (file.referencedDataFile === undefined) {
      push(this.#positionsByPartition, keyOf(file.specId, file.partition), indexed)
    } else if (file.fileFormat === 'puffin') {
      if (this.#vectors.has(file.referencedDataFile)) {
        throw new FloeError('CORRUPT', 'Two live deletion vectors name one data file: repair the table before reading it', { file: file.referencedDataFile })
      }
      this.#vectors.set(file.referencedDataFile, indexed)
    } else {
      push(this.#positionsByPath, file.referencedDataFile, indexed)
    }
  }
}

function keyOf(specId: number, partition: readonly Value[]): string {
  return `${specId}/${partitionKey(partition)}`
}

function push(map: Map<string, IndexedDelete[]>, key: string, value: IndexedDelete): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
