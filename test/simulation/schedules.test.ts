/** Commits under faults in seeded orders. Each schedule is a seed: `FLOE_SEED` and `FLOE_SCHEDULES` choose others. */
import { describe, expect, it } from 'vitest'
import { runCampaign } from '../../src/testing/campaign.js'
import { planSimulation, type PlanLimits } from '../../src/testing/simulation-plan.js'
import { simulate } from '../../src/testing/simulate.js'

const SEED = Number(process.env['FLOE_SEED'] ?? 1)
const SCHEDULES = Number(process.env['FLOE_SCHEDULES'] ?? 2_000)
const PARTS = 10
/** Most runs are small, so that there are many of them; the campaign's are larger. */
const SMALL: PlanLimits = { maxActors: 2, maxOperations: 1 }
const LARGER: PlanLimits = { maxActors: 3, maxOperations: 2 }
const TIMEOUT_MS = 240_000

describe(`${SCHEDULES} schedules from seed ${SEED}`, () => {
  it.each(Array.from({ length: PARTS }, (_, part) => part))('keep every rule (part %i)', async (part) => {
    const schedules = Math.ceil(SCHEDULES / PARTS)
    const { failure, commits } = await runCampaign({ seed: SEED + part * schedules, schedules, limits: part === 0 ? LARGER : SMALL })
    expect(failure).toBeUndefined()
    expect(commits).toBeGreaterThan(schedules)
  }, TIMEOUT_MS)
})

describe('a seed', () => {
  it('is the same run every time, down to every byte that is written', async () => {
    for (let seed = SEED; seed < SEED + 20; seed++) {
      const plan = planSimulation(seed)
      expect((await simulate(plan)).hash).toBe((await simulate(plan)).hash)
    }
  })

  it('is another run than the next', async () => {
    const hashes = new Set<string>()
    for (let seed = SEED; seed < SEED + 20; seed++) hashes.add((await simulate(planSimulation(seed))).hash)
    expect(hashes.size).toBe(20)
  })
})
