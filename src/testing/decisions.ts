/** Who goes next: everything in a run that is left to chance in the order of events is asked here. */
import { SeededRandom } from './seeded-random.js'
import type { StepEffects } from './step-effects.js'

/** One thing that may happen next. */
export interface Candidate {
  readonly actor: string
  readonly label: string
}

export interface Decisions {
  /** The index of the one that happens next; `undefined` ends the run, as nothing new would. */
  next(candidates: readonly Candidate[]): number | undefined
  /** Told what came of it, where somebody keeps account. */
  seen?(effects: StepEffects): void
  /** Told that whoever comes from now on comes after all that was. */
  settle?(): void
}

/** Any of them, each as likely. */
export class RandomOrder implements Decisions {
  readonly #random: SeededRandom

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
  }

  next(candidates: readonly Candidate[]): number {
    return candidates.length === 1 ? 0 : this.#random.below(candidates.length)
  }
}

/** Steps within which the priorities of a run change. */
const PRIORITY_HORIZON = 400

/**
 * The actor of the highest priority goes on until one of `depth - 1` random moments sends it to the end: finds the bugs that need few
 * switches at the right place. Source: Burckhardt et al., «A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs» (PCT)
 */
export class PriorityOrder implements Decisions {
  readonly #random: SeededRandom
  readonly #priorities = new Map<string, number>()
  readonly #changes: ReadonlySet<number>
  #step = 0
  #lowest = 0

  constructor(seed: number, depth = 3) {
    this.#random = new SeededRandom(seed)
    this.#changes = new Set(Array.from({ length: depth - 1 }, () => this.#random.below(PRIORITY_HORIZON)))
  }

  next(candidates: readonly Candidate[]): number {
    let best = 0
    for (const [i, candidate] of candidates.entries()) {
      if (this.#priorityOf(candidate.actor) > this.#priorityOf(candidates[best]!.actor)) best = i
    }
    if (this.#changes.has(this.#step++)) this.#priorities.set(candidates[best]!.actor, --this.#lowest)
    return best
  }

  #priorityOf(actor: string): number {
    const known = this.#priorities.get(actor)
    if (known !== undefined) return known
    const drawn = this.#random.fraction()
    this.#priorities.set(actor, drawn)
    return drawn
  }
}

/** Follows `path` and then takes the first of what there is, noting how many there were: how all orders are walked through. */
export class ScriptedOrder implements Decisions {
  readonly taken: { readonly choice: number; readonly options: number }[] = []

  constructor(private readonly path: readonly number[] = []) {}

  next(candidates: readonly Candidate[]): number {
    const choice = Math.min(this.path[this.taken.length] ?? 0, candidates.length - 1)
    this.taken.push({ choice, options: candidates.length })
    return choice
  }

  /** The path of the order after this one; `undefined` after the last. */
  nextPath(): readonly number[] | undefined {
    const last = this.taken.findLastIndex(({ choice, options }) => choice + 1 < options)
    if (last === -1) return undefined
    return [...this.taken.slice(0, last).map(({ choice }) => choice), this.taken[last]!.choice + 1]
  }
}
