import { checkCommits } from './check-commits.js'
import { checkFiles } from './check-files.js'
import { checkLiveness } from './check-liveness.js'
import { checkOrder } from './check-order.js'
import { checkReads } from './check-reads.js'
import { checkRows } from './check-rows.js'
import { checkStructure } from './check-structure.js'
import type { History } from './history.js'
import { TableHistory } from './table-history.js'
import type { Report, Violation } from './violation.js'

/** What a table's history breaks of the rules: a function of what happened, and nothing else. Empty when all is well. */
export function checkHistory(history: History): readonly Violation[] {
  const violations: Violation[] = []
  const report: Report = (rule, message) => {
    violations.push({ rule, message })
  }
  checkLiveness(history, report)
  try {
    const table = new TableHistory(history)
    checkStructure(history, table, report)
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
