import { versionOf } from '../catalog/version-file.js'
import { StepEffects } from './step-effects.js'

/** Names of what is no object, and yet depends on the order: the checker asks for it. */
const BEGINNINGS = 'beginnings'
const VERSIONS = 'versions'

function whatIsTold(actor: string): string {
  return `what ${actor} is told`
}

/**
 * Clocks that go no further than cause and effect make them: whoever looks at an object, or changes it, is later than its last
 * change, and whoever has slept is later by that. Two orders of the same events that differ only in events that have nothing to do
 * with each other give the same times, and so the same bytes. Source: Lamport, «Time, Clocks, and the Ordering of Events»
 */
export class CausalTime {
  /** Of the step that is under way. */
  effects = new StepEffects()
  readonly #times = new Map<string, number>()
  readonly #changes = new Map<string, number>()
  #startMs: number
  #current: string | undefined

  constructor(startMs: number) {
    this.#startMs = startMs
  }

  /** Of the step that is under way; between steps, when the next ones begin. */
  get nowMs(): number {
    return this.#current === undefined ? this.#startMs : this.nowOf(this.#current)
  }

  nowOf(actor: string): number {
    return this.#times.get(actor) ?? this.#startMs
  }

  /** Somebody comes, whose clock is ahead of that of others by so much. */
  join(actor: string, aheadMs = 0): void {
    this.#times.set(actor, this.nowMs + aheadMs)
  }

  /** A step begins; where it is the end of a sleep, at that time. */
  begin(actor: string, dueMs = 0): void {
    this.effects = new StepEffects()
    this.#current = actor
    this.#reach(dueMs)
  }

  /** Nothing is left to happen: who comes next is later than all. */
  settle(): void {
    this.#startMs = Math.max(this.#startMs, ...this.#times.values())
    this.#times.clear()
    this.#current = undefined
  }

  skip(ms: number): void {
    this.settle()
    this.#startMs += ms
  }

  /** What an actor sent arrives late: others judge whether that is before the actor says how it ended. */
  delivers(actor: string): void {
    this.changes(whatIsTold(actor))
  }

  /** What began after something else had ended must not come before it. */
  operationBegins(): void {
    this.changes(BEGINNINGS)
  }

  operationEnds(actor: string): void {
    this.looksAt(whatIsTold(actor))
    this.looksAt(BEGINNINGS)
  }

  looksAt(location: string): void {
    this.effects.looks.add(location)
    this.#reach((this.#changes.get(location) ?? -1) + 1)
  }

  /** Looks at everything whose location begins so. */
  lists(folder: string): void {
    this.effects.folders.add(folder)
    for (const [location, ms] of this.#changes) if (location.startsWith(folder)) this.#reach(ms + 1)
  }

  changes(location: string): void {
    this.#change(location)
    // A file may be deleted once no version needs it.
    if (versionOf(location) !== undefined) this.#change(VERSIONS)
  }

  deletes(location: string): void {
    this.#change(location)
    this.looksAt(VERSIONS)
  }

  #change(location: string): void {
    this.effects.changes.add(location)
    this.#changes.set(location, this.nowMs)
  }

  #reach(ms: number): void {
    if (this.#current !== undefined && ms > this.nowMs) this.#times.set(this.#current, ms)
  }
}
