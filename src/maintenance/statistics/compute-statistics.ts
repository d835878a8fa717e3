/**
 * Statistics of snapshots in files of their own: how many distinct values columns have, and what is in each partition. Reading the
 * table never needs them; they say of which snapshot they are, so that whoever uses them can tell how old they are.
 */
import type { RecordBatch } from 'apache-arrow'
import { columnByPath } from '../../arrow/column-by-path.js'
import type { LoadedTable } from '../../catalog/catalog-backend.js'
import type { DmlContext } from '../../dml/dml-context.js'
import type { StatisticsFile, TableMetadata } from '../../metadata/table-metadata.js'
import { schemaById } from '../../metadata/metadata-lookup.js'
import type { NewPuffinBlob } from '../../puffin/puffin-file.js'
import {
  encodeThetaSketch, NDV_PROPERTY, THETA_BLOB_TYPE, ThetaSketch, thetaNdv, uniteThetaSketches, type CompactThetaSketch,
} from '../../puffin/theta-sketch.js'
import { planAppends } from '../../scan/changes/plan-appends.js'
import { planScan } from '../../scan/plan-scan.js'
import { readPlannedFiles } from '../../scan/read-files.js'
import type { ScanPlan } from '../../scan/scan-plan.js'
import { pruneFields } from '../../schema/prune-fields.js'
import { Schema } from '../../schema/schema.js'
import type { NestedField } from '../../schema/type.js'
import { ancestorsOf, indexSnapshots } from '../../snapshot/ancestry.js'
import { branchHead, MAIN_BRANCH, schemaIdOfSnapshot, snapshotById } from '../../snapshot/snapshot-ref.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { FloeError } from '../../util/errors.js'
import { registerStatistics } from './register-statistics.js'
import { isCountable, sketchColumn } from './sketch-column.js'
import { readStatisticsBlob, readStatisticsBlobs, readThetaSketch, writeStatisticsFile } from './statistics-file.js'

/** How far the reading of rows has come. */
export interface StatisticsProgress {
  readonly rows: number
  readonly totalRows: number
}

