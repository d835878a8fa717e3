/** Two writers, every order of the requests that others can tell apart, and every fault of the requests that commit. */
import { describe, expect, it } from 'vitest'
import { exploreAll } from '../../src/testing/campaign.js'
import { FAULT_KINDS, type Fault, type FaultKind } from '../../src/testing/fault.js'
import type { Request } from '../../src/testing/faulty-file-io.js'
import type { SimulationPlan } from '../../src/testing/simulation-plan.js'
import type { WriterOperationKind } from '../../src/testing/writer-operations.js'

/** Versions are immutable: only making one, and finding it missing, depends on the order. */
const isVisible = ({ operation, location }: Request, exists: boolean): boolean =>
  /\/v\d+\.metadata\.json$/.test(location) && (operation === 'write' || (operation === 'head' && !exists))

function duel(first: WriterOperationKind, second: WriterOperationKind, faults: readonly Fault[]): SimulationPlan {
  const actors = [{ name: 'a', operations: [first] }, { name: 'b', operations: [second] }]
  return { seed: 1, order: 'random', actors, faults, properties: { 'write.manifest.compression-codec': 'uncompressed' } }
}

async function explore(plan: SimulationPlan): Promise<number> {
  const broken: unknown[] = []
  let tried = 0
  const runs = await exploreAll(plan, { isVisible }, (result, path) => {
    if (result.violations.length > 0) broken.push({ path, plan: JSON.stringify(plan), violations: result.violations })
    return broken.length > 0 || ++tried >= MOST_ORDERS
  })
  expect(broken).toEqual([])
  return runs
}

const PAIRS: readonly (readonly [WriterOperationKind, WriterOperationKind])[] = [
  ['append', 'append'], ['delete', 'delete'], ['delete', 'compact'], ['update', 'delete'], ['rewrite', 'update'], ['property', 'transaction'],
]
/** `FLOE_ALL_FAULTS=1` strikes every request of either writer; else the first that commits. */
const EVERYWHERE = process.env['FLOE_ALL_FAULTS'] === '1'
const KINDS = FAULT_KINDS.filter((kind) => !['truncated', 'flipped', 'stale-list', 'partial', 'clock', 'overloaded'].includes(kind))

/** Both ways where a fault has two; requests that go wrong in a row are few, as each more multiplies the orders. */
const AMOUNTS: Readonly<Partial<Record<FaultKind, readonly number[]>>> = {
  lost: [8, 9], late: [8, 9], echoed: [8, 9], 'cut-off': [2, 3], overloaded: [2],
}

/** An effect that may come at any later moment has too many orders for every day. */
const MOST_ORDERS = EVERYWHERE ? Infinity : 100

describe('two writers in all orders', () => {
  it.each(PAIRS)('%s against %s, without faults', async (first, second) => {
    expect(await explore(duel(first, second, []))).toBeGreaterThanOrEqual(20)
  })

  it.each(EVERYWHERE ? FAULT_KINDS : KINDS)('append against append, with the fault «%s»', async (kind) => {
    const calls = EVERYWHERE ? Array.from({ length: 9 }, (_, i) => i + 1) : [1]
    for (const amount of EVERYWHERE ? (AMOUNTS[kind] ?? [9]) : [9]) {
      for (const call of calls) {
        for (const actor of EVERYWHERE ? ['a', 'b'] : ['a']) await explore(duel('append', 'append', [{ actor, call, kind, amount, atCommit: !EVERYWHERE }]))
      }
    }
  }, EVERYWHERE ? 3_600_000 : 30_000)
})
