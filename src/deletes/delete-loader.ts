import type { RecordBatch } from 'apache-arrow'
import { columnByPath } from '../arrow/column-by-path.js'
import type { RowMask } from '../arrow/row-mask.js'
import type { FileIO } from '../io/file-io.js'
import { mapOrdered } from '../io/ordered-prefetch.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import type { Schema } from '../schema/schema.js'
import type { NestedField } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import type { AppliedDelete, DeleteTarget, PositionDelete } from './delete-file.js'
import { isDeletionVector } from './delete-file.js'
import { loadDeletionVector } from './deletion-vector.js'
import { readVectorFooter } from './deletion-vector-footer.js'
import type { VectorFooter } from './deletion-vector-footer.js'
import { equalityKey, mergeFields } from './equality-key.js'
import type { EqualityKey } from './equality-key.js'
import { EqualityIndex } from './equality-index.js'
import type { EqualitySet } from './equality-set.js'
import { LoadCache } from './load-cache.js'
import { PositionBitmap } from './position-bitmap.js'
import { positionBytes, readPositionDeletes, readPositionDeletesOf } from './position-delete-file.js'
import type { DeleteFileSource } from './read-delete-file.js'

export interface DeleteLoaderOptions {
  readonly io: FileIO
  readonly engine: ParquetEngine
  readonly metadata: TableMetadata
  /** The schema that data files are read with, which gives key columns their types. Default: the table's current one. */
  readonly schema?: Schema | undefined
  /** Bound on the memory that loaded deletes take. Default 256 MiB. */
  readonly memoryBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The deletes of one data file, in the form that applies them. They are shared: not to be changed. */
export interface FileDeletes {
  /** The rows that vectors and position delete files delete, one bitmap of each: taking rows out by several costs less than their union. */
  readonly positions: readonly PositionBitmap[]
  /** One filter for each set of key columns. */
  readonly equality: readonly EqualityFilter[]
}

/** Takes out the rows that equality deletes name. */
export interface EqualityFilter {
  /** Compiled for batches of a schema, which must have the key columns: see {@link DeleteLoader.keyColumns}. */
  bind(schema: Schema): (batch: RecordBatch, mask: RowMask) => void
}

/** Bound on the memory of loaded deletes. */
export const DEFAULT_DELETE_MEMORY_BYTES = 256 * 2 ** 20
/** Delete files that are fetched side by side for one data file. */
const FILES_AT_ONCE = 6
/** About what a blob of a Puffin footer takes. */
const FOOTER_ENTRY_BYTES = 512
/** Position delete files of more rows are read for one data file at a time, by their row groups. */
const MAX_SHARED_POSITIONS = 16 * 2 ** 20

/**
 * Loads the deletes of data files. A delete file is read once for all the data files that it applies to, as long as there is
 * memory for it; what is least recently used is dropped, and read again when it is needed.
 */
export class DeleteLoader {
  readonly #source: DeleteFileSource
  readonly #metadata: TableMetadata
  readonly #schema: Schema
  readonly #cache: LoadCache
  readonly #equality: EqualityIndex
  readonly #keys = new Map<string, EqualityKey>()

  constructor(options: DeleteLoaderOptions) {
    const { io, engine, metadata, signal } = options
    const memoryBytes = options.memoryBytes ?? DEFAULT_DELETE_MEMORY_BYTES
    this.#source = { io, engine, signal }
    this.#metadata = metadata
    this.#schema = options.schema ?? currentSchema(metadata)
    this.#cache = new LoadCache(memoryBytes)
    this.#equality = new EqualityIndex({ source: this.#source, metadata, cache: this.#cache, memoryBytes, filesAtOnce: FILES_AT_ONCE })
  }

  /** Memory of the deletes that are kept now. */
  get keptBytes(): number {
    return this.#cache.bytes
  }

