/**
 * Testing: commits under faults, in an order that a seed decides. This folder owns time, chance and the completion of every
 * request; the library under test runs on it unchanged.
 */
import { FloeError } from '../util/errors.js'
import type { CausalTime } from './causal-time.js'
import type { Candidate, Decisions } from './decisions.js'
import type { EventLog } from './event-log.js'
import type { SeededRandom } from './seeded-random.js'

interface Step extends Candidate {
  readonly run: () => void
}

interface Timer extends Step {
  readonly dueMs: number
}

export interface SchedulerOptions {
  readonly decisions: Decisions
  readonly log: EventLog
  /** How far a step moves the clock. */
  readonly random: SeededRandom
  readonly startMs: number
  /**
   * Sleepers may wake at any moment: the order decides, and each actor's clock follows. Default: one clock for all, and they wake
   * when their time has come.
   */
  readonly time?: CausalTime | undefined
}

/** A run that takes more steps than this does not end. */
const MAX_STEPS = 50_000
const MAX_LATENCY_MS = 8

/**
 * Decides what happens next, one thing at a time: requests reach the store, answers arrive, sleepers wake. Between two steps
 * everything that can go on without the outside world does so. The same decisions give the same run.
 */
export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #steps: Step[] = []
  readonly #timers: Timer[] = []
  readonly #stopped = new Set<string>()
  #nowMs: number
  #taken = 0
  #isCut = false

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#nowMs = options.startMs
  }

  get nowMs(): number {
    return this.#options.time?.nowMs ?? this.#nowMs
  }

  /** The time by an actor's clock. */
  nowOf(actor: string): number {
    return this.#options.time?.nowOf(actor) ?? this.#nowMs
  }

  /** Whether it was decided that nothing new lies ahead, so that the run did not come to its end. */
  get isCut(): boolean {
    return this.#isCut
  }

  /** How many steps the run has taken. */
  get steps(): number {
    return this.#taken
  }

  /** Something that may happen from now on. */
  offer(actor: string, label: string, run: () => void): void {
    if (!this.#stopped.has(actor)) this.#steps.push({ actor, label, run })
  }

  /** What an actor sent with its request number `call` may arrive from now on, whatever becomes of the actor. */
  deliver(actor: string, call: number, label: string, run: () => void): void {
    const { time } = this.#options
    // All that is on its way is one, where it is given a priority.
    if (time === undefined) return this.offer('network', label, run)
    const sender = `network of ${actor} ${call}`
    time.join(sender)
    this.offer(sender, label, () => {
      time.delivers(actor)
      run()
    })
  }

  /** Resolves when it is this actor's turn. */
  turn(actor: string, label: string): Promise<void> {
    return new Promise((resolve) => {
      this.offer(actor, label, resolve)
    })
  }

  /** Resolves once the clock has moved on by `ms`. */
  sleep(actor: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#stopped.has(actor)) this.#timers.push({ actor, label: 'wake', dueMs: this.nowOf(actor) + Math.max(0, Math.ceil(ms)), run: resolve })
    })
  }

  /** Lets time go by in which nothing happens. */
  skip(ms: number): void {
    this.#options.time?.skip(ms)
    this.#nowMs += ms
  }

  /** The actor is dead: nothing that it waits for comes, what it has sent still may. */
  stop(actor: string): void {
    this.#stopped.add(actor)
    removeWhere(this.#steps, (step) => step.actor === actor)
    removeWhere(this.#timers, (timer) => timer.actor === actor)
  }

  isStopped(actor: string): boolean {
    return this.#stopped.has(actor)
  }

  /** Goes on until nothing is left to happen, or nothing new would. Throws `UNAVAILABLE` when that takes too long. */
  async run(): Promise<void> {
    const { decisions, time } = this.#options
    await idle()
    for (let candidates = this.#candidates(); candidates.length > 0; candidates = this.#candidates()) {
      const choice = decisions.next(candidates)
      this.#isCut = choice === undefined
      if (choice === undefined) return
      this.#take(candidates[choice]!)
      if (++this.#taken > MAX_STEPS) throw new FloeError('UNAVAILABLE', `The run did not end within ${MAX_STEPS} steps`)
      await idle()
      if (time !== undefined) decisions.seen?.(time.effects)
    }
    time?.settle()
    decisions.settle?.()
  }

  #candidates(): readonly (Step | Timer)[] {
    if (this.#options.time !== undefined) return [...this.#steps, ...this.#timers]
    const due = this.#timers.filter((timer) => timer.dueMs <= this.#nowMs)
    if (this.#steps.length > 0 || due.length > 0) return due.length === 0 ? this.#steps : [...this.#steps, ...due]
    if (this.#timers.length === 0) return []
    this.#nowMs = Math.min(...this.#timers.map((timer) => timer.dueMs))
    return this.#timers.filter((timer) => timer.dueMs <= this.#nowMs)
  }

  #take(step: Step | Timer): void {
    this.#options.time?.begin(step.actor, 'dueMs' in step ? step.dueMs : 0)
    if ('dueMs' in step) {
      this.#timers.splice(this.#timers.indexOf(step), 1)
      this.#nowMs = Math.max(this.#nowMs, step.dueMs)
    } else {
      this.#steps.splice(this.#steps.indexOf(step), 1)
      this.#nowMs += this.#options.random.below(MAX_LATENCY_MS)
    }
    this.#options.log.add(`${this.nowMs} ${step.actor} ${step.label}`)
    step.run()
  }
}

/** Resolves when all promises that can go on have done so. */
function idle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function removeWhere<T>(list: T[], matches: (value: T) => boolean): void {
  for (let i = list.length - 1; i >= 0; i--) if (matches(list[i]!)) list.splice(i, 1)
}
