import { FloeError } from '../util/errors.js'
import type { Candidate, Decisions } from './decisions.js'
import { areIndependent, StepEffects } from './step-effects.js'

/** A moment of the present order: who may go, and who does. */
interface Moment {
  /** In the order in which they came, with the index of the first thing that each may do. */
  readonly processes: ReadonlyMap<string, number>
  /** Whose turn it need not be here, as the orders in which it is have been walked, with what they would do. */
  readonly asleep: Map<string, StepEffects>
  /** Whose turn it has to be here, in one order or another. */
  readonly wanted: Set<string>
  chosen: string
  /** What the chosen one does. */
  step: Candidate | undefined
  /** What else it has sent already. */
  together: readonly Candidate[]
  effects: StepEffects
  /** The steps that this one cannot come before, as bits. */
  after: bigint
}

export interface OrderWalkOptions {
  /** Walk orders that give the same as well. Default false. */
  readonly isFull?: boolean
  /** Of the requests that an actor has under way at once, the newest reaches the store first. Default: the oldest. */
  readonly isNewestFirst?: boolean
}

/**
 * Walks through the orders of a run, one run after the other, leaving out those that only swap steps that do not concern each
 * other: {@link areIndependent}. Of what an actor has under way at once, the oldest reaches the store first, or the newest, and what
 * the network delivers late is a process of its own; so every process has one next step, given by its own steps before it.
 *
 * After each step, the earlier ones that it could have overtaken are looked for; where one is found, somebody who leads to the
 * opposite order is wanted there. Who has had a turn sleeps in the other branches until a step concerns it. Every class of
 * equivalent orders is walked, and each to its end only once. Source: Abdulla, Aronis, Jonsson, Sagonas, «Optimal Dynamic Partial
 * Order Reduction» (source sets with sleep sets)
 */
export class OrderWalk implements Decisions {
  /** Pairs of requests that an actor had sent at once, both of which concern others: their order is not walked. */
  pairsInDoubt = 0
  readonly #isFull: boolean
  readonly #isNewestFirst: boolean
  readonly #moments: Moment[] = []
  /** Where in `candidates` the steps of the present order were. */
  readonly #path: number[] = []
  /** Of each process in the present run: its last step, or the one that brought it about. */
  readonly #previous = new Map<string, bigint>()
  /** The steps that had been before each was sent. */
  readonly #knownTo = new WeakMap<Candidate, bigint>()
  #depth = 0
  /** From here on, the steps of the present run are new. */
  #fresh = 0
  /** The steps before whoever comes now. */
  #everybody = 0n

  constructor(options: OrderWalkOptions = {}) {
    this.#isFull = options.isFull ?? false
    this.#isNewestFirst = options.isNewestFirst ?? false
  }

  /** The choices of the present order, as a `ScriptedOrder` takes them. */
  get path(): readonly number[] {
    return this.#path
  }

  /** Goes to the next order; `false` after the last. */
  advance(): boolean {
    this.#countPairs()
    this.#depth = 0
    this.#path.length = 0
    this.#previous.clear()
    this.#everybody = 0n
    for (let moment = this.#moments.at(-1); moment !== undefined; moment = this.#moments.at(-1)) {
      const { asleep, wanted } = moment
      asleep.set(moment.chosen, moment.effects)
      const next = [...wanted].find((process) => !asleep.has(process))
      if (next !== undefined) {
        moment.chosen = next
        this.#fresh = this.#moments.length - 1
        return true
      }
      this.#moments.pop()
    }
    return false
  }

  /** Whoever comes now comes after all that was. */
  settle(): void {
    this.#everybody = (1n << BigInt(this.#depth)) - 1n
    this.#previous.clear()
  }

