import { versionOf, VERSION_HINT_NAME } from '../../catalog/version-file.js'
import { decodeMarker } from '../../catalog/version-marker.js'
import { mapParallel } from '../../io/bounded-parallel.js'
import { joinLocation, parentLocation } from '../../io/location.js'
import type { StatisticsFile } from '../../metadata/table-metadata.js'
import { parseTableMetadata } from '../../metadata/table-metadata-json.js'
import { readVectorFooter } from '../../deletes/deletion-vector-footer.js'
import { isFloeError } from '../../util/errors.js'
import { decodeUtf8 } from '../../util/utf8.js'
import type { FsckContext } from './fsck-context.js'

/** Checks the files that metadata names itself: the version hint, earlier metadata files and statistics. */
export async function checkMetadataFiles(context: FsckContext): Promise<void> {
  await checkHint(context)
  await mapParallel(context.metadata.metadataLog, context.options.concurrency, async ({ metadataFile }) => {
    context.advance()
    await context.reading({ missing: 'metadata-log-missing', damaged: 'metadata-log-damaged' }, { file: metadataFile }, async () => {
      const bytes = await context.io.read(metadataFile, { signal: context.caller.signal })
      if (decodeMarker(bytes) === undefined) parseTableMetadata(bytes, { location: metadataFile })
    })
  })
  await mapParallel(context.metadata.statistics, context.options.concurrency, (statistics) => checkStatistics(context, statistics))
  await mapParallel(context.metadata.partitionStatistics, context.options.concurrency, async ({ statisticsPath, fileSizeBytes }) => {
    await checkSize(context, statisticsPath, fileSizeBytes)
  })
}

/** The number in the version hint and the one of the metadata file, where a table has both; undefined: nothing to compare. */
export async function hintedVersion(context: Pick<FsckContext, 'table'>): Promise<{ readonly location: string; readonly hint: string; readonly version: number } | undefined> {
  const { metadataLocation, io } = context.table.loaded
  const version = versionOf(metadataLocation)
  const folder = parentLocation(metadataLocation)
  if (version === undefined || folder === undefined) return undefined
  const location = joinLocation(folder, VERSION_HINT_NAME)
  try {
    return { location, hint: decodeUtf8(await io.read(location)).trim(), version }
  } catch (error) {
    if (isFloeError(error, 'NOT_FOUND')) return undefined
    if (error instanceof TypeError || isFloeError(error, 'CORRUPT', 'INVALID')) return { location, hint: 'no text', version }
    throw error
  }
}

async function checkHint(context: FsckContext): Promise<void> {
  const hinted = await hintedVersion(context)
  if (hinted === undefined || hinted.hint === String(hinted.version)) return
  context.find('hint-stale', `It says ${JSON.stringify(hinted.hint.slice(0, 40))}, and the table is at version ${hinted.version}`, { file: hinted.location })
}

async function checkStatistics(context: FsckContext, statistics: StatisticsFile): Promise<void> {
  const { statisticsPath, fileSizeBytes, fileFooterSizeBytes, blobMetadata } = statistics
  context.advance()
  if (!(await checkSize(context, statisticsPath, fileSizeBytes))) return
  const file = statisticsPath
  await context.reading({ missing: 'statistics-missing', damaged: 'statistics-damaged' }, { file }, async () => {
    const footer = await readVectorFooter(context.io, { filePath: file, fileSizeBytes }, context.caller.signal)
    const stored = [...footer.values()].map(({ type, fields }) => `${type}(${fields.join(',')})`).sort()
    const claimed = blobMetadata.map(({ type, fields }) => `${type}(${fields.join(',')})`).sort()
    if (stored.join() !== claimed.join()) {
      context.find('statistics-damaged', `Its footer has the blobs ${stored.join(', ')}, and the metadata says ${claimed.join(', ')}`, { file })
    }
    if (fileFooterSizeBytes <= fileSizeBytes) return
    context.find('statistics-damaged', `Its footer is said to take ${fileFooterSizeBytes} of ${fileSizeBytes} bytes`, { file })
  })
}

/** Whether a file is there in the recorded size. */
async function checkSize(context: FsckContext, file: string, sizeBytes: number): Promise<boolean> {
  const status = await context.io.head(file)
  if (status === undefined) context.find('statistics-missing', 'The file is gone', { file })
  else if (status.sizeBytes !== sizeBytes) context.find('statistics-damaged', `It has ${status.sizeBytes} bytes, and the metadata says ${sizeBytes}`, { file })
  return status?.sizeBytes === sizeBytes
}
