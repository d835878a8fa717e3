import type { SimulationPlan } from './simulation-plan.js'

/** Runs that one failure may take. */
const MAX_RUNS = 300

/**
 * The smallest plan found that still fails: actors, operations and faults are left out one by one, as long as `fails` says that the
 * rest does so on its own.
 */
export async function shrinkPlan(plan: SimulationPlan, fails: (smaller: SimulationPlan) => Promise<boolean>): Promise<SimulationPlan> {
  let smallest = plan
  let runs = 0
  for (let progress = true; progress;) {
    progress = false
    for (const candidate of smallerPlans(smallest)) {
      if (++runs > MAX_RUNS) return smallest
      if (!(await fails(candidate))) continue
      smallest = candidate
      progress = true
      break
    }
  }
  return smallest
}

/** Each with one thing less, big things first. */
function* smallerPlans(plan: SimulationPlan): Generator<SimulationPlan> {
  const { actors, faults } = plan
  for (const actor of actors) if (actors.length > 1) yield { ...plan, actors: actors.filter((other) => other !== actor) }
  for (const fault of faults) yield { ...plan, faults: faults.filter((other) => other !== fault) }
  for (const actor of actors) {
    for (let i = actor.operations.length - 1; i >= 0 && actor.operations.length > 1; i--) {
      const operations = actor.operations.filter((_, k) => k !== i)
      yield { ...plan, actors: actors.map((other) => (other === actor ? { ...actor, operations } : other)) }
    }
  }
}
