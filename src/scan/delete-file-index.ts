import type { DeleteFile } from '../deletes/delete-file.js'
import { isDeletionVector } from '../deletes/delete-file.js'
import type { FileStats } from '../expression/expression.js'
import type { ManifestEntry } from '../manifest/data-file.js'
import { referencedDataFile } from '../manifest/file-identity.js'
import { partitionKey } from '../partition/partition-key.js'
import type { PartitionSpec } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import { firstWhere } from '../util/binary-search.js'
import { FloeError } from '../util/errors.js'
import { compileDeletePruning, type DeletePruning } from './equality-pruning.js'

/** What the index must know of a data file to find its deletes. */
export interface DeletableFile {
  readonly filePath: string
  readonly specId: number
  readonly partition: readonly Value[]
  readonly sequenceNumber: bigint
  /** Its metrics, by which equality deletes that match none of its rows are left out. */
  readonly stats?: FileStats | undefined
}

/**
 * Finds the delete files and vectors that a snapshot applies to a data file.
 * Spec: Scan Planning (the scope rules of vectors, position and equality deletes). Source: the reference's `DeleteFileIndex`
 */
export class DeleteFileIndex {
  /** Every delete there is, in the order of the manifests. */
  readonly files: readonly DeleteFile[]
  readonly #vectors = new Map<string, DeleteFile>()
  readonly #positionsByPath = new Map<string, Group>()
  readonly #positionsByPartition = new Map<string, Group>()
  readonly #equalityByPartition = new Map<string, Group>()
  readonly #globalEquality = new Group()
  readonly #pruning = new Map<DeleteFile, DeletePruning>()
  readonly #schemas: readonly Schema[]

  /**
   * @param entries the live entries of the snapshot's delete manifests
   * @param schemas the schema of the scan, then those in which dropped key columns are looked up. Without any, bounds are not compared.
   *
   * @throws FloeError `CORRUPT` when two live vectors name one data file
   */
  constructor(entries: Iterable<ManifestEntry>, specs: readonly PartitionSpec[], schemas: readonly Schema[] = []) {
    const globalSpecs = new Set(specs.filter((spec) => spec.fields.every((field) => field.transform === 'void')).map((spec) => spec.specId))
    const files: DeleteFile[] = []
    this.#schemas = schemas
    for (const { dataFile, sequenceNumber } of entries) {
      const file: DeleteFile = { ...dataFile, referencedDataFile: referencedDataFile(dataFile), sequenceNumber }
      files.push(file)
      this.#add(file, globalSpecs)
    }
    this.files = files
  }

  get isEmpty(): boolean {
    return this.files.length === 0
  }

  /**
   * Every delete that must be applied to `file`; empty when none must.
   * @throws FloeError `CORRUPT` when a delete of this very file is listed under another partition
   */
  deletesFor(file: DeletableFile): readonly DeleteFile[] {
    if (this.isEmpty) return NO_DELETES
    const key = keyOf(file.specId, file.partition)
    // Spec: Scan Planning › an equality delete applies to strictly older data, a position delete also to data of its own commit
    const global = this.#equality(this.#globalEquality, file)
    const local = this.#equality(this.#equalityByPartition.get(key), file)
    const vector = this.#vectors.get(file.filePath)
    if (vector !== undefined && file.sequenceNumber <= vector.sequenceNumber) {
      checkPartition(vector, file, key)
      // A vector holds the deletes of every earlier position delete file.
      return joined([global, local, [vector]])
    }
    const byPath = this.#positionsByPath.get(file.filePath)?.from(file.sequenceNumber) ?? NO_DELETES
    for (const deletes of byPath) checkPartition(deletes, file, key)
    const byPartition = this.#positionsByPartition.get(key)?.from(file.sequenceNumber) ?? NO_DELETES
    return joined([global, local, byPath, byPartition])
  }