export interface ComputeStatisticsOptions {
  /** Columns whose distinct values are counted, by name; dots for members of structs. Default: every top-level primitive column. */
  readonly columns?: readonly string[] | undefined
  /** Default: the head of the branch. */
  readonly snapshotId?: bigint | undefined
  readonly branch?: string | undefined
  /** Read all rows, also where statistics of an earlier snapshot and the rows appended since tell as much. Default false. */
  readonly full?: boolean | undefined
  /** Tell what would be read, and compute nothing. */
  readonly dryRun?: boolean | undefined
  readonly onProgress?: ((progress: StatisticsProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** About how many distinct values a column has. */
export interface ColumnStatistics {
  readonly column: string
  readonly fieldId: number
  readonly ndv: bigint
}

export interface ComputeStatisticsResult {
  /** `undefined` for a table without snapshots, and for a dry run. */
  readonly statisticsFile: StatisticsFile | undefined
  readonly snapshotId: bigint | undefined
  /** Of a dry run, empty. */
  readonly columns: readonly ColumnStatistics[]
  /** Rows that were read, or would be: 0 when the snapshot has these statistics already. */
  readonly rowsRead: number
  /** The snapshot whose statistics only rows appended since were added to. */
  readonly basedOn: bigint | undefined
}

/**
 * Counts the distinct values of columns in a snapshot, about, and registers the sketches as its statistics. What its statistics
 * held of other columns stays. Source: `ComputeTableStatsSparkAction`
 *
 * @throws FloeError `NOT_FOUND` for an unknown column, `UNSUPPORTED` for one whose type cannot be counted
 */
export async function computeStatistics(
  context: DmlContext,
  options: ComputeStatisticsOptions,
): Promise<{ readonly result: ComputeStatisticsResult; readonly table: LoadedTable | undefined }> {
  const { metadata, io } = context.loaded
  const { snapshotId, branch = MAIN_BRANCH, signal, dryRun = false } = options
  const snapshot = snapshotId === undefined ? branchHead(metadata, branch) : snapshotById(metadata, snapshotId)
  if (snapshot === undefined) return { result: emptyResult(undefined), table: undefined }
  const schema = schemaById(metadata, schemaIdOfSnapshot(metadata, snapshot.snapshotId))
  const fields = countedFields(schema, options.columns)
  const base = options.full === true ? undefined : await findBase(context, snapshot, fields, signal)
  if (base?.snapshot === snapshot) {
    return { result: resultOf(schema, { file: base.file, sketches: base.sketches, rowsRead: 0, basedOn: undefined }), table: undefined }
  }
  const plan = await planRows(context, { snapshot, schema, base, signal })
  const read = { rowsRead: plan.recordCount, basedOn: base?.snapshot.snapshotId }
  if (dryRun) return { result: { ...emptyResult(snapshot.snapshotId), ...read }, table: undefined }
  const counted = await sketchRows(context, plan, { schema, fields, options })
  const united = (id: number): CompactThetaSketch => {
    const own = counted.get(id)!
    return base === undefined ? own : uniteThetaSketches([own, base.sketches.get(id)!])
  }
  const sketches = new Map(fields.map(({ id }) => [id, united(id)]))
  const blobs = [...sketches].map(([id, sketch]) => sketchBlob(id, sketch, snapshot))
  const kept = await keptBlobs(metadata.statistics.find((file) => file.snapshotId === snapshot.snapshotId), sketches, { io, signal })
  const file = await writeStatisticsFile(snapshot.snapshotId, [...blobs, ...kept], { ...context, io, metadata, signal })
  const table = await registerStatistics(context, file, { update: { action: 'set-statistics', statistics: file }, signal })
  return { result: resultOf(schema, { file, sketches, ...read }), table }
}

/** The columns that are counted. */
export function countedFields(schema: Schema, columns: readonly string[] | undefined): readonly NestedField[] {
  if (columns === undefined) return schema.fields.filter((field) => isCountable(field.type))
  const fields = columns.map((column) => {
    const field = schema.findField(column)
    if (field === undefined) {
      throw new FloeError('NOT_FOUND', `there is no column ${JSON.stringify(column)} to count the values of`, { column })
    }
    // Refuses types that cannot be counted, and what lies within lists and maps.
    sketchColumn(field.type)
    columnByPath(schema, field.id)
    return field
  })
  return [...new Set(fields)]
}

/** Statistics of a snapshot, or of an ancestor since which rows were only appended. */
interface StatisticsBase {
  readonly file: StatisticsFile
  readonly snapshot: Snapshot
  readonly sketches: ReadonlyMap<number, CompactThetaSketch>
}

async function findBase(
  { loaded }: DmlContext,
  head: Snapshot,
  fields: readonly NestedField[],
  signal: AbortSignal | undefined,
): Promise<StatisticsBase | undefined> {
  const { metadata, io } = loaded
  for (const snapshot of ancestorsOf(head.snapshotId, indexSnapshots(metadata.snapshots))) {
    const file = metadata.statistics.find((candidate) => candidate.snapshotId === snapshot.snapshotId)
    const sketches = file === undefined ? undefined : await sketchesOf(file, fields, { io, signal })
    if (file !== undefined && sketches !== undefined && hasSameTypes(metadata, snapshot, head, fields)) return { file, snapshot, sketches }
    // Values that are gone cannot be taken out of a sketch; replacing files changes no values.
    if (snapshot.operation !== 'append' && snapshot.operation !== 'replace') return undefined
  }
  return undefined
}

/** A column that was promoted has other bytes, and so other hashes. */
function hasSameTypes(metadata: TableMetadata, older: Snapshot, newer: Snapshot, fields: readonly NestedField[]): boolean {
  const schemaOf = (snapshot: Snapshot): Schema => schemaById(metadata, schemaIdOfSnapshot(metadata, snapshot.snapshotId))
  const [before, after] = [schemaOf(older), schemaOf(newer)]
  return fields.every((field) => before.fieldById(field.id)?.type.kind === after.fieldById(field.id)?.type.kind)
}

interface BlobSource {
  readonly io: LoadedTable['io']
  readonly signal: AbortSignal | undefined
}

/** The sketches of all the fields; undefined when one is missing, or the file cannot be read. */
async function sketchesOf(
  file: StatisticsFile,
  fields: readonly NestedField[],
  { io, signal }: BlobSource,
): Promise<Map<number, CompactThetaSketch> | undefined> {
  const own = file.blobMetadata.filter((blob) => blob.type === THETA_BLOB_TYPE && blob.snapshotId === file.snapshotId)
  const listed = new Set(own.map((blob) => blob.fields.join()))
  if (!fields.every((field) => listed.has(String(field.id)))) return undefined
  try {
    const blobs = await readStatisticsBlobs(file, io, signal)
    const sketches = new Map<number, CompactThetaSketch>()
    for (const { id } of fields) {
      const blob = blobs.find((candidate) => candidate.type === THETA_BLOB_TYPE && candidate.fields.join() === String(id))
      if (blob === undefined) return undefined
      sketches.set(id, await readThetaSketch(file, blob, io, signal))
    }
    return sketches
  } catch (error) {
    // Statistics are never needed: those that are lost or damaged are computed again.
    if (error instanceof FloeError && error.code !== 'ABORTED') return undefined
    throw error
  }
}

interface RowsQuestion {
  readonly snapshot: Snapshot
  readonly schema: Schema
  readonly base: StatisticsBase | undefined
  readonly signal: AbortSignal | undefined
}

function planRows({ loaded }: DmlContext, { snapshot, schema, base, signal }: RowsQuestion): Promise<ScanPlan> {
  const { io, metadata } = loaded
  if (base === undefined) return planScan({ io, metadata, snapshot, schema, signal })
  const since: Snapshot[] = []
  for (const ancestor of ancestorsOf(snapshot.snapshotId, indexSnapshots(metadata.snapshots))) {
    if (ancestor === base.snapshot) break
    since.push(ancestor)
  }
  const range = { fromSnapshotId: base.snapshot.snapshotId, to: snapshot, snapshots: since.toReversed(), schemaId: schema.schemaId }
  return planAppends({ io, metadata, range, schema, signal })
}

interface SketchRequest {
  readonly schema: Schema
  readonly fields: readonly NestedField[]
  readonly options: ComputeStatisticsOptions
}

async function sketchRows(
  { loaded, engine }: DmlContext,
  plan: ScanPlan,
  { schema, fields, options }: SketchRequest,
): Promise<ReadonlyMap<number, CompactThetaSketch>> {
  const { io, metadata } = loaded
  const { signal, onProgress } = options
  const ids = new Set(fields.map((field) => field.id))
  const projection = new Schema(pruneFields(schema.fields, ids, 'whole'), { schemaId: schema.schemaId })
  const counters = fields.map(({ id, type }) => {
    return { id, column: columnByPath(projection, id), add: sketchColumn(type), sketch: new ThetaSketch() }
  })
  let rows = 0
  const count = (batch: RecordBatch): void => {
    for (const { column, add, sketch } of counters) add(column(batch), sketch)
    rows += batch.numRows
    onProgress?.({ rows, totalRows: plan.recordCount })
  }
  for await (const batch of readPlannedFiles(plan.files(), { io, engine, metadata, schema, projection, signal })) count(batch)
  return new Map(counters.map(({ id, sketch }) => [id, sketch.compact()]))
}

/** Source: Java `NDVSketchUtil.toBlob` */
function sketchBlob(fieldId: number, sketch: CompactThetaSketch, { snapshotId, sequenceNumber }: Snapshot): NewPuffinBlob {
  const properties = new Map([[NDV_PROPERTY, String(thetaNdv(sketch))]])
  return { type: THETA_BLOB_TYPE, fields: [fieldId], snapshotId, sequenceNumber, properties, content: encodeThetaSketch(sketch) }
}

/** What the statistics that are replaced hold beside the sketches that are new. */
async function keptBlobs(
  file: StatisticsFile | undefined,
  sketches: ReadonlyMap<number, CompactThetaSketch>,
  { io, signal }: BlobSource,
): Promise<NewPuffinBlob[]> {
  if (file === undefined) return []
  try {
    const blobs = await readStatisticsBlobs(file, io, signal)
    const others = blobs.filter((blob) => blob.type !== THETA_BLOB_TYPE || blob.fields.length !== 1 || !sketches.has(blob.fields[0]!))
    return await Promise.all(
      others.map(async (blob) => {
        const { type, fields, snapshotId, sequenceNumber, properties } = blob
        return { type, fields, snapshotId, sequenceNumber, properties, content: await readStatisticsBlob(file, blob, io, signal) }
      }),
    )
  } catch (error) {
    if (error instanceof FloeError && error.code !== 'ABORTED') return []
    throw error
  }
}

function emptyResult(snapshotId: bigint | undefined): ComputeStatisticsResult {
  return { statisticsFile: undefined, snapshotId, columns: [], rowsRead: 0, basedOn: undefined }
}

interface Counted extends Pick<ComputeStatisticsResult, 'rowsRead' | 'basedOn'> {
  readonly file: StatisticsFile
  readonly sketches: ReadonlyMap<number, CompactThetaSketch>
}

function resultOf(schema: Schema, done: Counted): ComputeStatisticsResult {
  const columns = [...done.sketches].map(([fieldId, sketch]) => ({ column: schema.pathOf(fieldId)!, fieldId, ndv: thetaNdv(sketch) }))
  return { statisticsFile: done.file, snapshotId: done.file.snapshotId, columns, rowsRead: done.rowsRead, basedOn: done.basedOn }
}
