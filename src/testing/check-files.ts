import { decodeMarker } from '../catalog/version-marker.js'
import { versionOf } from '../catalog/version-file.js'
import { snapshotsOfPart } from './committed-parts.js'
import type { Report } from './violation.js'
import type { History } from './history.js'
import type { TableHistory } from './table-history.js'
import type { Snapshot } from '../snapshot/snapshot.js'

const HINT = '/version-hint.text'

/** What the table reaches is there, was never gone, and was written once; what it does not reach is what the dead left. */
export function checkFiles(history: History, table: TableHistory, report: Report): void {
  const reachable = reachableFiles(table)
  const needed = lastNeeded(table)
  for (const [location, sizeBytes] of reachable) {
    const bytes = history.objects.get(location)
    if (bytes === undefined) report('everything reachable is there', `${location} is missing`)
    else if (sizeBytes !== undefined && bytes.length !== sizeBytes) report('everything reachable is there', `${location} has ${bytes.length} bytes, not ${sizeBytes}`)
  }
  for (const event of history.store) {
    const { location } = event
    const isVersion = location.startsWith(history.metadataFolder) && versionOf(location) !== undefined
    if (event.kind === 'delete') {
      if (isVersion || event.step <= (needed.get(location) ?? -1)) report('nothing reachable is deleted', `${location} was deleted`)
      continue
    }
    const isMarker = isVersion && decodeMarker(event.bytes) !== undefined
    // The store's own, from before the run.
    if (location.endsWith(HINT) || isMarker || event.step === 0) continue
    if (event.replaced) report('written once', `${location} was written over`)
    if (!event.isConditional) report('written once', `${location} was written without a condition`)
  }
  checkLeaks(history, table, reachable, report)
}

/** Every file that a snapshot of the last version needs, with its size where the table says it. */
function reachableFiles(table: TableHistory): ReadonlyMap<string, number | undefined> {
  const reachable = new Map<string, number | undefined>()
  for (const snapshot of table.last.metadata.snapshots) {
    for (const [location, sizeBytes] of filesOf(snapshot, table)) reachable.set(location, sizeBytes)
  }
  return reachable
}

function filesOf(snapshot: Snapshot, table: TableHistory): ReadonlyMap<string, number | undefined> {
  const { manifests, entries } = table.stateOf(snapshot)
  const files = new Map<string, number | undefined>([[snapshot.manifestList!, undefined]])
  for (const { manifestPath, manifestLengthBytes } of manifests) files.set(manifestPath, manifestLengthBytes)
  for (const { dataFile, status } of entries) if (status !== 'deleted') files.set(dataFile.filePath, dataFile.fileSizeBytes)
  return files
}

/** Until which moment a version, the current one of its time, needed each file. */
function lastNeeded(table: TableHistory): ReadonlyMap<string, number> {
  const lastListed = new Map<bigint, number>()
  table.versions.forEach(({ metadata }, i) => {
    for (const { snapshotId } of metadata.snapshots) lastListed.set(snapshotId, i)
  })
  const needed = new Map<string, number>()
  for (const snapshot of table.snapshots) {
    const next = table.versions[lastListed.get(snapshot.snapshotId)! + 1]
    const until = next === undefined ? Infinity : next.step - 1
    for (const location of filesOf(snapshot, table).keys()) needed.set(location, Math.max(until, needed.get(location) ?? -1))
  }
  return needed
}

function checkLeaks(history: History, table: TableHistory, reachable: ReadonlyMap<string, number | undefined>, report: Report): void {
  const retained = new Set(table.last.metadata.snapshots.map(({ snapshotId }) => snapshotId))
  const operations = new Map(history.operations.map((operation) => [operation.id, operation]))
  for (const location of history.objects.keys()) {
    const writer = operations.get(history.written.get(location) ?? '')
    const isOfTable = reachable.has(location) || location.endsWith(HINT) || versionOf(location) !== undefined
    // What tells the store's time is hidden, and may stay.
    if (history.isCleared && !isOfTable && !location.includes('/.floe-clock-')) report('one removal clears all leaks', `${location} is still there`)
    if (isOfTable || writer === undefined || !/\/(?:snap-[^/]*|[^/]*-m\d+)\.avro$|\.puffin$|\.parquet$/.test(location)) continue
    const isKept = location.endsWith('.parquet') && writer.parts.some((part) => part.keepsFiles === true)
    // Of a snapshot that has expired by the time its answer comes, nobody knows what others took over.
    const hasExpired = writer.parts.some((part) => snapshotsOfPart(part, table).some(({ snapshotId }) => !retained.has(snapshotId)))
    const mayLeave = isKept || hasExpired || writer.outcome === 'open' || writer.outcome === 'unknown' || writer.faults.length > 0
    if (!mayLeave) report('leaks are bounded', `${location} was left behind by ${writer.id} (${writer.kind}, ${writer.outcome})`)
  }
}
