/**
 * What can be wrong with a table, how bad it is, and who can mend it. The codes are API: they stay the same, their messages
 * need not.
 */

/** `error`: some reader fails, or answers wrongly. `warning`: space, speed or a later change suffers. `info`: could not be checked. */
export type Severity = 'error' | 'warning' | 'info'

/** Who mends a finding: `repair` by itself, `repair` when told that rows may go, or nobody but the user. */
export type Remedy = 'repair' | 'explicit' | 'manual'

export interface FindingKind {
  readonly severity: Severity
  readonly remedy: Remedy
  /** What it means for who reads the table. */
  readonly meaning: string
  /** What to do where `repair` does nothing. */
  readonly advice: string
}

const REPAIR = 'Run repair'
const RESTORE = 'Restore the file from a backup or an earlier version of the object; else drop it with repair and dropMissingFiles'
const EXPIRE = 'Roll the branch back to a sound snapshot, or expire this one'
const OTHER_WRITER = 'Find the writer that made it; what it wrote is kept as it is'

function kind(severity: Severity, remedy: Remedy, meaning: string, advice: string = REPAIR): FindingKind {
  return { severity, remedy, meaning, advice }
}

/** Every code of a finding. */
export const findingKinds = {
  'metadata-invalid': kind('error', 'manual', 'Engines refuse to load the table', 'Restore the previous metadata file'),
  'snapshot-schema': kind('error', 'manual', 'Time travel to the snapshot fails', EXPIRE),
  'snapshot-sequence': kind('error', 'manual', 'Deletes may apply to rows that are newer than they', EXPIRE),
  'snapshot-log': kind('warning', 'manual', 'Time travel by time may find no snapshot, or the wrong one', 'It goes with the next expiry of snapshots'),
  'column-ids': kind('error', 'manual', 'A column that is added next takes the id, and the data, of another', 'Set last-column-id by a schema change of another engine'),
  'partition-ids': kind('error', 'manual', 'A partition field that is added next takes the id of another', 'Set last-partition-id by a spec change of another engine'),
  'snapshot-row-ids': kind('error', 'manual', 'Rows of two snapshots may have one row id', OTHER_WRITER),
  'next-row-id': kind('error', 'manual', 'New rows will have ids of other rows', OTHER_WRITER),
  'statistics-snapshot': kind('warning', 'repair', 'Statistics of a snapshot that is gone are kept'),
  'statistics-missing': kind('warning', 'repair', 'A statistics file is gone: engines that read it fail or plan without'),
  'statistics-damaged': kind('warning', 'repair', 'A statistics file is not what the metadata says of it'),
  'hint-stale': kind('warning', 'repair', 'Engines that trust the version hint see an older state of the table'),
  'metadata-log-missing': kind('info', 'manual', 'An earlier metadata file is gone: nothing reads it', 'Nothing has to be done'),
  'metadata-log-damaged': kind('warning', 'manual', 'An earlier metadata file cannot be read', 'Nothing has to be done, unless it is to be gone back to'),
  'manifest-list-missing': kind('error', 'manual', 'The snapshot cannot be read', EXPIRE),
  'manifest-list-damaged': kind('error', 'manual', 'The snapshot cannot be read', EXPIRE),
  'manifest-missing': kind('error', 'manual', 'The files that the manifest listed cannot be found', EXPIRE),
  'manifest-damaged': kind('error', 'manual', 'The files that the manifest lists cannot be found', EXPIRE),
  'manifest-twice': kind('error', 'explicit', 'The rows of its files are read twice', 'Run repair with dropDuplicates'),
  'manifest-spec': kind('error', 'manual', 'The manifest cannot be decoded: the table has no such partition spec', EXPIRE),
  'manifest-size': kind('error', 'repair', 'Engines that read as many bytes as recorded cannot read the manifest'),
  'manifest-counts': kind('error', 'repair', 'Planning skips manifests, and commits count rows, by these counts'),
  'manifest-partitions': kind('error', 'repair', 'Planning skips the manifest although it has files of the partition'),
  'manifest-sequence': kind('error', 'repair', 'Deletes are dropped too early, or applied to the wrong files'),
  'manifest-content': kind('error', 'manual', 'Deletes are taken for data, or data for deletes', EXPIRE),
  'manifest-row-ids': kind('error', 'repair', 'Rows of the manifest have no row ids'),
  'entry-sequence': kind('error', 'manual', 'Deletes may apply to the wrong files', OTHER_WRITER),
  'entry-snapshot': kind('warning', 'repair', 'Incremental readers take the file for one of another snapshot'),
  'entry-record-count': kind('error', 'repair', 'Counts and limits of scans are wrong'),
  'file-twice': kind('error', 'explicit', 'The rows of the file are read twice', 'Run repair with dropDuplicates'),
  'row-ids-overlap': kind('error', 'manual', 'Rows of two files have the same row ids', 'Compact the files if their rows may get new ids'),
  'vector-fields': kind('error', 'manual', 'The deletion vector cannot be found in its file', 'Delete the rows again, after removing the vector with an expiry'),
  'vector-twice': kind('error', 'repair', 'Readers refuse the data file, or apply one vector of the two'),
  'vector-damaged': kind('error', 'manual', 'The data file cannot be read', RESTORE),
  'vector-range': kind('warning', 'repair', 'The vector deletes rows that the data file does not have'),
  'delete-dangling': kind('warning', 'repair', 'A delete file applies to nothing: every scan plans it for nothing'),
  'delete-partition': kind('error', 'repair', 'Engines that look for deletes by partition do not find it'),
  'file-missing': kind('error', 'explicit', 'Scans of the table fail', RESTORE),
  'delete-file-missing': kind('error', 'explicit', 'Scans of the table fail; without it, deleted rows come back', 'Restore the file; else drop it with repair and dropMissingDeletes'),
  'file-size': kind('error', 'repair', 'Readers look for the footer in the wrong place'),
  'file-damaged': kind('error', 'manual', 'Scans of the table fail', RESTORE),
  'file-split-offsets': kind('warning', 'repair', 'Splits are read twice by engines that trust them, or not evenly'),
  'file-unchecked': kind('info', 'manual', 'The file is of a format that is not opened here', 'Check it with another engine'),
  'data-unreadable': kind('error', 'manual', 'Scans of the table fail', RESTORE),
  'data-counts': kind('error', 'repair', 'Filters on null or NaN skip files that have such rows, or counts are wrong'),
  'data-bounds': kind('error', 'repair', 'Filters skip files that have matching rows'),
  'data-partition': kind('error', 'manual', 'Filters on the partition skip rows, and deletes miss them', 'Overwrite the rows of the file: they then get to their partitions'),
  'data-order': kind('warning', 'repair', 'Engines that rely on the sort order merge rows in the wrong order'),
  'summary-totals': kind('warning', 'repair', 'Counts that are answered from the summary are wrong'),
} as const satisfies Record<string, FindingKind>

