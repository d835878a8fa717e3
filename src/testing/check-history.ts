import { checkCommits } from './check-commits.js'
import { checkFiles } from './check-files.js'
import { checkLiveness } from './check-liveness.js'
import { checkOrder } from './check-order.js'
import { checkReads } from './check-reads.js'
import { checkRows } from './check-rows.js'
import { checkStructure } from './check-structure.js'
import type { History } from './history.js'
import { TableHistory } from './table-history.js'

/** The rules that every run keeps. */
export type Rule =
  | 'acknowledged exactly once'
  | 'all or nothing'
  | 'failed is never visible'
  | 'visible for ever'
  | 'no rows but those of its operation'
  | 'one line of history'
  | 'sequence numbers grow'
  | 'row ids are never reused'
  | 'time goes forward'
  | 'real-time order'
  | 'reads are states of the table'
  | 'reads never go backwards'
  | 'everything reachable is there'
  | 'nothing reachable is deleted'
  | 'written once'
  | 'leaks are bounded'
  | 'one vector per data file'
  | 'counts are exact'
  | 'errors are honest'
  | 'everybody comes to an end'
  | 'the same seed is the same run'

/** A rule that a run broke, and how. */
export interface Violation {
  readonly rule: Rule
  readonly message: string
}

/** Says that a rule is broken. */
export type Report = (rule: Rule, message: string) => void

/** What a table's history breaks of the rules: a function of what happened, and nothing else. Empty when all is well. */
export function checkHistory(history: History): readonly Violation[] {
  const violations: Violation[] = []
  const report: Report = (rule, message) => {
    violations.push({ rule, message })
  }
  checkLiveness(history, report)
  try {
    const table = new TableHistory(history)
    checkStructure(table, report)
    checkFiles(history, table, report)
    checkCommits(history, table, report)
    checkOrder(history, table, report)
    checkRows(history, table, report)
    checkReads(history, table, report)
  } catch (error) {
    report('everything reachable is there', String(error))
  }
  return violations
}
