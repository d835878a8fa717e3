import { throwIfAborted } from '../io/aborted.js'
import type { Runtime } from '../util/runtime.js'
import type { Scheduler } from './scheduler.js'
import type { SeededRandom } from './seeded-random.js'

/** The clock, chance and waiting of one actor of a run; its clock may go wrong. */
export class SimulatedRuntime implements Runtime {
  /** How far this actor's clock is ahead of the store's. */
  skewMs = 0
  readonly #scheduler: Scheduler
  readonly #actor: string
  readonly #random: SeededRandom

  constructor(scheduler: Scheduler, actor: string, random: SeededRandom) {
    this.#scheduler = scheduler
    this.#actor = actor
    this.#random = random
  }

  now(): number {
    return this.#scheduler.nowOf(this.#actor) + this.skewMs
  }

  random(): number {
    return this.#random.fraction()
  }

  uuid(): string {
    return this.#random.uuid()
  }

  snapshotId(): bigint {
    return this.#random.id()
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal)
    await this.#scheduler.sleep(this.#actor, ms)
    throwIfAborted(signal)
  }
}
