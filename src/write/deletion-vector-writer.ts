import {
  CARDINALITY_PROPERTY, DELETION_VECTOR_BLOB_TYPE, encodeVectorBlob, REFERENCED_DATA_FILE_PROPERTY,
} from '../deletes/deletion-vector.js'
import type { PositionBitmap } from '../deletes/position-bitmap.js'
import { throwIfAborted } from '../io/aborted.js'
import type { DataFile } from '../manifest/data-file.js'
import { readInteger, tableProperties } from '../metadata/table-properties.js'
import { encodePuffinFile, type NewPuffinBlob } from '../puffin/puffin-file.js'
import { ROW_POSITION_FIELD } from '../schema/reserved-fields.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { CREATED_BY, type DeleteWriteContext, newDeleteLocations } from './delete-file-context.js'

const MAX_NAMES = 3

/** Rows of one data file that are to be deleted. */
export interface PositionDeleteTarget {
  readonly dataFile: Pick<DataFile, 'filePath' | 'specId' | 'partition'>
  /** All of them: a vector replaces what was before. */
  readonly positions: PositionBitmap
}

/**
 * Writes deletion vectors, one for each data file; vectors share Puffin files of about `write.delete.target-file-size-bytes`.
 * Targets without positions are left out. The entries come in the order of the targets.
 * Spec: Deletion Vectors. Source: Java `BaseDVFileWriter`
 *
 * @throws FloeError `INVALID` when a data file is named twice, or in a table of format version 1 or 2
 */
export async function writeDeletionVectors(
  targets: readonly PositionDeleteTarget[],
  context: Omit<DeleteWriteContext, 'engine'>,
): Promise<readonly DataFile[]> {
  const { metadata, io } = context
  checkVectorTargets(targets, metadata.formatVersion)
  const targetBytes = readInteger(metadata.properties, tableProperties.deleteTargetFileSizeBytes)
  const newLocation = newDeleteLocations(context, 'puffin')
  const written: DataFile[] = []
  let open: VectorBlob[] = []
  let openBytes = 0
  const writeOpen = async (): Promise<void> => {
    const vectors = open
    open = []
    openBytes = 0
    written.push(...await writeVectorFile(newLocation, vectors, context))
  }
  try {
    for (const target of targets) {
      if (target.positions.isEmpty) continue
      const blob = vectorBlob(target)
      open.push({ target, blob })
      openBytes += blob.content.length
      if (openBytes >= targetBytes) await writeOpen()
    }
    if (open.length > 0) await writeOpen()
    return written
  } catch (error) {
    await io.delete([...new Set(written.map((file) => file.filePath))]).catch(() => undefined)
    throw error
  }
}

interface VectorBlob {
  readonly target: PositionDeleteTarget
  readonly blob: NewPuffinBlob
}

async function writeVectorFile(
  newLocation: () => string,
  vectors: readonly VectorBlob[],
  context: Omit<DeleteWriteContext, 'engine'>,
): Promise<DataFile[]> {
  throwIfAborted(context.signal)
  const { bytes, blobs } = encodePuffinFile(vectors.map(({ blob }) => blob), new Map([['created-by', CREATED_BY]]))
  const location = await writeWhole(newLocation, bytes, context)
  return vectors.map(({ target: { dataFile, positions } }, i) => ({
    content: 'position-deletes',
    filePath: location,
    fileFormat: 'puffin',
    specId: dataFile.specId,
    partition: dataFile.partition,
    recordCount: positions.cardinality,
    fileSizeBytes: bytes.length,
    referencedDataFile: dataFile.filePath,
    contentOffset: blobs[i]!.offset,
    contentSizeBytes: blobs[i]!.length,
  }))
}

function checkVectorTargets(targets: readonly PositionDeleteTarget[], formatVersion: number): void {
  if (formatVersion < 3) {
    throw new FloeError('INVALID', `Deletion vectors need format version 3, and the table has ${formatVersion}: write position delete files`)
  }
  checkTargets(targets)
}

/** @throws FloeError `INVALID` when a data file is named twice */
export function checkTargets(targets: readonly PositionDeleteTarget[]): void {
  const seen = new Set<string>()
  for (const { dataFile } of targets) {
    if (seen.has(dataFile.filePath)) throw new FloeError('INVALID', 'Deletes of one data file come twice: unite them first', { file: dataFile.filePath })
    seen.add(dataFile.filePath)
  }
}

function vectorBlob({ dataFile, positions }: PositionDeleteTarget): NewPuffinBlob {
  return {
    type: DELETION_VECTOR_BLOB_TYPE,
    fields: [ROW_POSITION_FIELD.id],
    // Spec: Puffin › deletion-vector-v1: neither is known when the file is written
    snapshotId: -1n,
    sequenceNumber: -1n,
    properties: new Map([
      [REFERENCED_DATA_FILE_PROPERTY, dataFile.filePath],
      [CARDINALITY_PROPERTY, String(positions.cardinality)],
    ]),
    content: encodeVectorBlob(positions),
  }
}

/** Writes under a new name, or the next where the store does not say whether the name was taken by this very write. */
async function writeWhole(
  newLocation: () => string,
  bytes: Uint8Array,
  { io, signal }: Pick<DeleteWriteContext, 'io' | 'signal'>,
): Promise<string> {
  for (let name = 1; ; name++) {
    const location = newLocation()
    try {
      await io.write(location, bytes, { ifNoneMatch: '*', signal })
      return location
    } catch (error) {
      // What exists there may be another's.
      if (!isFloeError(error, 'ALREADY_EXISTS')) await io.delete([location]).catch(() => undefined)
      if (name === MAX_NAMES || !isFloeError(error, 'ALREADY_EXISTS', 'COMMIT_STATE_UNKNOWN')) throw error
    }
  }
}