  next(candidates: readonly Candidate[]): number | undefined {
    const processes = new Map<string, number>()
    candidates.forEach(({ actor }, i) => {
      if (this.#isNewestFirst || !processes.has(actor)) processes.set(actor, i)
    })
    for (const process of processes.keys()) if (!this.#previous.has(process)) this.#previous.set(process, this.#origin())
    for (const candidate of candidates) {
      if (!this.#knownTo.has(candidate)) this.#knownTo.set(candidate, this.#previous.get(candidate.actor)!)
    }
    const moment = this.#moments[this.#depth] ?? this.#begin(processes)
    if (moment === undefined) return undefined
    const choice = processes.get(moment.chosen)
    if (choice === undefined) throw new FloeError('UNAVAILABLE', `The same order gave something else: ${moment.chosen} has nothing to do`)
    moment.step = candidates[choice]!
    moment.together = candidates.filter((candidate) => candidate.actor === moment.chosen && candidate !== moment.step)
    this.#depth++
    this.#path.push(choice)
    return choice
  }

  /** Who is new was brought about by the last step. */
  #origin(): bigint {
    const last = this.#depth - 1
    if (last < 0 || (this.#everybody >> BigInt(last)) === 1n) return this.#everybody
    return this.#moments[last]!.after | (1n << BigInt(last))
  }

  seen(effects: StepEffects): void {
    const last = this.#depth - 1
    const moment = this.#moments[last]!
    if (last >= this.#fresh) {
      moment.effects = effects
      moment.after = this.#order(last)
    }
    this.#previous.set(moment.chosen, moment.after | (1n << BigInt(last)))
  }

  /** `undefined` when all orders from here on have been walked. */
  #begin(processes: ReadonlyMap<string, number>): Moment | undefined {
    const before = this.#moments.at(-1)
    const asleep = new Map<string, StepEffects>()
    if (before !== undefined && !this.#isFull) {
      for (const [process, effects] of before.asleep) {
        if (process !== before.chosen && areIndependent(effects, before.effects)) asleep.set(process, effects)
      }
    }
    const chosen = [...processes.keys()].find((process) => !asleep.has(process))
    if (chosen === undefined) return undefined
    const wanted = new Set(this.#isFull ? processes.keys() : [chosen])
    const moment = { processes, asleep, wanted, chosen, step: undefined, together: [], effects: new StepEffects(), after: 0n }
    this.#moments.push(moment)
    return moment
  }

  #countPairs(): void {
    for (const [i, { step, together }] of this.#moments.entries()) {
      for (const other of together) {
        const k = this.#moments.findIndex((moment) => moment.step === other)
        if (k === -1) continue
        const both = (1n << BigInt(i)) | (1n << BigInt(k))
        const isNext = ({ chosen, step: later }: Moment): boolean => chosen === step!.actor && (this.#knownTo.get(later!)! & both) === both
        const next = this.#moments.findIndex(isNext)
        if (this.#concernsOthers(i, step!, next) && this.#concernsOthers(k, other, next)) this.pairsInDoubt++
      }
    }
  }

  /** Whether a step that is neither known to be over when this one was sent, nor after the actor's step `next`, has to do with it. */
  #concernsOthers(i: number, step: Candidate, next: number): boolean {
    const { chosen, effects } = this.#moments[i]!
    const known = this.#knownTo.get(step)!
    return this.#moments.some(({ chosen: other, effects: theirs, after }, k) => {
      if (other === chosen || hasStep(known, k) || (next !== -1 && hasStep(after, next))) return false
      return !areIndependent(theirs, effects)
    })
  }

  /** The steps that this one cannot come before; those that it could have overtaken are seen to on the way. */
  #order(last: number): bigint {
    const { chosen, effects } = this.#moments[last]!
    let after = this.#previous.get(chosen)!
    for (let i = last - 1; i >= 0; i--) {
      const bit = 1n << BigInt(i)
      const earlier = this.#moments[i]!
      if (hasStep(after, i) || areIndependent(earlier.effects, effects)) continue
      if (!this.#isFull) this.#want(i, last, after)
      after |= earlier.after | bit
    }
    return after
  }

  /** Sees to it that the step `last`, of which `after` is known as far as `i`, comes before step `i` in one of the orders. */
  #want(i: number, last: number, after: bigint): void {
    const { wanted, asleep } = this.#moments[i]!
    let overtaking = 0n
    const first = new Set<string>()
    const seen = new Set<string>()
    for (let k = i + 1; k <= last; k++) {
      const { chosen, after: known } = this.#moments[k]!
      const before = k === last ? after : known
      if (k !== last && hasStep(before, i)) continue
      if (!seen.has(chosen) && (before & overtaking) === 0n) first.add(chosen)
      seen.add(chosen)
      overtaking |= 1n << BigInt(k)
    }
    for (const process of first) if (wanted.has(process) || asleep.has(process)) return
    const { chosen } = this.#moments[last]!
    wanted.add(first.has(chosen) ? chosen : [...first][0]!)
  }
}

function hasStep(steps: bigint, i: number): boolean {
  return ((steps >> BigInt(i)) & 1n) === 1n
}
