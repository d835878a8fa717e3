/** Commits under faults in seeded orders. Each schedule is a seed: `FLOE_SEED` and `FLOE_SCHEDULES` choose others. */
import { describe, expect, it } from 'vitest'
import { runCampaign } from '../../src/testing/campaign.js'
import { planSimulation } from '../../src/testing/simulation-plan.js'
import { simulate } from '../../src/testing/simulate.js'

const SEED = Number(process.env['FLOE_SEED'] ?? 1)
const SCHEDULES = Number(process.env['FLOE_SCHEDULES'] ?? 500)
const PARTS = 5

describe(`${SCHEDULES} schedules from seed ${SEED}`, () => {
  it.each(Array.from({ length: PARTS }, (_, part) => part))('keep every rule (part %i)', async (part) => {
    const schedules = Math.ceil(SCHEDULES / PARTS)
    const { failure, commits } = await runCampaign({ seed: SEED + part * schedules, schedules, limits: { maxActors: 3, maxOperations: 2 } })
    expect(failure).toBeUndefined()
    expect(commits).toBeGreaterThan(schedules)
  })
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
