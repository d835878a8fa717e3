import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { Schema } from '../schema/schema.js'
import { currentSchema, schemaById } from '../metadata/metadata-lookup.js'
import { schemaIdOfSnapshot, snapshotById, snapshotOfRef, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { checkArgument, checkNames, checkOptional, namesOf } from './checked-arguments.js'
import { namingTableAsync } from './named-errors.js'
import { type EntryRow, entryRows, fileRows } from './inspect/entry-tables.js'
import type { FileRow } from './inspect/file-row.js'
import { allManifestRows, type AllManifestsRow, type ManifestRow, manifestRows } from './inspect/manifest-table.js'
import { type PartitionRow, partitionRows } from './inspect/partition-table.js'
import { statisticsRows, type StatisticsRow } from './inspect/statistics-table.js'
import { schemaRows } from './inspect/schema-table.js'
import {
  historyRows,
  metadataLogRows,
  propertyRows,
  refRows,
  snapshotRows,
  type HistoryRow,
  type MetadataLogRow,
  type PropertyRow,
  type RefRow,
  type SchemaRow,
  type SnapshotRow,
} from './inspect/snapshot-tables.js'

/** Of which state to tell; by default the current one. At most one member. */
export interface InspectOptions {
  readonly snapshotId?: bigint | undefined
  readonly ref?: string | undefined
}

const INSPECT_NAMES = namesOf<InspectOptions>()({ snapshotId: true, ref: true })

/**
 * A table's metadata as rows, the columns named as in the reference's metadata tables. What is asked of a snapshot is
 * asked with that snapshot's schema.
 */
export class TableInspection {
  readonly #table: LoadedTable
  readonly #branch: string

  /** @param branch whose head is told of unless a call names another state */
  constructor(table: LoadedTable, branch: string = MAIN_BRANCH) {
    this.#table = table
    this.#branch = branch
  }

  /** Every snapshot that the metadata still has, in the order of the metadata. */
  snapshots(): SnapshotRow[] {
    return snapshotRows(this.#table.metadata)
  }

  /** Which snapshot was current when, oldest first. */
  history(): HistoryRow[] {
    return historyRows(this.#table.metadata)
  }

  refs(): RefRow[] {
    return refRows(this.#table.metadata)
  }

  /** The metadata files of earlier versions that the log still names, and the current one. */
  metadataLog(): MetadataLogRow[] {
    return metadataLogRows(this.#table.metadata, this.#table.metadataLocation)
  }

  /** Every field of every schema. */
  schemas(): SchemaRow[] {
    return schemaRows(this.#table.metadata)
  }

  properties(): PropertyRow[] {
    return propertyRows(this.#table.metadata)
  }

  /** Sketches and partition statistics that are registered, and how far they are behind. */
  statistics(): StatisticsRow[] {
    return statisticsRows(this.#table.metadata)
  }

  async manifests(options: InspectOptions = {}): Promise<ManifestRow[]> {
    return this.#named(() => manifestRows(this.#table, this.#snapshotOf(options)))
  }

  /** The manifests of every snapshot; one that several have is told once for each. */
  async allManifests(): Promise<AllManifestsRow[]> {
    return this.#named(() => allManifestRows(this.#table))
  }

  /** Manifest entries, deleted ones included. */
  async entries(options: InspectOptions = {}): Promise<EntryRow[]> {
    return this.#named(() => entryRows(this.#table, ...this.#source(options)))
  }

  /** Entries of every manifest that any snapshot has, each manifest once. */
  async allEntries(): Promise<EntryRow[]> {
    return this.#named(() => entryRows(this.#table, this.#table.metadata.snapshots, this.#currentSchema()))
  }

  /** Live files, data and deletes. */
  async files(options: InspectOptions = {}): Promise<FileRow[]> {
    return this.#named(() => fileRows(this.#table, ...this.#source(options), 'all'))
  }

  async dataFiles(options: InspectOptions = {}): Promise<FileRow[]> {
    return this.#named(() => fileRows(this.#table, ...this.#source(options), 'data'))
  }

  /** Position and equality delete files, and deletion vectors. */
  async deleteFiles(options: InspectOptions = {}): Promise<FileRow[]> {
    return this.#named(() => fileRows(this.#table, ...this.#source(options), 'deletes'))
  }

  /** Files that are live in any snapshot, each once. */
  async allFiles(): Promise<FileRow[]> {
    return this.#named(() => fileRows(this.#table, this.#table.metadata.snapshots, this.#currentSchema(), 'all'))
  }

  async allDataFiles(): Promise<FileRow[]> {
    return this.#named(() => fileRows(this.#table, this.#table.metadata.snapshots, this.#currentSchema(), 'data'))
  }

  async allDeleteFiles(): Promise<FileRow[]> {
    return this.#named(() => fileRows(this.#table, this.#table.metadata.snapshots, this.#currentSchema(), 'deletes'))
  }

  /** Live files summed up by partition. */
  async partitions(options: InspectOptions = {}): Promise<PartitionRow[]> {
    return this.#named(() => {
      const snapshot = this.#snapshotOf(options)
      return partitionRows(this.#table, snapshot, this.#schemaOf(snapshot))
    })
  }

  #named<T>(work: () => Promise<T>): Promise<T> {
    return namingTableAsync(this.#table.identifier, work)
  }

  #snapshotOf(options: InspectOptions): Snapshot | undefined {
    checkArgument(options, 'object', 'The options of an inspection')
    checkNames(options, INSPECT_NAMES, 'An inspection')
    const { metadata } = this.#table
    const { snapshotId, ref = this.#branch } = options
    checkArgument(ref, 'string', 'The name of a branch or tag')
    checkOptional(snapshotId, 'bigint', 'The id of a snapshot')
    return snapshotId === undefined ? snapshotOfRef(metadata, ref) : snapshotById(metadata, snapshotId)
  }

  #source(options: InspectOptions): [snapshots: readonly Snapshot[], schema: Schema] {
    const snapshot = this.#snapshotOf(options)
    const isPast = options.snapshotId !== undefined
    return [snapshot === undefined ? [] : [snapshot], isPast ? this.#schemaOf(snapshot) : this.#currentSchema()]
  }

  #schemaOf(snapshot: Snapshot | undefined): Schema {
    const { metadata } = this.#table
    const id = snapshot === undefined ? metadata.currentSchemaId : schemaIdOfSnapshot(metadata, snapshot.snapshotId)
    return schemaById(metadata, id)
  }

  #currentSchema(): Schema {
    return currentSchema(this.#table.metadata)
  }
}
