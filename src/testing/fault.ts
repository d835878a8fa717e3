/** What may go wrong with one request. */

export const FAULT_KINDS = [
  /** An error, and no effect. */
  'refused',
  /** The effect, and an error: the answer is lost. */
  'lost',
  /** An error now, the effect at any later moment. */
  'late',
  /** Sent twice by something on the way; the answer is the one to the second. */
  'echoed',
  /** Sent twice by something on the way; the second arrives at any later moment. */
  'repeated',
  /** The store calls a conditional write a conflict (409), without effect. */
  'conflict',
  /** Several requests in a row are turned away. */
  'overloaded',
  /** The effect now or at any later moment, and no answer to this and several more requests: whether it came about cannot be seen. */
  'cut-off',
  /** Fewer bytes than were asked for; where nothing would notice, `refused`. */
  'truncated',
  /** One bit is wrong; where nothing would notice, `refused`. */
  'flipped',
  /** A listing from the past: the next one, where the request is none. */
  'stale-list',
  /** A body that is sent in parts breaks off; nothing of it can be seen. */
  'partial',
  /** The process dies before the request arrives. */
  'crash',
  /** The process dies before the answer arrives. */
  'crash-after',
  /** The process's clock jumps; the request goes well. */
  'clock',
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

/** A fault of request `call` (from 1) of an actor. */
export interface Fault {
  readonly actor: string
  /** Among all requests; where `atCommit` is true, among those that commit. */
  readonly call: number
  readonly atCommit?: boolean
  readonly kind: FaultKind
  /** `overloaded`, `cut-off`: requests; `stale-list` and `clock`: milliseconds; else any number, of which details are drawn. */
  readonly amount: number
}

/** The faults of a run: data, so that they can be printed, replayed and left out one by one. */
export class FaultPlan {
  /** Those that struck. */
  readonly struck: Fault[] = []
  /** How often each kind came about. One that does not bear on the request it strikes is `refused`, or nothing. */
  readonly effects = new Map<FaultKind, number>()
  readonly #faults = new Map<string, Fault>()

  constructor(faults: readonly Fault[]) {
    for (const fault of faults) this.#faults.set(keyOf(fault.actor, fault.call, fault.atCommit === true), fault)
  }

  count(kind: FaultKind): void {
    this.effects.set(kind, (this.effects.get(kind) ?? 0) + 1)
  }

  take(actor: string, call: number, atCommit = false): Fault | undefined {
    const fault = this.#faults.get(keyOf(actor, call, atCommit))
    if (fault !== undefined) this.struck.push(fault)
    return fault
  }
}

function keyOf(actor: string, call: number, atCommit: boolean): string {
  return `${actor} ${call}${atCommit ? ' commit' : ''}`
}
