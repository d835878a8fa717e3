/**
 * Mending what a check has found, by ordinary commits: a plan says what becomes of which file, and carrying it out writes new
 * manifests. Rows are never touched, unless the caller says that they may go.
 */
import { findingKinds, type Finding, type FindingCode } from '../fsck/finding.js'
import type { FsckReport } from '../fsck/fsck-report.js'

/** What is done about a finding. */
export type RepairAction =
  | 'remove-statistics'
  | 'write-hint'
  | 'rewrite-manifest'
  | 'measure-file'
  | 'unite-vectors'
  | 'remove-delete'
  | 'move-delete'
  | 'count-totals'
  | 'drop-duplicate'
  | 'drop-file'
  | 'drop-delete'

export interface RepairStep {
  readonly action: RepairAction
  readonly finding: Finding
}

/** A finding that stays, and what to do about it. */
export interface Unrepaired {
  readonly finding: Finding
  readonly advice: string
}

/** What would be done: plain JSON. */
export interface RepairPlan {
  readonly table: string
  readonly steps: readonly RepairStep[]
  readonly unrepaired: readonly Unrepaired[]
}

/** What may be given up. */
export interface RepairConsent {
  /** Data files that are gone are taken out of the table, with their rows. Default false. */
  readonly dropMissingFiles?: boolean | undefined
  /** Delete files that are gone are taken out of the table: the rows that they deleted come back. Default false. */
  readonly dropMissingDeletes?: boolean | undefined
  /** Of files and manifests that are listed twice, one listing goes: their rows are then read once. Default false. */
  readonly dropDuplicates?: boolean | undefined
}

const ACTIONS: Readonly<Partial<Record<FindingCode, RepairAction>>> = {
  'statistics-snapshot': 'remove-statistics',
  'statistics-missing': 'remove-statistics',
  'statistics-damaged': 'remove-statistics',
  'hint-stale': 'write-hint',
  'manifest-size': 'rewrite-manifest',
  'manifest-counts': 'rewrite-manifest',
  'manifest-partitions': 'rewrite-manifest',
  'manifest-sequence': 'rewrite-manifest',
  'manifest-row-ids': 'rewrite-manifest',
  'entry-snapshot': 'rewrite-manifest',
  'entry-record-count': 'measure-file',
  'file-size': 'measure-file',
  'file-split-offsets': 'measure-file',
  'data-counts': 'measure-file',
  'data-bounds': 'measure-file',
  'data-order': 'measure-file',
  'vector-twice': 'unite-vectors',
  'vector-range': 'unite-vectors',
  'delete-dangling': 'remove-delete',
  'delete-partition': 'move-delete',
  'summary-totals': 'count-totals',
  'manifest-twice': 'drop-duplicate',
  'file-twice': 'drop-duplicate',
  'file-missing': 'drop-file',
  'delete-file-missing': 'drop-delete',
}

const CONSENTS: Readonly<Partial<Record<RepairAction, keyof RepairConsent>>> = {
  'drop-duplicate': 'dropDuplicates',
  'drop-file': 'dropMissingFiles',
  'drop-delete': 'dropMissingDeletes',
}

/** What is to be done about the findings of a report, and what cannot be. */
export function planRepair(report: FsckReport, consent: RepairConsent = {}): RepairPlan {
  const steps: RepairStep[] = []
  const unrepaired: Unrepaired[] = []
  const damaged = new Set(report.findings.filter(({ code }) => UNREADABLE.has(code)).map(({ file }) => file))
  for (const finding of report.findings) {
    const action = ACTIONS[finding.code]
    const needed = action === undefined ? undefined : CONSENTS[action]
    const isAllowed = needed === undefined || consent[needed] === true
    // A file that cannot be read cannot be measured either.
    const isPossible = action !== 'measure-file' || !damaged.has(finding.file)
    if (action !== undefined && isAllowed && isPossible) steps.push({ action, finding })
    else if (finding.severity !== 'info') unrepaired.push({ finding, advice: findingKinds[finding.code].advice })
  }
  return Object.freeze({ table: report.table, steps, unrepaired })
}

const UNREADABLE: ReadonlySet<FindingCode> = new Set(['file-missing', 'delete-file-missing', 'file-damaged', 'data-unreadable', 'vector-damaged'])
