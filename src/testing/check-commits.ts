import type { Report } from './violation.js'
import { wasExpiredMeanwhile } from './check-expiry.js'
import { tableProperties } from '../metadata/table-properties.js'
import { timesOfPart, versionOfPart } from './committed-parts.js'
import type { History, OperationRecord } from './history.js'
import type { TableHistory } from './table-history.js'

/** What was acknowledged is in the table once, what was refused is not, and the rest is there as a whole or not at all. */
export function checkCommits(history: History, table: TableHistory, report: Report): void {
  for (const operation of history.operations) {
    checkOutcome(operation, table, report)
    checkError(operation, history, table, report)
  }
}

function checkOutcome(operation: OperationRecord, table: TableHistory, report: Report): void {
  const { id, kind, outcome, parts, endedAt } = operation
  if (parts.some(({ isUpkeep }) => isUpkeep === true)) {
    checkUpkeep(operation, table, report)
    return
  }
  const times = parts.filter(({ kind: made }) => made !== 'nothing').map((part) => timesOfPart(part, table))
  const said = `${id} (${kind}, ${outcome}${operation.error === undefined ? '' : ` ${operation.error.code}`})`
  if (times.some((count) => count > 1)) report('acknowledged exactly once', `${said} is in the table ${Math.max(...times)} times`)
  const present = times.filter((count) => count > 0).length
  if (present > 0 && present < times.length) report('all or nothing', `${said} is in the table with ${present} of ${times.length} parts`)
  if (outcome === 'ok' && present < times.length) report('acknowledged exactly once', `${said} is not in the table`)
  if (outcome === 'failed' && present > 0) report('failed is never visible', `${said} is in the table`)
  const versions = parts.flatMap((part) => versionOfPart(part, table) ?? [])
  const numbers = new Set(versions.map(({ version }) => version))
  if (numbers.size > 1) report('all or nothing', `${said} came into the table in parts, with versions ${[...numbers].join(', ')}`)
  const [version] = versions
  if (version === undefined) return
  if (outcome === 'ok' && version.step > endedAt!) report('acknowledged exactly once', `${said} was acknowledged before version ${version.version} was made`)
  if (version.step < operation.invokedAt) report('real-time order', `${said} was in the table before it began`)
}

function checkUpkeep({ id, kind, outcome, parts }: OperationRecord, table: TableHistory, report: Report): void {
  const isMissing = outcome === 'ok' && parts.some((part) => part.kind !== 'nothing' && timesOfPart(part, table) === 0)
  if (isMissing) report('acknowledged exactly once', `${id} (${kind}) is not in the table`)
}

/** Codes of an operation that was refused. */
const REFUSALS: ReadonlySet<string> = new Set(['CONFLICT', 'UNAVAILABLE', 'COMMIT_STATE_UNKNOWN'])

function checkError(operation: OperationRecord, history: History, table: TableHistory, report: Report): void {
  const { id, kind, error, faults } = operation
  if (error === undefined || wasExpiredMeanwhile(operation, history)) return
  const isDamaged = faults.some((fault) => fault === 'truncated' || fault === 'flipped')
  if (!REFUSALS.has(error.code) && !(error.code === 'CORRUPT' && isDamaged)) report('errors are honest', `${id} (${kind}) failed: ${error.message}`)
  // A snapshot that expired before its answer came is not to be found any more, nor is whose a version was that is gone since.
  const forgets = table.last.metadata.properties.get(tableProperties.metadataDeleteAfterCommit.name) === 'true'
  const mayBeUnknown = error.code === 'COMMIT_STATE_UNKNOWN' && (forgets || history.operations.some(({ expiry }) => expiry !== undefined))
  if (error.code !== 'CONFLICT' && !mayBeUnknown && faults.length === 0 && history.faults.length === 0) {
    report('errors are honest', `${id} (${kind}) failed although nothing went wrong: ${error.message}`)
  }
}
