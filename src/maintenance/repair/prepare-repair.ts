import { fileKey, isVector } from '../../manifest/file-identity.js'
import { readManifest, readManifestFiles } from '../../commit/manifest-input.js'
import { loadDeletionVector } from '../../deletes/deletion-vector.js'
import { PositionBitmap } from '../../deletes/position-bitmap.js'
import type { DmlContext } from '../../dml/dml-context.js'
import { mapParallel } from '../../io/bounded-parallel.js'
import { mapOrdered } from '../../io/ordered-prefetch.js'
import type { DataFile, ManifestEntry } from '../../manifest/data-file.js'
import { STATUS_DELETED } from '../../manifest/manifest-entries.js'
import { readFooter } from '../../parquet/read-footer.js'
import { branchHead } from '../../snapshot/snapshot-ref.js'
import { FloeError } from '../../util/errors.js'
import { writeDeletionVectors } from '../../write/deletion-vector-writer.js'
import { fileMetrics } from '../../write/file-metrics.js'
import { readMetricsConfig, type MetricsConfig } from '../../write/metrics-config.js'
import { rowGroupOffsets } from '../fsck/check-parquet-file.js'
import { measureFile } from '../fsck/measure-file.js'
import { placeKey, type PreparedRepair } from './repair-editor.js'
import type { RepairStep } from './repair-plan.js'

const FILES_AT_ONCE = 2
const MANIFESTS_AHEAD = 3
const WHOLE_BOUNDS: MetricsConfig = { modeOf: () => ({ kind: 'full' }) }

/** Measures the files, and unites the vectors, that the steps are about and that are live in a branch. */
export async function prepareRepair(
  context: DmlContext,
  branch: string,
  steps: readonly RepairStep[],
  signal: AbortSignal | undefined,
): Promise<PreparedRepair> {
  const stepsOf = (action: RepairStep['action']): readonly RepairStep[] => steps.filter((step) => step.action === action)
  const toMeasure = new Set(stepsOf('measure-file').map(({ finding }) => placeKey(finding.file!, finding.offset)))
  const toUnite = new Set(stepsOf('unite-vectors').flatMap(({ finding }) => finding.dataFile ?? []))
  const measurable = new Map<string, DataFile>()
  const vectors = new Map<string, DataFile[]>()
  const dataFiles = new Map<string, DataFile>()
  for await (const { dataFile: file } of liveEntries(context, branch, signal)) {
    if (toMeasure.has(placeKey(file.filePath, file.contentOffset))) measurable.set(fileKey(file), file)
    if (toUnite.has(file.filePath)) dataFiles.set(file.filePath, file)
    const target = isVector(file) ? file.referencedDataFile : undefined
    if (target !== undefined && toUnite.has(target)) vectors.set(target, [...(vectors.get(target) ?? []), file])
  }
  const measure = async ([key, file]: readonly [string, DataFile]): Promise<readonly [string, DataFile]> => {
    return [key, await remeasured(context, file, signal)]
  }
  const measured = await mapParallel([...measurable], FILES_AT_ONCE, measure)
  const united = [...vectors].filter(([path]) => dataFiles.has(path))
  return {
    measured: new Map(measured),
    united: new Map(united.map(([path, files]) => [path, new Set(files.map(fileKey))])),
    addedDeletes: await uniteVectors(context, united.map(([path, all]) => ({ dataFile: dataFiles.get(path)!, vectors: all })), signal),
  }
}

/** The live entries of a branch, data before deletes. */
export async function* liveEntries(context: DmlContext, branch: string, signal: AbortSignal | undefined): AsyncGenerator<ManifestEntry> {
  const { loaded } = context
  const manifests = await readManifestFiles(loaded, branchHead(loaded.metadata, branch), { signal })
  const inOrder = [...manifests].sort((a, b) => Number(a.content === 'deletes') - Number(b.content === 'deletes'))
  for await (const entries of mapOrdered(inOrder, MANIFESTS_AHEAD, (manifest) => readManifest(loaded, manifest, { signal }))) {
    for (let i = 0; i < entries.count; i++) if (entries.status[i] !== STATUS_DELETED) yield entries.entry(i)
  }
}

/** The file with its size, counts, bounds and split offsets as they are. */
async function remeasured(context: DmlContext, file: DataFile, signal: AbortSignal | undefined): Promise<DataFile> {
  const { io, metadata } = context.loaded
  const status = await io.head(file.filePath)
  if (status === undefined) throw new FloeError('NOT_FOUND', 'The file is gone: check the table again', { file: file.filePath })
  const sized = { ...file, fileSizeBytes: status.sizeBytes }
  if (isVector(file)) return sized
  const { metrics, rows, schema, isSorted } = await measureFile(context, sized, signal)
  const config = file.content === 'data' ? readMetricsConfig(metadata.properties, schema) : WHOLE_BOUNDS
  const place = { io, location: file.filePath, fileSizeBytes: status.sizeBytes, signal }
  const splitOffsets = file.fileFormat === 'parquet' ? rowGroupOffsets(await readFooter(place)) : file.splitOffsets
  return {
    ...sized,
    recordCount: rows,
    splitOffsets,
    sortOrderId: isSorted === false ? undefined : file.sortOrderId,
    ...fileMetrics(metrics, schema, config),
  }
}

interface VectorsOfFile {
  readonly dataFile: DataFile
  readonly vectors: readonly DataFile[]
}

/** One vector of all, for each data file, of rows that it has. */
async function uniteVectors(
  context: DmlContext,
  files: readonly VectorsOfFile[],
  signal: AbortSignal | undefined,
): Promise<readonly DataFile[]> {
  if (files.length === 0) return []
  const { loaded, runtime } = context
  const targets = await mapParallel(files, FILES_AT_ONCE, async ({ dataFile, vectors }) => {
    const positions = new PositionBitmap()
    for (const vector of vectors) positions.addAll(await loadDeletionVector(loaded.io, vector, { signal }))
    return { dataFile, positions: await withinFile(context, dataFile, positions, signal) }
  })
  return writeDeletionVectors(targets, { io: loaded.io, metadata: loaded.metadata, runtime, signal })
}

/** Without positions that the file does not have. What its entry says of its rows may be wrong itself: the file is asked. */
async function withinFile(
  context: DmlContext,
  { filePath: location, fileFormat, recordCount }: DataFile,
  positions: PositionBitmap,
  signal: AbortSignal | undefined,
): Promise<PositionBitmap> {
  if (fileFormat !== 'parquet' || positions.last === undefined || positions.last < recordCount) return positions
  const { io } = context.loaded
  const status = await io.head(location)
  if (status === undefined) throw new FloeError('NOT_FOUND', 'The file is gone: check the table again', { file: location })
  const { numRows } = await readFooter({ io, location, fileSizeBytes: status.sizeBytes, signal })
  const rows = new PositionBitmap()
  if (numRows > 0) rows.addRange(0, numRows)
  return positions.intersection(rows)
}
