import type { Report } from './violation.js'
import type { History } from './history.js'

/** Everybody who lives comes to an end; without faults, whoever cannot conflict succeeds. */
export function checkLiveness(history: History, report: Report): void {
  if (!history.finished) report('everybody comes to an end', 'the run did not end')
  for (const { id, kind, error } of history.operations) {
    if (kind !== 'append' || error === undefined || history.faults.length > 0 || !history.isPatient) continue
    report('everybody comes to an end', `${id}, an append without faults, failed: ${error.message}`)
  }
  const hasCrashes = history.faults.some((fault) => fault === 'crash' || fault === 'crash-after')
  const last = [...history.operations, ...history.reads].filter(({ actor }) => actor.startsWith('last'))
  for (const { id, actor, endedAt, error } of [...history.operations, ...history.reads]) {
    const isDead = hasCrashes && !last.some((record) => record.actor === actor)
    if (endedAt === undefined && !isDead) report('everybody comes to an end', `${id} never ended`)
    if (error !== undefined && actor.startsWith('last')) report('everybody comes to an end', `${id}, after all faults, failed: ${error.message}`)
  }
}
