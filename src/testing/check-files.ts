import { decodeMarker } from '../catalog/version-marker.js'
import { versionOf } from '../catalog/version-file.js'
import type { Report } from './violation.js'
import type { History } from './history.js'
import type { TableHistory } from './table-history.js'

const HINT = '/version-hint.text'

/** What the table reaches is there, was never gone, and was written once; what it does not reach is what the dead left. */
export function checkFiles(history: History, table: TableHistory, report: Report): void {
  const reachable = reachableFiles(table)
  for (const [location, sizeBytes] of reachable) {
    const bytes = history.objects.get(location)
    if (bytes === undefined) report('everything reachable is there', `${location} is missing`)
    else if (sizeBytes !== undefined && bytes.length !== sizeBytes) report('everything reachable is there', `${location} has ${bytes.length} bytes, not ${sizeBytes}`)
  }
  for (const event of history.store) {
    const { location } = event
    const isVersion = location.startsWith(history.metadataFolder) && versionOf(location) !== undefined
    if (event.kind === 'delete') {
      if (reachable.has(location) || isVersion) report('nothing reachable is deleted', `${location} was deleted`)
      continue
    }
    const isMarker = isVersion && decodeMarker(event.bytes) !== undefined
    if (location.endsWith(HINT) || isMarker) continue
    if (event.replaced) report('written once', `${location} was written over`)
    if (!event.isConditional) report('written once', `${location} was written without a condition`)
  }
  checkLeaks(history, reachable, report)
}

/** Every file that a snapshot of the last version needs, with its size where the table says it. */
function reachableFiles(table: TableHistory): ReadonlyMap<string, number | undefined> {
  const reachable = new Map<string, number | undefined>()
  for (const snapshot of table.last.metadata.snapshots) {
    const { manifests, entries } = table.stateOf(snapshot)
    reachable.set(snapshot.manifestList!, undefined)
    for (const { manifestPath, manifestLengthBytes } of manifests) reachable.set(manifestPath, manifestLengthBytes)
    for (const { dataFile, status } of entries) if (status !== 'deleted') reachable.set(dataFile.filePath, dataFile.fileSizeBytes)
  }
  return reachable
}

function checkLeaks(history: History, reachable: ReadonlyMap<string, number | undefined>, report: Report): void {
  const operations = new Map(history.operations.map((operation) => [operation.id, operation]))
  for (const location of history.objects.keys()) {
    const writer = operations.get(history.written.get(location) ?? '')
    const isOfTable = reachable.has(location) || location.endsWith(HINT) || versionOf(location) !== undefined
    if (isOfTable || writer === undefined || !/\/(?:snap-[^/]*|[^/]*-m\d+)\.avro$|\.puffin$|\.rows$/.test(location)) continue
    const isKept = location.endsWith('.rows') && writer.parts.some((part) => part.keepsFiles === true)
    const mayLeave = isKept || writer.outcome === 'open' || writer.outcome === 'unknown' || writer.faults.length > 0
    if (!mayLeave) report('leaks are bounded', `${location} was left behind by ${writer.id} (${writer.kind}, ${writer.outcome})`)
  }
}
