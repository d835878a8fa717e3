import { fileKey, isVector } from '../../manifest/file-identity.js'
import { loadDeletionVector } from '../../deletes/deletion-vector.js'
import { mapParallel } from '../../io/bounded-parallel.js'
import type { DataFile } from '../../manifest/data-file.js'
import type { ManifestEntries } from '../../manifest/manifest-entries.js'
import { decodePuffinFile } from '../../puffin/puffin-file.js'
import { checkParquetFile } from './check-parquet-file.js'
import { checkFileData } from './check-file-data.js'
import { entryFingerprint } from './entry-fingerprint.js'
import type { FindingPlace } from './finding.js'
import type { FsckContext } from './fsck-context.js'
import type { LiveFiles } from './live-files.js'
import { isSampled } from './sampling.js'

/** The snapshot that files are looked at for. */
export interface SnapshotFiles {
  readonly live: LiveFiles
  readonly snapshotId: string
}

/** Opens every live file of a manifest that was not looked at before; side by side, and no more than that in memory. */
export async function checkContentFiles(context: FsckContext, entries: ManifestEntries, within: SnapshotFiles): Promise<void> {
  const { live, snapshotId } = within
  const fresh: number[] = []
  for (let i = 0; i < entries.count; i++) {
    if (!entries.isLive(i)) continue
    const file = entries.dataFile(i)
    // Entries of one file may say different things of it.
    if (context.seenFiles.add(`${fileKey(file)}\0${entryFingerprint(file)}`).isNew) fresh.push(i)
  }
  await mapParallel(fresh, context.options.concurrency, async (i) => {
    const file = entries.dataFile(i)
    const place = { snapshotId, manifest: entries.manifest.manifestPath, file: file.filePath, offset: file.contentOffset }
    await checkContentFile(context, file, place, live)
    context.totals.files++
    context.totals.bytes += file.contentSizeBytes ?? file.fileSizeBytes
    context.advance()
  })
}

async function checkContentFile(context: FsckContext, file: DataFile, place: FindingPlace, live: LiveFiles): Promise<void> {
  const status = await context.io.head(file.filePath)
  if (status === undefined) {
    context.find(file.content === 'data' ? 'file-missing' : 'delete-file-missing', 'The file is gone', { ...place, dataFile: file.referencedDataFile })
    return
  }
  const isSized = status.sizeBytes === file.fileSizeBytes
  if (!isSized) context.find('file-size', `It has ${status.sizeBytes} bytes, and its entry says ${file.fileSizeBytes}`, place)
  const real = isSized ? file : { ...file, fileSizeBytes: status.sizeBytes }
  if (isVector(real)) return checkVector(context, real, place, live)
  const missing = file.content === 'data' ? 'file-missing' : 'delete-file-missing'
  const opened = await context.reading({ missing, damaged: 'file-damaged' }, place, () => openFile(context, real, place))
  if (opened !== true || !readsData(context, real)) return
  await context.reading({ missing, damaged: 'data-unreadable' }, place, () => checkFileData(context, real, place))
}

function readsData({ options }: FsckContext, file: DataFile): boolean {
  return options.data === 'all' || (options.data === 'sample' && isSampled(file.filePath, options.sampleRate))
}

/** Looks at the ends of a file. Answers whether its rows can be read. */
async function openFile(context: FsckContext, file: DataFile, place: FindingPlace): Promise<boolean> {
  switch (file.fileFormat) {
    case 'parquet':
      await checkParquetFile(context, file, place)
      return true
    case 'avro': {
      const { BlockStream } = await import('../../avro-data/block-stream.js')
      const { io, caller } = context
      await BlockStream.open({ io, location: file.filePath, fileSizeBytes: file.fileSizeBytes, signal: caller.signal })
      return true
    }
    case 'puffin':
      decodePuffinFile(await context.io.read(file.filePath, { signal: context.caller.signal }), file.filePath)
      return false
    case 'orc':
      context.find('file-unchecked', 'It is an ORC file', place)
      return false
  }
}

/** Fetches a vector: its frame, checksum and cardinality, and what the footer says; then what it deletes. */
async function checkVector(context: FsckContext, file: DataFile, place: FindingPlace, live: LiveFiles): Promise<void> {
  const { contentOffset, contentSizeBytes, referencedDataFile } = file
  if (contentOffset === undefined || contentSizeBytes === undefined || referencedDataFile === undefined) return
  const codes = { missing: 'delete-file-missing', damaged: 'vector-damaged' } as const
  const { signal } = context.caller
  const at = { ...place, dataFile: referencedDataFile }
  const bitmap = await context.reading(codes, at, () => loadDeletionVector(context.io, file, { signal }))
  const last = bitmap?.last
  const data = live.find(referencedDataFile)
  if (last === undefined || data === undefined || last < data.recordCount) return
  context.find('vector-range', `It deletes row ${last}, and ${referencedDataFile} has ${data.recordCount} rows`, at)
}
