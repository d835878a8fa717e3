import { readManifest, readManifestFiles } from '../commit/manifest-input.js'
import { fileKey } from '../manifest/file-identity.js'
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { loadDeletionVector } from '../deletes/deletion-vector.js'
import { PositionBitmap } from '../deletes/position-bitmap.js'
import type { DataFile } from '../manifest/data-file.js'
import { branchHead, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { FloeError } from '../util/errors.js'

/** A live data file with what is deleted of it. */
export interface LiveDataFile {
  readonly file: DataFile
  readonly vector: DataFile | undefined
  readonly deleted: PositionBitmap
}

/** The live files of a branch's head, read as any reader would. Throws `CORRUPT` for two vectors of one file. */
export async function liveFiles(table: LoadedTable, branch = MAIN_BRANCH): Promise<readonly LiveDataFile[]> {
  const data: DataFile[] = []
  const vectors = new Map<string, DataFile>()
  for (const manifest of await readManifestFiles(table, branchHead(table.metadata, branch))) {
    const entries = await readManifest(table, manifest)
    for (let i = 0; i < entries.count; i++) {
      if (!entries.isLive(i)) continue
      const file = entries.dataFile(i)
      if (file.content === 'data') data.push(file)
      else keepVector(vectors, file)
    }
  }
  return Promise.all(
    data.map(async (file) => {
      const vector = vectors.get(file.filePath)
      if (vector === undefined) return { file, vector, deleted: PositionBitmap.of([]) }
      return { file, vector, deleted: await loadDeletionVector(table.io, vector, { dataFilePath: file.filePath }) }
    }),
  )
}

function keepVector(vectors: Map<string, DataFile>, file: DataFile): void {
  const dataFile = file.referencedDataFile!
  const known = vectors.get(dataFile)
  if (known !== undefined && fileKey(known) !== fileKey(file)) {
    throw new FloeError('CORRUPT', 'A data file has two deletion vectors', { file: dataFile })
  }
  vectors.set(dataFile, file)
}

/** Positions of the rows that are left. */
export function livePositions({ file, deleted }: LiveDataFile): readonly number[] {
  return Array.from({ length: file.recordCount }, (_, position) => position).filter((position) => !deleted.contains(position))
}