  #equality(group: Group | undefined, file: DeletableFile): readonly DeleteFile[] {
    const newer = group?.from(file.sequenceNumber + 1n) ?? NO_DELETES
    const { stats } = file
    if (stats === undefined || this.#schemas.length === 0) return newer
    const kept = newer.filter((deletes) => this.#pruningOf(deletes)(stats))
    // Thousands of delete files may apply to thousands of data files: those lists are better shared
    return kept.length === newer.length ? newer : kept
  }

  #pruningOf(file: DeleteFile): DeletePruning {
    let pruning = this.#pruning.get(file)
    if (pruning === undefined) {
      pruning = compileDeletePruning(file, this.#schemas)
      this.#pruning.set(file, pruning)
    }
    return pruning
  }

  #add(file: DeleteFile, globalSpecs: ReadonlySet<number>): void {
    if (file.content === 'equality-deletes') {
      if (globalSpecs.has(file.specId)) this.#globalEquality.add(file)
      else groupOf(this.#equalityByPartition, keyOf(file.specId, file.partition)).add(file)
    } else if (isDeletionVector(file)) this.#addVector(file)
    else if (file.referencedDataFile !== undefined) groupOf(this.#positionsByPath, file.referencedDataFile).add(file)
    else groupOf(this.#positionsByPartition, keyOf(file.specId, file.partition)).add(file)
  }

  #addVector(file: DeleteFile): void {
    const { referencedDataFile: path } = file
    if (path === undefined) throw new FloeError('CORRUPT', 'A deletion vector names no data file: repair the table before reading it', { file: file.filePath })
    if (this.#vectors.has(path)) {
      throw new FloeError('CORRUPT', 'Two live deletion vectors name one data file: repair the table before reading it', { file: path })
    }
    this.#vectors.set(path, file)
  }
}

const NO_DELETES: readonly DeleteFile[] = []

/** Deletes of one scope, found by sequence number. */
class Group {
  #files: DeleteFile[] = []
  #isSorted = true
  readonly #suffixes = new Map<number, readonly DeleteFile[]>()

  add(file: DeleteFile): void {
    const last = this.#files.at(-1)
    if (last !== undefined && file.sequenceNumber < last.sequenceNumber) this.#isSorted = false
    this.#files.push(file)
  }

  /** Those whose sequence number is at least `sequenceNumber`; the same list for the same files. */
  from(sequenceNumber: bigint): readonly DeleteFile[] {
    const byAge = (a: DeleteFile, b: DeleteFile): number =>
      a.sequenceNumber < b.sequenceNumber ? -1 : Number(a.sequenceNumber > b.sequenceNumber)
    if (!this.#isSorted) this.#files.sort(byAge)
    this.#isSorted = true
    const first = firstWhere(0, this.#files.length, (index) => this.#files[index]!.sequenceNumber >= sequenceNumber)
    let suffix = this.#suffixes.get(first)
    if (suffix === undefined) {
      suffix = this.#files.slice(first)
      this.#suffixes.set(first, suffix)
    }
    return suffix
  }
}

/** Spec: Scan Planning › «The data file's partition (both spec and partition values) is equal to the delete file's partition» */
function checkPartition(deletes: DeleteFile, file: DeletableFile, key: string): void {
  if (keyOf(deletes.specId, deletes.partition) === key) return
  const problem = `The deletes in ${deletes.filePath} are listed under another partition than their data file`
  throw new FloeError('CORRUPT', `${problem}: rewrite them, or repair the table's metadata`, { file: file.filePath })
}

function joined(lists: readonly (readonly DeleteFile[])[]): readonly DeleteFile[] {
  const present = lists.filter((list) => list.length > 0)
  return present.length === 0 ? NO_DELETES : present.length === 1 ? present[0]! : present.flat()
}

function keyOf(specId: number, partition: readonly Value[]): string {
  return `${specId}/${partitionKey(partition)}`
}

function groupOf(groups: Map<string, Group>, key: string): Group {
  let group = groups.get(key)
  if (group === undefined) {
    group = new Group()
    groups.set(key, group)
  }
  return group
}
