import type { Report } from './violation.js'
import { versionOfPart } from './committed-parts.js'
import type { History } from './history.js'
import type { TableHistory } from './table-history.js'

/** What was acknowledged before something else began came into the table before it. */
export function checkOrder(history: History, table: TableHistory, report: Report): void {
  const placed = history.operations.flatMap((operation) => {
    const version = operation.parts.map((part) => versionOfPart(part, table)).find((found) => found !== undefined)
    return version === undefined ? [] : [{ operation, version: version.version }]
  })
  for (const first of placed) {
    if (first.operation.outcome !== 'ok') continue
    for (const second of placed) {
      if (first.operation.endedAt! >= second.operation.invokedAt || first.version < second.version) continue
      report('real-time order', `${first.operation.id} was acknowledged before ${second.operation.id} began, and is version ${first.version}, not before ${second.version}`)
    }
  }
}
