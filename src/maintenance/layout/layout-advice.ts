import type { LayoutAdvice, TableLayout } from './layout-types.js'

type Measured = Omit<TableLayout, 'advice'> & {
  /** Partitions with files enough to put together, and those files. */
  readonly crowded: { readonly partitions: number; readonly files: number }
}

/** Files that one rewrite puts together, at least. Source: `min-input-files` of `SizeBasedFileRewritePlanner` */
export const MIN_INPUT_FILES = 5

/** What maintenance would help, the pressing first; one line that all is well when nothing would. */
export function layoutAdvice(layout: Measured): LayoutAdvice[] {
  if (layout.snapshotId === null) return [fine('The table has no snapshot yet', 'There is nothing to maintain before the first commit.')]
  const advice = CHECKS.map((check) => check(layout)).filter((item) => item !== undefined)
  if (advice.length === 0) return [fine('Nothing needs to be done', 'No partition has files enough to put together, few overlap, and neither deletes nor old snapshots weigh on the table.')]
  return advice.sort((a, b) => Number(a.weight === 'consider') - Number(b.weight === 'consider'))
}

const CHECKS = [smallFiles, overlap, deletes, equalityDeletes, dangling, manifests, snapshots, metadataFiles] as const

function fine(title: string, why: string): LayoutAdvice {
  return { weight: 'fine', title, why, command: null }
}

function smallFiles({ crowded, totals }: Measured): LayoutAdvice | undefined {
  if (crowded.files === 0) return undefined
  const share = crowded.files / totals.dataFiles
  const why = `Each file costs a request and a footer, whatever it holds: ${percent(share)} of the files are under 75 % of the target size, ${MIN_INPUT_FILES} or more in a partition.`
  return { weight: share > 0.2 ? 'act' : 'consider', title: `${counted(crowded.files, 'small file')} in ${counted(crowded.partitions, 'partition')}`, why, command: 'compact' }
}

function overlap({ clustering }: Measured): LayoutAdvice | undefined {
  const sorted = clustering[0]
  if (sorted === undefined || sorted.depth.average < 2) return undefined
  const { average, maximum } = sorted.depth
  const why = `A look-up by ${sorted.order} reads ${decimal(average)} files on average where one would do, and up to ${maximum}.`
  return { weight: average >= 4 ? 'act' : 'consider', title: 'Files overlap in the sort order', why, command: 'compact --strategy sort --selection clustering' }
}

function deletes({ deletes: { filesWithDeletes, positionDeletes, bytes }, totals }: Measured): LayoutAdvice | undefined {
  if (totals.dataFiles === 0 || positionDeletes === 0) return undefined
  const rows = positionDeletes / Math.max(1, totals.rows)
  const files = filesWithDeletes / totals.dataFiles
  if (rows < 0.05 && files < 0.2) return undefined
  const why = `${percent(rows)} of the rows are read to be thrown away, in ${percent(files)} of the files; ${bytesText(bytes)} of deletes are read beside them.`
  return { weight: rows >= 0.2 ? 'act' : 'consider', title: 'Deleted rows are still stored', why, command: 'compact --delete-ratio-threshold 0.1' }
}

function equalityDeletes({ deletes: { equalityDeleteFiles, equalityDeletes: keys } }: Measured): LayoutAdvice | undefined {
  if (equalityDeleteFiles === 0) return undefined
  const why = `${counted(keys, 'key')} must be compared with rows at every scan, until a compaction has applied them.`
  return { weight: 'act', title: counted(equalityDeleteFiles, 'equality delete file'), why, command: 'compact --delete-file-threshold 1' }
}

function dangling({ deletes: { danglingFiles } }: Measured): LayoutAdvice | undefined {
  if (danglingFiles === 0) return undefined
  const why = 'They apply to no data file of the table; planning reads them for nothing.'
  return { weight: 'consider', title: counted(danglingFiles, 'delete file') + ' without a data file', why, command: 'compact' }
}

function manifests({ manifests: { dataManifests, smallManifests, spread, targetBytes } }: Measured): LayoutAdvice | undefined {
  const isMany = smallManifests > 20
  const isSpread = spread !== null && spread >= 4 && dataManifests > 20
  if (!isMany && !isSpread) return undefined
  const many = `${smallManifests} of ${dataManifests} data manifests are under a quarter of ${bytesText(targetBytes)}`
  const why = `${isMany ? many : `Planning for one partition reads ${decimal(spread!)} of ${dataManifests} manifests`}: every plan fetches them one by one.`
  return { weight: 'consider', title: isMany ? 'Many small manifests' : 'Partitions are spread over manifests', why, command: 'rewrite-manifests' }
}

function snapshots({ history: { expirable, snapshots: all } }: Measured): LayoutAdvice | undefined {
  if (expirable === null || expirable === 0) return undefined
  const why = `${expirable} of ${counted(all, 'snapshot')} are older than the table's policy asks to keep; what only they hold is stored for nothing.`
  return { weight: expirable > 100 ? 'act' : 'consider', title: `${counted(expirable, 'snapshot')} can expire`, why, command: 'expire' }
}

function metadataFiles({ history: { snapshots: all } }: Measured): LayoutAdvice | undefined {
  if (all <= 1000) return undefined
  const why = 'Every commit writes, and every reader parses, the list of all of them.'
  return { weight: 'consider', title: `The metadata carries ${counted(all, 'snapshot')}`, why, command: 'expire --retain-last 100' }
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

function percent(share: number): string {
  const value = share * 100
  return `${value > 0 && value < 1 ? 'under 1' : Math.round(value)} %`
}

function decimal(value: number): string {
  return value >= 10 ? String(Math.round(value)) : value.toFixed(1)
}

function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const unit = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${decimal(bytes / 1024 ** unit).replace(/\.0$/, '')} ${units[unit]!}`
}
