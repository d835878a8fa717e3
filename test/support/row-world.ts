/** A table whose rows are names, known by file and position: what changes of files mean for rows can be told exactly. */
import type { ChangeFilesOptions, ConflictValidation, DeleteCarrier, FileChanges, VectorMerger } from '../../src/commit/change-files.js'
import type { CommitScript } from './scripted-backend.js'
import { fileKey } from '../../src/manifest/file-identity.js'
import { alwaysTrue, eq } from '../../src/expression/predicates.js'
import type { DataFile } from '../../src/manifest/data-file.js'
import { FloeError } from '../../src/util/errors.js'
import { CommitBench, dataFile, vector } from './commit-bench.js'
import { table } from './metadata-builders.js'

const BY_KIND = { specId: 0, fields: [{ fieldId: 1000, name: 'kind', sourceIds: [3], transform: 'identity' }] } as const

export type RowOperation =
  | { readonly kind: 'append' | 'overwrite partition'; readonly partition: 'x' | 'y'; readonly rows: number }
  | { readonly kind: 'delete' | 'update'; readonly partition: 'x' | 'y'; readonly pick: number; readonly isolation: 'serializable' | 'snapshot' }
  | { readonly kind: 'copy on write' | 'drop'; readonly partition: 'x' | 'y'; readonly pick: number; readonly isolation: 'serializable' | 'snapshot' }
  | { readonly kind: 'compact'; readonly partition: 'x' | 'y'; readonly carries: boolean }

/** A change as it was planned on one version of the table. */
export interface PlannedChange {
  readonly changes: Partial<FileChanges>
  readonly options: Partial<ChangeFilesOptions>
  /** Rows that an update found and replaces: they must still be there when it is committed. */
  readonly replacedRows: readonly string[]
  /** What the change does to the rows of the table that it is committed to. */
  apply(rows: Map<string, string>): void
}

interface OpenFile {
  readonly file: DataFile
  readonly vector: DataFile | undefined
  /** By position; deleted ones are left out. */
  readonly live: ReadonlyMap<number, string>
}

export class RowWorld {
  readonly bench: CommitBench
  /** The partition of every row that should be there. */
  readonly rows = new Map<string, string>()
  readonly #rowsOf = new Map<string, readonly string[]>()
  readonly #positionsOf = new Map<string, ReadonlySet<number>>()
  #next = 0

  constructor(script: readonly CommitScript[] = []) {
    const properties = { 'commit.manifest.min-count-to-merge': '3', 'commit.retry.num-retries': '20' }
    this.bench = new CommitBench({ metadata: table({ formatVersion: 3, spec: BY_KIND, properties }), script })
  }

  async plan(operation: RowOperation): Promise<PlannedChange> {
    const { partition } = operation
    switch (operation.kind) {
      case 'append':
        return this.#insert(partition, operation.rows, {})
      case 'overwrite partition':
        return this.#insert(partition, operation.rows, { replacePartitions: true })
      case 'delete':
      case 'update':
        return this.#mergeOnRead(operation, await this.#files(partition))
      case 'copy on write':
      case 'drop':
        return this.#copyOnWrite(operation, await this.#files(partition))
      case 'compact':
        return this.#compact(partition, operation.carries, await this.#files(partition))
    }
  }

