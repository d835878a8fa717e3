import { describe, expect, it } from 'vitest'
import { arbitraries, planSimulation, simulate, type SimulationPlan } from '../../src/testing/main.js'
import { failureOf } from '../support/lake.js'

const plan: SimulationPlan = { seed: 1, order: 'random', actors: [{ name: 'a', operations: ['append'] }], faults: [], properties: {} }
const WRONG: readonly (readonly [unknown, RegExp])[] = [
  [undefined, /A plan is an object/],
  [{}, /seed/],
  [{ ...plan, order: 'first' }, /one of random, priority/],
  [{ ...plan, actors: [] }, /has actors/],
  [{ ...plan, actors: [...plan.actors, ...plan.actors] }, /Two actors of a plan are called a/],
  [{ ...plan, actors: [{ name: 'a', operations: ['explode'] }] }, /cannot "explode": there are read, append/],
  [{ ...plan, faults: [{ actor: 'a', call: 1, kind: 'fire', amount: 0 }] }, /no fault "fire": there are refused/],
  [{ ...plan, faults: [{ actor: 'a', call: 0, kind: 'lost', amount: 0 }] }, /counted from 1/],
]

describe('a simulation', () => {
  it('runs what is a plan, and refuses all else by name', async () => {
    expect((await simulate(plan)).violations).toEqual([])
    for (const [wrong, message] of WRONG) {
      const error = await failureOf(simulate(wrong as SimulationPlan))
      expect([error.code, error.message]).toEqual(['INVALID', expect.stringMatching(message)])
    }
  })

  it('is planned for whole seeds, and arbitraries for fast-check and a column or more', () => {
    for (const seed of [Number.NaN, 1.5, 'x' as unknown as number]) expect(() => planSimulation(seed)).toThrow(/The seed of a run is an integer/)
    expect(() => arbitraries({} as never)).toThrow(/takes fast-check/)
  })
})
