/** Compares a change with what others committed since it was planned. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { CommitContext } from './commit-operation.js'
import type { ChangeFilesOptions, FileChanges, NewDeletes } from './file-changes.js'
import type { LiveFile } from './manifest-filter.js'

/** What others did that does not forbid the change, but bears on how it is made. */
export interface ConflictFindings {
  /** Data files that others removed with all of their rows: vectors of this change for them are pointless. */
  readonly gone: ReadonlySet<string>
  /** New position delete files for data files that this change has vectors for, by data file. */
  readonly positionDeletes: ReadonlyMap<string, readonly LiveFile[]>
  /** New deletes of data files that this change replaces. */
  readonly newDeletes: readonly NewDeletes[]
}

export class ConflictCheck {
  constructor(
    readonly changes: FileChanges,
    readonly options: ChangeFilesOptions,
  ) {}

  run(_base: LoadedTable, _current: LoadedTable, _context: CommitContext): Promise<ConflictFindings> {
    return Promise.resolve({ gone: new Set(), positionDeletes: new Map(), newDeletes: [] })
  }
}