  /**
   * The key columns of the equality deletes among `deletes`, which applying them takes: columns of the reader's schema, and
   * columns that were dropped since.
   */
  keyColumns(deletes: readonly AppliedDelete[]): readonly NestedField[] {
    let fields: readonly NestedField[] = []
    for (const key of this.#equalityByKey(deletes).keys()) fields = mergeFields(fields, key.dataColumns.fields)
    return fields
  }

  /**
   * Everything that `deletes`, all of those that apply to the data file, delete of it.
   *
   * @throws FloeError `CORRUPT` for a delete file or vector that is damaged or not of this data file; `UNSUPPORTED` for formats that
   * this version does not read
   */
  async load(file: DeleteTarget, deletes: readonly AppliedDelete[]): Promise<FileDeletes> {
    const [positions, equality] = await Promise.all([
      this.#positions(file.filePath, deletes),
      Promise.all([...this.#equalityByKey(deletes)].map(([key, files]) => this.#equality.load(file, key, files))),
    ])
    const filters: EqualityFilter[] = []
    for (const loaded of equality.flat()) {
      if ('set' in loaded) filters.push(equalityFilter(loaded.set, loaded.key, file.sequenceNumber))
      else if (!loaded.positions.isEmpty) positions.push(loaded.positions)
    }
    return { positions, equality: filters }
  }

  /** The rows that the vector or the position delete files among `deletes` delete of a data file; a bitmap of the caller's own. */
  async loadPositions(file: { readonly filePath: string }, deletes: readonly PositionDelete[]): Promise<PositionBitmap> {
    const union = new PositionBitmap()
    for (const found of await this.#positions(file.filePath, deletes)) union.addAll(found)
    return union
  }

  async #positions(dataFilePath: string, deletes: readonly PositionDelete[]): Promise<PositionBitmap[]> {
    const files = deletes.filter((candidate) => candidate.content !== 'equality-deletes')
    const present: PositionBitmap[] = []
    for await (const found of mapOrdered(files, FILES_AT_ONCE - 1, (file) => this.#positionsIn(file, dataFilePath))) {
      if (found !== undefined && !found.isEmpty) present.push(found)
    }
    return present
  }

  async #positionsIn(file: PositionDelete, dataFilePath: string): Promise<PositionBitmap | undefined> {
    if (file.referencedDataFile !== undefined && file.referencedDataFile !== dataFilePath && !isDeletionVector(file)) {
      throw new FloeError('CORRUPT', `The deletes are of another data file, ${file.referencedDataFile}: plan the scan again`, { file: file.filePath })
    }
    if (isDeletionVector(file)) return this.#vector(file, dataFilePath)
    const isHuge = file.recordCount > MAX_SHARED_POSITIONS && file.referencedDataFile === undefined
    if (isHuge) return readPositionDeletesOf(file, dataFilePath, this.#source)
    const sizeOf = (found: ReadonlyMap<string, PositionBitmap>): number => {
      let bytes = 0
      for (const [path, bitmap] of found) bytes += path.length * 2 + positionBytes(bitmap)
      return bytes
    }
    const byPath = await this.#cache.get(`positions\n${file.filePath}`, () => readPositionDeletes(file, this.#source), sizeOf)
    return byPath.get(dataFilePath)
  }

  #vector(file: PositionDelete, dataFilePath: string): Promise<PositionBitmap> {
    const { io, signal } = this.#source
    const { filePath, contentOffset, contentSizeBytes } = file
    // Many vectors share one file, and its footer: which one it is, path, offset and size say together
    const loadFooter = (): Promise<VectorFooter> =>
      this.#cache.get(`footer\n${filePath}`, () => readVectorFooter(io, file, signal), (footer) => footer.size * FOOTER_ENTRY_BYTES)
    const load = (): Promise<PositionBitmap> => loadDeletionVector(io, file, { signal, dataFilePath, loadFooter })
    return this.#cache.get(`vector\n${filePath}\n${contentOffset}+${contentSizeBytes}`, load, positionBytes)
  }

  #equalityByKey(deletes: readonly AppliedDelete[]): Map<EqualityKey, AppliedDelete[]> {
    const byKey = new Map<EqualityKey, AppliedDelete[]>()
    for (const file of deletes) {
      if (file.content !== 'equality-deletes') continue
      const key = this.#keyOf(file)
      const files = byKey.get(key)
      if (files === undefined) byKey.set(key, [file])
      else files.push(file)
    }
    return byKey
  }

  #keyOf(file: AppliedDelete): EqualityKey {
    const name = (file.equalityIds ?? []).join(',')
    let key = this.#keys.get(name)
    if (key === undefined) {
      const resolved = equalityKey(file, this.#schema, this.#metadata)
      // Other orders of the same columns share one key
      key = this.#keys.get(resolved.name) ?? resolved
      this.#keys.set(name, key).set(resolved.name, key)
    }
    return key
  }
}

function equalityFilter(set: EqualitySet, key: EqualityKey, sequenceNumber: bigint): EqualityFilter {
  return {
    bind: (schema) => {
      const columns = key.ids.map((id) => columnByPath(schema, id))
      return (batch, mask) => set.deselect(columns.map((column) => column(batch)), mask, sequenceNumber)
    },
  }
}
