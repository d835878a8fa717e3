import type { DataFile, ManifestEntry } from '../manifest/data-file.js'
import { summaryCount } from '../snapshot/snapshot-summary.js'
import { checkExpiry } from './check-expiry.js'
import type { History } from './history.js'
import type { Report } from './violation.js'
import type { SnapshotState, TableHistory, VersionState } from './table-history.js'

/** Clocks may disagree by this much. Source: `TableMetadata.ONE_MINUTE` */
const CLOCK_TOLERANCE_MS = 60_000

/** The versions follow each other, and every snapshot keeps the rules of the format. */
export function checkStructure(history: History, table: TableHistory, report: Report): void {
  table.versions.forEach((version, i) => {
    const before = table.versions[i - 1]
    if (before === undefined) return
    checkSuccession(before, version, report)
    checkExpiry({ before, after: version }, history, table, report)
    checkBranches({ before, after: version }, table, report)
  })
  const sequenceNumbers = table.snapshots.map(({ sequenceNumber }) => sequenceNumber)
  sequenceNumbers.forEach((number, i) => {
    if (i > 0 && number <= sequenceNumbers[i - 1]!) report('sequence numbers grow', `${number} follows ${sequenceNumbers[i - 1]!}`)
  })
  if (table.last.metadata.formatVersion >= 3) checkRowIds(table, report)
  for (const snapshot of table.snapshots) {
    const state = table.stateOf(snapshot)
    checkEntries(state, report)
    checkCounts(state, report)
  }
}

function checkSuccession(before: VersionState, after: VersionState, report: Report): void {
  const [old, now] = [before.metadata, after.metadata]
  const said = `version ${after.version} after ${before.version}`
  if (after.version !== before.version + 1 || after.step < before.step) report('one line of history', `${said}, made at ${after.step} and ${before.step}`)
  if (now.metadataLog.at(-1)?.metadataFile !== before.location) report('one line of history', `${said} was made from ${String(now.metadataLog.at(-1)?.metadataFile)}`)
  if (now.tableUuid !== old.tableUuid) report('one line of history', `${said} is another table`)
  if (now.lastUpdatedMs < old.lastUpdatedMs - CLOCK_TOLERANCE_MS) report('time goes forward', `${said}: ${now.lastUpdatedMs} after ${old.lastUpdatedMs}`)
  if (now.lastSequenceNumber < old.lastSequenceNumber) report('sequence numbers grow', `${said}: ${now.lastSequenceNumber} after ${old.lastSequenceNumber}`)
  if (now.nextRowId < old.nextRowId) report('row ids are never reused', `${said}: ${now.nextRowId} after ${old.nextRowId}`)
  for (const name of old.properties.keys()) if (!now.properties.has(name)) report('visible for ever', `${said} lost property ${name}`)
}

/** Heads move to descendants only. */
function checkBranches({ before, after }: Record<'before' | 'after', VersionState>, table: TableHistory, report: Report): void {
  for (const [name, { snapshotId }] of before.metadata.refs) {
    const isKept = after.metadata.refs.get(name)?.snapshotId === snapshotId
    if (isKept || table.chain(name, after).some((one) => one.snapshotId === snapshotId)) continue
    report('one line of history', `version ${after.version} after ${before.version}: ${name} no longer descends from ${snapshotId}`)
  }
}

function checkRowIds(table: TableHistory, report: Report): void {
  let next = 0n
  for (const { snapshotId, firstRowId, addedRows } of table.snapshots) {
    if (firstRowId === undefined || addedRows === undefined) report('row ids are never reused', `snapshot ${snapshotId} has no row ids`)
    else if (firstRowId < next) report('row ids are never reused', `snapshot ${snapshotId} begins at ${firstRowId}, before ${next}`)
    else next = firstRowId + addedRows
  }
  if (table.last.metadata.nextRowId < next) report('row ids are never reused', `the next row id is ${table.last.metadata.nextRowId}, and ${next} are taken`)
  const files = new Map<string, DataFile>()
  for (const snapshot of table.snapshots) {
    for (const { dataFile, status } of table.stateOf(snapshot).entries) {
      if (dataFile.content === 'data' && status !== 'deleted') checkFileRowIds(dataFile, files, report)
    }
  }
  const ranges = [...files.values()].sort((a, b) => Number(a.firstRowId! - b.firstRowId!))
  ranges.forEach((file, i) => {
    const before = ranges[i - 1]
    if (before === undefined || before.firstRowId! + BigInt(before.recordCount) <= file.firstRowId!) return
    report('row ids are never reused', `${file.filePath} begins at ${file.firstRowId!}, within ${before.filePath}`)
  })
}

/** A file that is in several branches may have other ids in each. */
function checkFileRowIds(file: DataFile, files: Map<string, DataFile>, report: Report): void {
  if (file.firstRowId === undefined) report('row ids are never reused', `${file.filePath} has no row ids`)
  else files.set(`${file.filePath} ${file.firstRowId}`, file)
}

function checkEntries({ snapshot, entries }: SnapshotState, report: Report): void {
  const live = entries.filter(({ status }) => status !== 'deleted')
  const data = new Map<string, ManifestEntry>()
  for (const entry of live) {
    const { filePath, content } = entry.dataFile
    if (content !== 'data') continue
    if (data.has(filePath)) report('acknowledged exactly once', `snapshot ${snapshot.snapshotId} has ${filePath} twice`)
    data.set(filePath, entry)
  }
  const targets = new Set<string>()
  for (const { dataFile, sequenceNumber } of live) {
    if (dataFile.fileFormat !== 'puffin') continue
    const target = dataFile.referencedDataFile!
    if (targets.has(target)) report('one vector per data file', `snapshot ${snapshot.snapshotId} has two of ${target}`)
    targets.add(target)
    const referenced = data.get(target)
    if (referenced === undefined) report('one vector per data file', `snapshot ${snapshot.snapshotId} has one of ${target}, which is gone`)
    else if (referenced.sequenceNumber > sequenceNumber) report('sequence numbers grow', `a vector of ${target} is older than its data`)
  }
  for (const { status, snapshotId, fileSequenceNumber, dataFile } of entries) {
    if (status !== 'added' || snapshotId !== snapshot.snapshotId || fileSequenceNumber === snapshot.sequenceNumber) continue
    report('sequence numbers grow', `${dataFile.filePath} came with ${snapshot.sequenceNumber}, and says ${String(fileSequenceNumber)}`)
  }
}

function checkCounts({ snapshot, entries }: SnapshotState, report: Report): void {
  const live = entries.filter(({ status }) => status !== 'deleted').map(({ dataFile }) => dataFile)
  const data = live.filter(({ content }) => content === 'data')
  const deletes = live.filter(({ content }) => content !== 'data')
  const rowsOf = (files: readonly DataFile[]): number => files.reduce((rows, file) => rows + file.recordCount, 0)
  const positions = deletes.filter(({ content }) => content === 'position-deletes')
  const equalities = deletes.filter(({ content }) => content === 'equality-deletes')
  const counts = {
    'total-data-files': data.length,
    'total-records': rowsOf(data),
    'total-delete-files': deletes.length,
    'total-position-deletes': rowsOf(positions),
    'total-equality-deletes': rowsOf(equalities),
  }
  for (const [name, count] of Object.entries(counts)) {
    const said = summaryCount(snapshot.summary, name)
    if (said !== BigInt(count)) report('counts are exact', `snapshot ${snapshot.snapshotId} says ${name} ${String(said)}, and has ${count}`)
  }
}