export type FindingCode = keyof typeof findingKinds

/** Findings about how the files of one snapshot go together: they hold of no other snapshot that has the same files. */
export const snapshotCodes: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'manifest-twice',
  'file-twice',
  'row-ids-overlap',
  'vector-twice',
  'vector-range',
  'delete-dangling',
  'delete-partition',
])

/** Where a finding is. 64-bit ids are texts, so that the report is plain JSON. */
export interface FindingPlace {
  readonly snapshotId?: string | undefined
  readonly manifest?: string | undefined
  readonly file?: string | undefined
  /** Of a deletion vector in its file, in bytes. */
  readonly offset?: number | undefined
  readonly column?: string | undefined
  /** The data file that a delete file is for. */
  readonly dataFile?: string | undefined
}

/** One thing that is wrong: plain JSON. */
export interface Finding extends FindingPlace {
  readonly code: FindingCode
  readonly severity: Severity
  readonly remedy: Remedy
  /** What was found, with the two values that do not agree. */
  readonly message: string
}

/** Makes a finding of its code. */
export function finding(code: FindingCode, message: string, place: FindingPlace = {}): Finding {
  const { severity, remedy } = findingKinds[code]
  const known = Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined)) as FindingPlace
  return Object.freeze({ code, severity, remedy, message, ...known })
}