  /** The rows that the current snapshot holds, sorted; a row that is there twice is twice in it. */
  async liveRows(): Promise<readonly string[]> {
    return (await this.#files()).flatMap(({ live }) => [...live.values()]).sort()
  }

  #insert(partition: string, count: number, options: Partial<ChangeFilesOptions>): PlannedChange {
    const names = Array.from({ length: count }, () => this.#name('row'))
    return {
      changes: { addedDataFiles: [this.#newFile(partition, names)] },
      options: { name: 'insert', ...options },
      replacedRows: [],
      apply: (rows) => {
        if (options.replacePartitions === true) for (const [row, of] of rows) if (of === partition) rows.delete(row)
        for (const name of names) rows.set(name, partition)
      },
    }
  }

  #mergeOnRead(operation: Extract<RowOperation, { kind: 'delete' | 'update' }>, files: readonly OpenFile[]): PlannedChange {
    const { partition, kind, isolation, pick } = operation
    const hit = files.map((open) => ({ open, positions: [...open.live.keys()].filter((position) => (position * 7 + pick) % 3 === 0) }))
    const touched = hit.filter(({ positions }) => positions.length > 0)
    const deleted = touched.flatMap(({ open, positions }) => positions.map((position) => open.live.get(position)!))
    const updated = kind === 'update' ? deleted.map(() => this.#name('updated')) : []
    const puffin = this.#name('puffin')
    const vectors = touched.map(({ open, positions }, i) => {
      const earlier = open.vector === undefined ? [] : this.#positionsOf.get(fileKey(open.vector))!
      return this.#newVector(puffin, i, open.file, new Set([...earlier, ...positions]))
    })
    const ours = new Map(touched.map(({ open, positions }) => [open.file.filePath, new Set(positions)]))
    return {
      changes: {
        addedDeleteFiles: vectors,
        removedDeleteFiles: touched.flatMap(({ open }) => open.vector ?? []),
        addedDataFiles: updated.length > 0 ? [this.#newFile(partition, updated)] : [],
      },
      options: {
        name: kind,
        validation: this.#validation(partition, isolation, kind === 'delete'),
        mergeVectors: this.#merger(kind === 'update' ? ours : new Map()),
      },
      replacedRows: kind === 'update' ? deleted : [],
      apply: (rows) => {
        for (const row of deleted) rows.delete(row)
        for (const row of updated) rows.set(row, partition)
      },
    }
  }

  #copyOnWrite(operation: Extract<RowOperation, { kind: 'copy on write' | 'drop' }>, files: readonly OpenFile[]): PlannedChange {
    const { partition, kind, isolation, pick } = operation
    const goes = (position: number): boolean => kind === 'drop' || (position + pick) % 3 === 0
    const touched = files.filter((_, i) => (i + pick) % 2 === 0)
    const deleted = touched.flatMap(({ live }) => [...live].filter(([position]) => goes(position)).map(([, row]) => row))
    const kept = touched.flatMap(({ live }) => [...live].filter(([position]) => !goes(position)).map(([, row]) => row))
    return {
      changes: {
        removedDataFiles: touched.map(({ file }) => file),
        addedDataFiles: kept.length > 0 ? [this.#newFile(partition, kept)] : [],
      },
      options: { name: 'delete', validation: this.#validation(partition, isolation, true) },
      replacedRows: [],
      apply: (rows) => { for (const row of deleted) rows.delete(row) },
    }
  }

  #compact(partition: string, carries: boolean, files: readonly OpenFile[]): PlannedChange {
    const names = files.flatMap(({ live }) => [...live.values()])
    const output = names.length > 0 ? [this.#newFile(partition, names)] : []
    const dropped = files.reduce((sum, { file }) => sum + file.recordCount, 0) - names.length
    const known = new Map(files.map((open) => [open.file.filePath, open]))
    const carry: DeleteCarrier = (newDeletes) => {
      const positions = new Set<number>()
      for (const { replaced, deletes } of newDeletes) {
        for (const { file } of deletes) {
          for (const position of this.#positionsOf.get(fileKey(file))!) {
            const row = known.get(replaced.filePath)!.live.get(position)
            if (row !== undefined) positions.add(names.indexOf(row))
          }
        }
      }
      return Promise.resolve(output.map((file, i) => this.#newVector(this.#name('carried'), i, file, positions)))
    }
    return {
      changes: { removedDataFiles: files.map(({ file }) => file), addedDataFiles: output },
      options: {
        name: 'compaction', operation: 'replace', droppedRowCount: dropped,
        validation: this.#validation(partition, 'snapshot', true),
        dataSequenceNumber: this.bench.backend.metadata.lastSequenceNumber,
        ...(carries ? { carryDeletes: carry } : {}),
      },
      replacedRows: [],
      apply: () => undefined,
    }
  }

  #validation(partition: string, isolation: 'serializable' | 'snapshot', allowConcurrentDeletes: boolean): ConflictValidation {
    return {
      startingSnapshotId: this.bench.backend.metadata.currentSnapshotId,
      isolation,
      conflictFilter: partition === '' ? alwaysTrue() : eq('kind', partition),
      allowConcurrentDeletes,
    }
  }

  /** An update may not replace a row that others deleted: `updated` are the positions that it replaces, by file. */
  #merger(updated: ReadonlyMap<string, ReadonlySet<number>>): VectorMerger {
    return (conflicts) => {
      const puffin = this.#name('merged')
      return Promise.resolve(conflicts.map(({ dataFile: target, ours, theirs }, i) => {
        const positions = new Set(this.#positionsOf.get(fileKey(ours)))
        for (const { file } of theirs) {
          for (const position of this.#positionsOf.get(fileKey(file))!) {
            if (updated.get(target)?.has(position) === true) throw new FloeError('CONFLICT', 'the row was deleted', { retryable: false })
            positions.add(position)
          }
        }
        return this.#newVector(puffin, i, { filePath: target, partition: ours.partition }, positions)
      }))
    }
  }

  #newFile(partition: string, names: readonly string[]): DataFile {
    const filePath = this.#name('data')
    this.#rowsOf.set(filePath, names)
    return dataFile(filePath, { partition: [partition], recordCount: names.length })
  }

  #newVector(
    puffin: string,
    index: number,
    target: Pick<DataFile, 'filePath' | 'partition'>,
    positions: ReadonlySet<number>,
  ): DataFile {
    const place = { partition: target.partition, contentOffset: 4 + index * 40 }
    const file = vector(puffin, target.filePath, { ...place, recordCount: positions.size })
    this.#positionsOf.set(fileKey(file), positions)
    return file
  }

  /** The live files of a partition, or of all, with their live rows. Throws for two vectors of one file, and for one of none. */
  async #files(partition?: string): Promise<readonly OpenFile[]> {
    const entries = (await this.bench.entries()).filter((entry) => entry.status !== 'deleted').map((entry) => entry.dataFile)
    const vectors = new Map<string, DataFile>()
    for (const file of entries) {
      if (file.content === 'data') continue
      if (vectors.has(file.referencedDataFile!)) throw new Error(`two live vectors of ${file.referencedDataFile!}`)
      vectors.set(file.referencedDataFile!, file)
    }
    const data = entries.filter((file) => file.content === 'data')
    const paths = new Set(data.map((file) => file.filePath))
    for (const target of vectors.keys()) if (!paths.has(target)) throw new Error(`a vector of ${target}, which is gone`)
    return data.filter((file) => partition === undefined || file.partition[0] === partition).map((file) => {
      const found = vectors.get(file.filePath)
      const deleted = found === undefined ? new Set<number>() : this.#positionsOf.get(fileKey(found))!
      const live = [...this.#rowsOf.get(file.filePath)!.entries()].filter(([position]) => !deleted.has(position))
      return { file, vector: found, live: new Map(live) }
    })
  }

  #name(kind: string): string {
    return `${kind}-${this.#next++}`
  }
}
