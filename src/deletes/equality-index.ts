import { createHash } from 'node:crypto'
import { columnByPath } from '../arrow/column-by-path.js'
import { fullMask } from '../arrow/row-mask.js'
import { mapOrdered } from '../io/ordered-prefetch.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { partitionKey } from '../partition/partition-key.js'
import type { PartitionSpec } from '../partition/partition-spec.js'
import type { Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import type { AppliedDelete, DeleteTarget } from './delete-file.js'
import type { EqualityKey } from './equality-key.js'
import { EqualitySet } from './equality-set.js'
import type { LoadCache } from './load-cache.js'
import { PositionBitmap } from './position-bitmap.js'
import { readDeleteFile } from './read-delete-file.js'
import type { DeleteFileSource } from './read-delete-file.js'

export interface EqualityIndexOptions {
  readonly source: DeleteFileSource
  readonly metadata: TableMetadata
  readonly cache: LoadCache
  readonly memoryBytes: number
  readonly filesAtOnce: number
}

/** The equality deletes of one data file and one set of key columns: as keys, or as the rows that they delete. */
export type LoadedEquality = { readonly set: EqualitySet; readonly key: EqualityKey } | { readonly positions: PositionBitmap }

/** The keys of all delete files of one scope that were needed so far. */
interface SharedSet {
  readonly set: EqualitySet
  /** By location: under way, or in the set. */
  readonly files: Map<string, Promise<void> | 'loaded'>
}

/** Delete files of one scope. */
interface Scope {
  readonly name: string
  readonly files: readonly AppliedDelete[]
}

/**
 * Loads equality deletes into hash sets, one for each set of key columns and each scope: the whole snapshot for deletes of
 * unpartitioned specs, else a partition. A set grows with the files that are asked for. It may hold more deletes than a data
 * file's own: those are too old for it, which their sequence numbers tell, or metrics say that they match none of its rows.
 */
export class EqualityIndex {
  readonly #options: EqualityIndexOptions
  readonly #unpartitioned: ReadonlySet<number>

  constructor(options: EqualityIndexOptions) {
    this.#options = options
    this.#unpartitioned = new Set(options.metadata.partitionSpecs.filter(isUnpartitioned).map((spec) => spec.specId))
  }

  /** The deletes in `files`, all of one key, that apply to a data file. */
  async load(target: DeleteTarget, key: EqualityKey, files: readonly AppliedDelete[]): Promise<readonly LoadedEquality[]> {
    const global = files.filter((file) => this.#unpartitioned.has(file.specId))
    const local = files.filter((file) => !this.#unpartitioned.has(file.specId))
    const scopes = [
      { name: target.snapshotId === undefined ? listName(global) : `${target.snapshotId} global`, files: global },
      { name: target.snapshotId === undefined ? listName(local) : `${target.snapshotId} ${target.specId}/${partitionKey(target.partition)}`, files: local },
    ]
    return Promise.all(scopes.filter((scope) => scope.files.length > 0).map((scope) => this.#loadScope(target, key, scope)))
  }

  async #loadScope(target: DeleteTarget, key: EqualityKey, scope: Scope): Promise<LoadedEquality> {
    const fits = estimatedBytes(key.types, scope.files) <= this.#options.memoryBytes
    const set = fits ? await this.#sharedSet(key, scope) : undefined
    return set === undefined ? { positions: await this.#matchedRows(target, key, scope.files) } : { set, key }
  }

  /** The set of a scope, with the keys of its files; undefined when they take more memory than there is. */
  async #sharedSet(key: EqualityKey, scope: Scope): Promise<EqualitySet | undefined> {
    const { cache, memoryBytes, filesAtOnce } = this.#options
    const name = `keys\n${key.name}\n${scope.name}`
    const make = (): Promise<SharedSet> => Promise.resolve({ set: new EqualitySet(key.types), files: new Map() })
    let kept = cache.get(name, make, ({ set }) => set.bytes)
    const { set, files } = await kept
    const missing = scope.files.filter((file) => !files.has(file.filePath))
    if (missing.length > 0 && set.size > 0 && set.bytes + estimatedBytes(key.types, missing) > memoryBytes) {
      // A fresh set of this data file's own deletes: the one of all would outgrow the memory
      kept = cache.replace(name, make)
    }
    const shared = await kept
    const pending = scope.files.filter((file) => shared.files.get(file.filePath) !== 'loaded')
    for await (const _ of mapOrdered(pending, filesAtOnce - 1, (file) => this.#loaded(shared, key, file))) {
      if (shared.set.bytes > memoryBytes) {
        cache.drop(name, kept)
        return undefined
      }
      cache.resize(name, kept, shared.set.bytes)
    }
    return shared.set
  }

  #loaded(shared: SharedSet, key: EqualityKey, file: AppliedDelete): Promise<void> {
    const started = shared.files.get(file.filePath)
    if (started !== undefined) return started === 'loaded' ? Promise.resolve() : started
    const loading = this.#addKeys(shared.set, key, file)
    shared.files.set(file.filePath, loading)
    loading.then(
      () => shared.files.set(file.filePath, 'loaded'),
      () => shared.files.delete(file.filePath),
    )
    return loading
  }

  async #addKeys(set: EqualitySet, key: EqualityKey, file: AppliedDelete): Promise<void> {
    const columns = key.ids.map((id) => columnByPath(key.deleteColumns, id))
    for await (const { batch } of readDeleteFile(file, { projection: key.deleteColumns }, this.#options.source)) {
      // Whoever waits for the set sees that it is too large, and does without
      if (set.bytes > this.#options.memoryBytes) return
      set.add(columns.map((column) => column(batch)), batch.numRows, file.sequenceNumber)
    }
  }

  /** Looks the keys up in the data file's rows, as many keys at a time as there is memory for. */
  async #matchedRows(target: DeleteTarget, key: EqualityKey, files: readonly AppliedDelete[]): Promise<PositionBitmap> {
    const positions = new PositionBitmap()
    const columns = key.ids.map((id) => columnByPath(key.deleteColumns, id))
    let set = new EqualitySet(key.types)
    for (const file of files) {
      for await (const { batch } of readDeleteFile(file, { projection: key.deleteColumns }, this.#options.source)) {
        set.add(columns.map((column) => column(batch)), batch.numRows, file.sequenceNumber)
        if (set.bytes <= this.#options.memoryBytes / 2) continue
        await markMatches(target, key, set, positions)
        set = new EqualitySet(key.types)
      }
    }
    if (set.size > 0) await markMatches(target, key, set, positions)
    return positions
  }
}

async function markMatches(target: DeleteTarget, key: EqualityKey, set: EqualitySet, positions: PositionBitmap): Promise<void> {
  if (target.readColumns === undefined) {
    throw new FloeError('UNSUPPORTED', 'The equality deletes of the file exceed the memory for deletes: give more, or compact the table', { file: target.filePath })
  }
  const columns = key.ids.map((id) => columnByPath(key.dataColumns, id))
  for await (const { batch, firstPosition } of target.readColumns(key.dataColumns)) {
    const mask = fullMask(batch.numRows)
    set.deselect(columns.map((column) => column(batch)), mask, target.sequenceNumber)
    for (let row = mask.indexOf(0); row >= 0; row = mask.indexOf(0, row + 1)) positions.add(firstPosition + row)
  }
}

/** A name that the same delete files alone have. */
function listName(files: readonly AppliedDelete[]): string {
  const hash = createHash('sha256')
  for (const { filePath, sequenceNumber } of files) hash.update(`${filePath.length} ${filePath} ${sequenceNumber}\n`)
  return hash.digest('hex')
}

/** Beside the bytes of its value: hash, end, sequence number, slots and filter. */
const KEY_OVERHEAD_BYTES = 40
/** Of texts, whose length nothing tells in advance. */
const TEXT_BYTES = 24

function estimatedBytes(types: readonly Type[], files: readonly AppliedDelete[]): number {
  const keyBytes = types.reduce((sum, type) => sum + valueBytes(type), KEY_OVERHEAD_BYTES)
  let rows = 0
  for (const file of files) rows += file.recordCount
  return rows * keyBytes
}

function valueBytes(type: Type): number {
  if (type.kind === 'string' || type.kind === 'binary') return TEXT_BYTES
  if (type.kind === 'fixed') return type.length + 5
  return type.kind === 'decimal' || type.kind === 'uuid' ? 21 : 9
}

/** Void fields of version 1 tables partition nothing. */
function isUnpartitioned(spec: PartitionSpec): boolean {
  return spec.fields.every((field) => field.transform === 'void')
}
