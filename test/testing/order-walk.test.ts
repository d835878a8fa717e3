import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CausalTime } from '../../src/testing/causal-time.js'
import type { Candidate } from '../../src/testing/decisions.js'
import { OrderWalk } from '../../src/testing/order-walk.js'
import { areIndependent, StepEffects } from '../../src/testing/step-effects.js'

/** What one of several small programs does next; `late` is an effect that comes at any later moment. */
interface Act {
  readonly kind: 'read' | 'write' | 'create' | 'delete' | 'list' | 'late'
  readonly at: string
  /** Whether the act after it is left out where it finds nothing. */
  readonly decides: boolean
}

type Program = readonly Act[]

interface Walked {
  /** What the store holds, and what everybody has seen, at the end of each order. */
  readonly ends: ReadonlySet<string>
  readonly orders: number
  readonly cut: number
}

/** Programs on a store of a few objects, which take turns as a walk says. */
class Programs {
  readonly #store = new Map<string, string>()
  readonly #rest: Map<string, { readonly candidate: Candidate; readonly act: Act }[]>
  readonly #seen = new Map<string, string[]>()
  readonly #time = new CausalTime(0)

  constructor(programs: readonly Program[]) {
    this.#rest = new Map(programs.map((program, i) => {
      const actor = `p${i}`
      return [actor, program.map((act, n) => ({ act, candidate: { actor, label: `${act.kind} ${act.at} ${n}` } }))]
    }))
  }

  get candidates(): readonly Candidate[] {
    return [...this.#rest.values()].flatMap(([next]) => next?.candidate ?? [])
  }

  get end(): string {
    return JSON.stringify([[...this.#store].sort(), [...this.#seen].sort()])
  }

  take({ actor, label }: Candidate): StepEffects {
    const rest = this.#rest.get(actor)!
    const { act } = rest.shift()!
    this.#time.begin(actor)
    const found = this.#do(act, actor, label)
    this.#seen.set(actor, [...(this.#seen.get(actor) ?? []), `${label}: ${String(found)} ${this.#time.nowMs}`])
    if (act.decides && found === undefined) rest.shift()
    return this.#time.effects
  }

  #do({ kind, at }: Act, actor: string, label: string): string | undefined {
    if (kind === 'late') {
      const sender = `network of ${actor} ${label}`
      this.#rest.set(sender, [{ candidate: { actor: sender, label }, act: { kind: 'write', at, decides: false } }])
      this.#time.join(sender)
      return 'sent'
    }
    if (kind === 'list') {
      this.#time.lists(at)
      return [...this.#store].filter(([location]) => location.startsWith(at)).sort().join(' ') || undefined
    }
    this.#time.looksAt(at)
    const found = this.#store.get(at)
    if (kind === 'write' || (kind === 'create' && found === undefined)) {
      this.#time.changes(at)
      this.#store.set(at, label)
    }
    if (kind === 'delete' && this.#store.delete(at)) this.#time.deletes(at)
    return found
  }
}

function walk(programs: readonly Program[], isFull: boolean): Walked {
  const order = new OrderWalk({ isFull })
  const ends = new Set<string>()
  let [orders, cut] = [0, 0]
  do {
    const run = new Programs(programs)
    let isCut = false
    for (let candidates = run.candidates; candidates.length > 0 && !isCut; candidates = run.candidates) {
      const choice = order.next(candidates)
      if (choice === undefined) isCut = true
      else order.seen(run.take(candidates[choice]!))
    }
    if (isCut) cut++
    else {
      orders++
      ends.add(run.end)
    }
  } while (order.advance())
  return { ends, orders, cut }
}

const act = (kind: Act['kind'], at: string, decides = false): Act => ({ kind, at, decides })

const acts: fc.Arbitrary<Act> = fc.record({
  kind: fc.constantFrom('read', 'read', 'write', 'create', 'delete', 'list', 'late'),
  at: fc.constantFrom('x', 'x1', 'y'),
  decides: fc.boolean(),
})

describe('a walk through all orders', () => {
  it('comes to every end that the orders it leaves out come to, and to no other', () => {
    fc.assert(
      fc.property(fc.array(fc.array(acts, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 3 }), (programs) => {
        fc.pre(programs.flat().filter(({ kind }) => kind === 'late').length <= 1)
        const full = walk(programs, true)
        const reduced = walk(programs, false)
        expect([...reduced.ends].sort()).toEqual([...full.ends].sort())
        expect(reduced.orders).toBeLessThanOrEqual(full.orders)
        expect(full.cut).toBe(0)
      }),
      { numRuns: Number(process.env['FLOE_WALK_RUNS'] ?? 60) },
    )
  })

  it('is one order where nobody touches what others touch, and all where everybody writes one object', () => {
    const apart = [[act('write', 'x'), act('read', 'x'), act('write', 'x')], [act('write', 'y'), act('list', 'y'), act('write', 'y')]]
    expect(walk(apart, true).orders).toBe(20)
    expect(walk(apart, false)).toMatchObject({ orders: 1, cut: 0 })
    const together = [[act('write', 'x'), act('write', 'x'), act('write', 'x')], [act('write', 'x'), act('write', 'x'), act('write', 'x')]]
    expect(walk(together, false).orders).toBe(20)
  })

  it('takes both orders of two that create an object, and those of a look between them', () => {
    expect(walk([[act('create', 'x')], [act('create', 'x')]], false).orders).toBe(2)
    expect(walk([[act('create', 'x')], [act('create', 'x')], [act('read', 'x')]], false).orders).toBe(4)
  })

  it('has an effect that comes late at every moment that others can tell apart', () => {
    const late = [[act('late', 'x'), act('read', 'y')], [act('read', 'x'), act('read', 'y'), act('read', 'x')]]
    expect(walk(late, false).ends.size).toBe(3)
  })
})

describe('two steps', () => {
  it('concern each other when one changes what the other looks at, lists or changes', () => {
    const effects = (given: Partial<Record<'looks' | 'folders' | 'changes', string>>): StepEffects => {
      const made = new StepEffects()
      for (const [kind, location] of Object.entries(given)) made[kind as keyof StepEffects].add(location)
      return made
    }
    expect(areIndependent(effects({ looks: 'x' }), effects({ looks: 'x', folders: '' }))).toBe(true)
    expect(areIndependent(effects({ changes: 'x' }), effects({ changes: 'y', looks: 'z', folders: 'x/' }))).toBe(true)
    expect(areIndependent(effects({ changes: 'x' }), effects({ changes: 'x' }))).toBe(false)
    expect(areIndependent(effects({ changes: 'x' }), effects({ looks: 'x' }))).toBe(false)
    expect(areIndependent(effects({ folders: 'x/' }), effects({ changes: 'x/1' }))).toBe(false)
  })
})
