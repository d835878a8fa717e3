import type { DataFile } from '../manifest/data-file.js'
import { FloeError } from '../util/errors.js'
import { fileKey } from '../manifest/file-identity.js'
import type { SnapshotAttempt } from './snapshot-operation.js'
import { tableName } from './table-name.js'

/** Throws `CONFLICT` when one of the files to be removed was not found. Source: `ManifestFilterManager.validateRequiredDeletes` */
export function checkNothingMissing(
  expected: readonly DataFile[],
  removed: readonly DataFile[],
  name: string,
  attempt: SnapshotAttempt,
): void {
  if (expected.length === 0) return
  const found = new Set(removed.map(fileKey))
  const missing = expected.filter((file) => !found.has(fileKey(file)))
  const first = missing[0]
  if (first === undefined) return
  const others = missing.length === 1 ? '' : ` and ${missing.length - 1} other files`
  const what = first.content === 'data' ? 'a data file' : 'a delete file'
  throw new FloeError(
    'CONFLICT',
    `the ${name} removes ${what}${others} that the table no longer has: another commit removed it; plan the ${name} again on the current snapshot`,
    { table: tableName(attempt.current), file: first.filePath, retryable: false },
  )
}

/**
 * Throws `CONFLICT` when a replaced file, whose rows had no ids yet when they were read, was given ids by another commit: the first one
 * after an upgrade gives ids to all. The rows that were written from it would lose them. Spec: Row Lineage
 */
export function checkRowIdsKnown(
  withoutRowIds: ReadonlySet<string> | undefined,
  removed: readonly DataFile[],
  name: string,
  attempt: SnapshotAttempt,
): void {
  const assigned = removed.find((file) => file.firstRowId !== undefined && withoutRowIds?.has(file.filePath) === true)
  if (assigned === undefined) return
  throw new FloeError(
    'CONFLICT',
    `another commit gave ids to the rows of a file which the ${name} replaces; plan the ${name} again on the current snapshot`,
    { table: tableName(attempt.current), file: assigned.filePath, retryable: false },
  )
}
