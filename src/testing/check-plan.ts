import { FloeError } from '../util/errors.js'
import { FAULT_KINDS } from './fault.js'
import type { SimulationPlan } from './simulation-plan.js'
import { WRITER_OPERATIONS } from './writer-operations.js'

const ORDERS = ['random', 'priority']

/** Throws `INVALID` for what is no plan: one that was pasted by half would else break rules of its own. */
export function checkPlan(plan: SimulationPlan): void {
  const given = plan as unknown
  if (typeof given !== 'object' || given === null) throw invalid('A plan is an object, as planSimulation makes and a failure prints')
  const { seed, order, actors, faults, properties } = given as Partial<SimulationPlan>
  if (!Number.isSafeInteger(seed)) throw invalid('The seed of a plan is an integer')
  if (order === undefined || !ORDERS.includes(order)) throw invalid(`The order of a plan is one of ${ORDERS.join(', ')}`)
  if (!Array.isArray(actors) || actors.length === 0) throw invalid('A plan has actors')
  if (!Array.isArray(faults) || typeof properties !== 'object' || properties === null) throw invalid('A plan has a list of faults, and properties')
  const names = new Set<string>()
  for (const { name, operations } of plan.actors) {
    if (names.has(name)) throw invalid(`Two actors of a plan are called ${name}`)
    names.add(name)
    if (!Array.isArray(operations)) throw invalid(`Actor ${name} has no list of operations`)
    const unknown = operations.find((kind) => kind !== 'read' && !Object.hasOwn(WRITER_OPERATIONS, kind))
    if (unknown !== undefined) throw invalid(`Actor ${name} cannot ${JSON.stringify(unknown)}: there are read, ${Object.keys(WRITER_OPERATIONS).join(', ')}`)
  }
  // A fault of an actor who is not there strikes nobody: shrinking a plan leaves some.
  for (const { kind, call } of plan.faults) {
    if (!FAULT_KINDS.includes(kind)) throw invalid(`There is no fault ${JSON.stringify(kind)}: there are ${FAULT_KINDS.join(', ')}`)
    if (!Number.isSafeInteger(call) || call < 1) throw invalid('The call that a fault strikes is counted from 1')
  }
}

function invalid(message: string): FloeError {
  return new FloeError('INVALID', message)
}
