import type { LoadedTable, RemoteScanFile } from '../catalog/catalog-backend.js'
import type { DeleteFile } from '../deletes/delete-file.js'
import { bind } from '../expression/bind.js'
import type { BoundExpression, Expression } from '../expression/expression.js'
import { printExpression } from '../expression/expression-json.js'
import type { DataFile } from '../manifest/data-file.js'
import type { Schema } from '../schema/schema.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { bindFilter, splitOptionsOf } from './plan-scan.js'
import { ScanPlan, type PlannedEntries, type PlannedSelection } from './scan-plan.js'
import { ReportBuilder } from './scan-report.js'
import { SpecFilters } from './spec-filter.js'

export interface RemotePlanRequest {
  readonly table: LoadedTable
  readonly snapshot: Snapshot | undefined
  readonly schema: Schema
  readonly usesSnapshotSchema: boolean
  readonly filter?: Expression | undefined
  readonly caseSensitive?: boolean | undefined
  /** By their path; absent for all. */
  readonly columns?: readonly string[] | undefined
  readonly metadataColumns?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
}

const LAST_UPDATED = '_last_updated_sequence_number'
/** Deletes that come with a file are those that apply to it: their numbers only have to be higher than the file's. */
const [DATA_SEQUENCE, DELETE_SEQUENCE] = [0n, 1n]

/**
 * A plan that the catalog made. The tasks are the same as those that are planned here, but for what the protocol leaves out: sequence
 * numbers. Rows are filtered here as well, by what the catalog says is left of the filter.
 */
export async function planRemoteScan(request: RemotePlanRequest): Promise<ScanPlan> {
  const { table, snapshot, schema, caseSensitive = true, columns = [], signal, usesSnapshotSchema } = request
  if (request.metadataColumns?.includes(LAST_UPDATED) === true) {
    throw new FloeError('UNSUPPORTED', `${LAST_UPDATED} cannot be read where the catalog plans scans: it does not tell sequence numbers`)
  }
  const filter = bindFilter(request)
  const files =
    snapshot === undefined
      ? []
      : await table.planRemotely!({
          metadata: table.metadata,
          snapshotId: snapshot.snapshotId,
          schemaId: schema.schemaId,
          usesSnapshotSchema,
          select: columns,
          filter: printExpression(filter),
          caseSensitive,
          signal,
        })
  const report = new ReportBuilder(false)
  const filters = new SpecFilters(table.metadata, schema, filter)
  const selections = [...bySpec(files)].map(([specId, own]) => {
    const filterOfSpec = filters.of(specId, own[0]!.dataFile.filePath)
    return selectionOf(own, filterOfSpec, (residual) => bind(residual, schema, { caseSensitive }))
  })
  for (const { entries, selected, deletes } of selections) {
    report.countRead(selected.length, selected.reduce((sum, i) => sum + entries.fileSizeBytes[i]!, 0))
    report.countDeletes(deletes!.values())
  }
  return new ScanPlan({ snapshot, schema, filter, selections, report: report.finish(), splitOptions: splitOptionsOf(table.metadata) })
}

function bySpec(files: readonly RemoteScanFile[]): ReadonlyMap<number, RemoteScanFile[]> {
  const groups = new Map<number, RemoteScanFile[]>()
  for (const file of files) {
    const group = groups.get(file.dataFile.specId)
    if (group === undefined) groups.set(file.dataFile.specId, [file])
    else group.push(file)
  }
  return groups
}

function selectionOf(
  files: readonly RemoteScanFile[],
  filter: PlannedSelection['filter'],
  bound: (residual: Expression) => BoundExpression,
): PlannedSelection {
  const known = new Map<DataFile, DeleteFile>()
  const numbered = (file: DataFile): DeleteFile => {
    const found = known.get(file) ?? { ...file, sequenceNumber: DELETE_SEQUENCE }
    known.set(file, found)
    return found
  }
  const deletes = new Map<number, readonly DeleteFile[]>()
  const residuals = new Map<number, BoundExpression>()
  files.forEach((file, i) => {
    if (file.deletes.length > 0) deletes.set(i, file.deletes.map(numbered))
    if (file.residual !== undefined) residuals.set(i, bound(file.residual))
  })
  const selected = Uint32Array.from(files, (_, i) => i)
  return { keepsStats: true, entries: new RemoteEntries(files.map(({ dataFile }) => dataFile)), filter, selected, deletes, residuals }
}

/** Data files of one spec, as if a manifest had listed them. */
class RemoteEntries implements PlannedEntries {
  readonly specId: number
  readonly recordCount: readonly number[]
  readonly fileSizeBytes: readonly number[]
  readonly sequenceNumber: readonly bigint[]
  readonly #files: readonly DataFile[]

  constructor(files: readonly DataFile[]) {
    this.#files = files
    this.specId = files[0]!.specId
    this.recordCount = files.map(({ recordCount }) => recordCount)
    this.fileSizeBytes = files.map(({ fileSizeBytes }) => fileSizeBytes)
    this.sequenceNumber = files.map(() => DATA_SEQUENCE)
  }

  filePath(i: number): string {
    return this.#files[i]!.filePath
  }

  fileFormat(i: number): DataFile['fileFormat'] {
    return this.#files[i]!.fileFormat
  }

  partition(i: number): DataFile['partition'] {
    return this.#files[i]!.partition
  }

  firstRowId(i: number): bigint | undefined {
    return this.#files[i]!.firstRowId
  }

  splitOffsets(i: number): readonly number[] | undefined {
    return this.#files[i]!.splitOffsets
  }

  dataFile(i: number): DataFile {
    return this.#files[i]!
  }
}
