import { simulate, type SimulateOptions, type SimulationResult } from './simulate.js'
import { planSimulation, type PlanLimits, type SimulationPlan } from './simulation-plan.js'
import { shrinkPlan } from './shrink-plan.js'
import { OrderWalk, type OrderWalkOptions } from './order-walk.js'
import { EventLog } from './event-log.js'
import { FAULT_KINDS, type FaultKind } from './fault.js'

/** A run that broke a rule, and the smallest plan that breaks the same one. */
export interface SimulationFailure {
  readonly plan: SimulationPlan
  readonly violations: SimulationResult['violations']
  /** One line that runs it again. */
  readonly replay: string
}

export interface CampaignOptions extends Pick<SimulateOptions, 'substitutions'> {
  readonly seed: number
  readonly schedules: number
  readonly limits?: PlanLimits
  /** Run each seed twice and compare the logs. Default false. */
  readonly replays?: boolean
  /** Called after every schedule. `true` ends the campaign. */
  readonly onSchedule?: (result: SimulationResult, seed: number) => boolean
}

export interface CampaignResult {
  readonly schedules: number
  readonly steps: number
  readonly commits: number
  readonly faults: number
  /** How often each kind of fault came about, of all kinds. */
  readonly effects: ReadonlyMap<FaultKind, number>
  /** Of the hashes of all runs, in their order. */
  readonly hash: string
  /** The first failure, shrunk; nothing runs after it. */
  readonly failure?: SimulationFailure
}

/** Runs the schedules of consecutive seeds until one breaks a rule. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const effects = new Map<FaultKind, number>(FAULT_KINDS.map((kind) => [kind, 0]))
  const total = { schedules: 0, steps: 0, commits: 0, faults: 0, effects }
  const { substitutions = {} } = options
  const hashes = new EventLog()
  for (let seed = options.seed; seed < options.seed + options.schedules; seed++) {
    const plan = planSimulation(seed, options.limits)
    const result = await simulate(plan, { substitutions })
    total.schedules++
    total.steps += result.steps
    total.commits += result.history.operations.filter(({ outcome }) => outcome === 'ok').length
    total.faults += result.struck.length
    for (const [kind, count] of result.effects) effects.set(kind, effects.get(kind)! + count)
    hashes.add(result.hash)
    const again = options.replays === true ? await simulate(plan, { substitutions }) : result
    const violations = [...result.violations]
    if (again.hash !== result.hash) violations.push({ rule: 'the same seed is the same run', message: `seed ${seed} gave ${result.hash}, then ${again.hash}` })
    if (violations.length > 0) return { ...total, hash: hashes.hash, failure: await describe(plan, violations, substitutions) }
    if (options.onSchedule?.(result, seed) === true) break
  }
  return { ...total, hash: hashes.hash }
}

async function describe(
  plan: SimulationPlan,
  violations: SimulationResult['violations'],
  substitutions: NonNullable<SimulateOptions['substitutions']>,
): Promise<SimulationFailure> {
  const { rule } = violations[0]!
  const breaksSame = async (smaller: SimulationPlan): Promise<SimulationResult['violations']> =>
    (await simulate(smaller, { substitutions })).violations.filter((violation) => violation.rule === rule)
  const smallest = await shrinkPlan(plan, async (smaller) => (await breaksSame(smaller)).length > 0)
  const found = smallest === plan ? violations : await breaksSame(smallest)
  return { plan: smallest, violations: found, replay: `npm run simulate -- --plan '${JSON.stringify(smallest)}'` }
}

export interface ExploreOptions extends Pick<SimulateOptions, 'substitutions' | 'isVisible'>, OrderWalkOptions {}

/** Runs that were needed. */
export interface ExploreResult {
  /** That came to their end: the orders that differ. */
  readonly orders: number
  /** That were given up, as what lay ahead had been walked. */
  readonly cut: number
  /** See {@link OrderWalk.pairsInDoubt}. */
  readonly pairsInDoubt: number
}

/**
 * Walks through every order of the visible requests of a plan, but for those that give the same as one that was walked, as
 * {@link OrderWalk} says; `onRun` is called after each, with the choices that lead to it, and ends the walk with `true`.
 */
export async function exploreAll(
  plan: SimulationPlan,
  options: ExploreOptions,
  onRun: (result: SimulationResult, path: readonly number[]) => boolean,
): Promise<ExploreResult> {
  const walk = new OrderWalk(options)
  const total = { orders: 0, cut: 0 }
  do {
    const result = await simulate(plan, { ...options, decisions: walk, isSmall: true })
    if (result.isCut) total.cut++
    else {
      total.orders++
      if (onRun(result, walk.path)) break
    }
  } while (walk.advance())
  return { ...total, pairsInDoubt: walk.pairsInDoubt }
}
