import type { Report } from './violation.js'
import { wasExpiredMeanwhile } from './check-expiry.js'
import { versionOfPart } from './committed-parts.js'
import type { History, ReadRecord } from './history.js'
import type { TableHistory, VersionState } from './table-history.js'

/** Every read saw one version as it is, not older than anything that was acknowledged, or read, before it began. */
export function checkReads(history: History, table: TableHistory, report: Report): void {
  const seen: { readonly read: ReadRecord; readonly version: VersionState }[] = []
  for (const read of history.reads) {
    checkError(read, history, report)
    if (read.rows === undefined) continue
    const version = table.versions.find(({ location }) => location === read.metadataLocation)
    if (version === undefined) {
      report('reads are states of the table', `${read.id} read ${String(read.metadataLocation)}, which is no version`)
      continue
    }
    checkContent(read, version, table, report)
    seen.push({ read, version })
  }
  const acknowledged = history.operations.flatMap((operation) => {
    const [version] = operation.parts.flatMap((part) => versionOfPart(part, table) ?? [])
    return operation.outcome === 'ok' && version !== undefined ? [{ what: operation.id, endedAt: operation.endedAt!, version }] : []
  })
  const earlier = [...acknowledged, ...seen.map(({ read, version }) => ({ what: read.id, endedAt: read.endedAt!, version }))]
  for (const { read, version } of seen) {
    for (const other of earlier) {
      if (other.endedAt >= read.invokedAt || other.version.version <= version.version) continue
      report('reads never go backwards', `${read.id} read version ${version.version} after ${other.what} was done with version ${other.version.version}`)
    }
  }
}

function checkContent(read: ReadRecord, version: VersionState, table: TableHistory, report: Report): void {
  if (version.step > read.endedAt!) report('reads are states of the table', `${read.id} read version ${version.version} before it was made`)
  const head = table.snapshot(version.metadata.currentSnapshotId)
  const expected = head === undefined ? [] : table.stateOf(head).rows
  if (expected.join('\n') === read.rows!.join('\n')) return
  report('reads are states of the table', `${read.id} read ${read.rows!.join(' ')} in version ${version.version}, which has ${expected.join(' ')}`)
}

function checkError(read: ReadRecord, history: History, report: Report): void {
  const { id, error, faults } = read
  if (error === undefined || wasExpiredMeanwhile(read, history)) return
  const isDamaged = faults.some((fault) => fault === 'truncated' || fault === 'flipped')
  const isFine = error.code === 'UNAVAILABLE' ? faults.length > 0 : error.code === 'CORRUPT' && isDamaged
  if (!isFine) report('errors are honest', `${id} could not read: ${error.message}`)
}
