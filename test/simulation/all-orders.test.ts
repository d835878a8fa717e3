/**
 * Two writers in every order of their requests, and with every fault of every request of either. Orders that differ only in
 * requests that have nothing to do with each other are walked once: `src/testing/order-walk.ts`, and its test, say why that is all.
 *
 *     FLOE_ALL_FAULTS=1 npx vitest run test/simulation/all-orders.test.ts
 *     FLOE_ALL_FAULTS=1 FLOE_FAULT_KINDS=lost,late npx vitest run test/simulation/all-orders.test.ts -t 'delete against compact'
 */
import { describe, expect, it } from 'vitest'
import { exploreAll, type ExploreOptions, type ExploreResult } from '../../src/testing/campaign.js'
import { FAULT_KINDS, type Fault, type FaultKind } from '../../src/testing/fault.js'
import { RandomOrder } from '../../src/testing/decisions.js'
import { contentHash } from '../../src/testing/event-log.js'
import type { Request } from '../../src/testing/faulty-file-io.js'
import { simulate, type SimulationResult } from '../../src/testing/simulate.js'
import type { SimulationPlan } from '../../src/testing/simulation-plan.js'
import type { WriterOperationKind } from '../../src/testing/writer-operations.js'
import { PLANTED_BUGS } from './planted-bugs.js'

type Pair = readonly [WriterOperationKind, WriterOperationKind]

const PAIRS: readonly Pair[] = [
  ['append', 'append'], ['delete', 'delete'], ['delete', 'compact'], ['update', 'delete'], ['rewrite', 'update'], ['property', 'transaction'],
]

/** `FLOE_ALL_FAULTS=1` strikes every request of either writer of every pair; else the first that commits, of two appends. */
const EVERYWHERE = process.env['FLOE_ALL_FAULTS'] === '1'
const CHOSEN = process.env['FLOE_FAULT_KINDS']?.split(',')
const KINDS = FAULT_KINDS.filter((kind) => CHOSEN?.includes(kind) !== false)
const COMMIT_KINDS = KINDS.filter((kind) => !['truncated', 'flipped', 'stale-list', 'partial', 'clock', 'overloaded'].includes(kind))

/** Both ways where a fault has two; of requests that go wrong in a row, fewer and more than are tried again before somebody gives up. */
const AMOUNTS: Readonly<Partial<Record<FaultKind, readonly number[]>>> = {
  lost: [8, 9],
  late: [8, 9],
  echoed: [8, 9],
  'cut-off': [2, 3, 20, 21],
  overloaded: [2, 20],
  'stale-list': [1, 864_000_000],
  clock: [-864_000_000, 864_000_000],
}
const DEFAULT_AMOUNTS = [9]

function duel([first, second]: Pair, faults: readonly Fault[]): SimulationPlan {
  const actors = [{ name: 'a', operations: [first] }, { name: 'b', operations: [second] }]
  return { seed: 1, order: 'random', actors, faults, properties: { 'write.manifest.compression-codec': 'uncompressed' } }
}

interface Explored extends ExploreResult {
  /** Orders in which the fault struck. */
  readonly struck: number
  /** In how many orders it came about as which kind. */
  readonly effects: ReadonlyMap<FaultKind, number>
}

async function explore(plan: SimulationPlan, options: ExploreOptions = {}): Promise<Explored> {
  const broken: unknown[] = []
  const effects = new Map<FaultKind, number>()
  let struck = 0
  const explored = await exploreAll(plan, options, (result, path) => {
    if (result.struck.length > 0) struck++
    for (const kind of result.effects.keys()) effects.set(kind, (effects.get(kind) ?? 0) + 1)
    if (result.violations.length > 0) broken.push({ path, options, plan: JSON.stringify(plan), violations: result.violations })
    return broken.length > 0
  })
  expect(broken).toEqual([])
  // Without faults, the order of what one writer has under way at once does not matter.
  if (plan.faults.length === 0) expect(explored.pairsInDoubt).toBe(0)
  return { ...explored, struck, effects }
}

/** What a fault does to a request that changes nothing is what others do: which, by the kind and what was walked of the same request. */
const ALIKE: readonly ReadonlySet<FaultKind>[] = [
  new Set(['lost', 'late', 'echoed', 'repeated', 'conflict']),
  new Set(['truncated', 'flipped']),
]
/** Kinds that are a mere refusal of a request, in every order: what comes before a fault is the same whichever it is. */
const refusals = new Map<string, ReadonlySet<FaultKind>>()

interface EveryCall {
  /** Requests that the fault struck in one order or another. */
  calls: number
  /** Those of them that another kind or amount has shown already. */
  alike: number
  orders: number
  struck: number
  /** Orders in which it was more than a refusal, or than nothing. */
  itself: number
  cut: number
  /** Orders that were walked newest first as well. */
  again: number
}

/** One fault of each request in turn, until there are no more requests in any order. */
async function exploreEveryCall(pair: Pair, fault: Pick<Fault, 'actor' | 'kind' | 'amount'>): Promise<EveryCall> {
  const total = { calls: 0, alike: 0, orders: 0, struck: 0, itself: 0, cut: 0, again: 0 }
  const { actor, kind } = fault
  const kin = ALIKE.find((kinds) => kinds.has(kind))
  for (let call = 1; ; call++, total.calls++) {
    const request = `${pair.join(' ')} ${actor} ${call}`
    if (refusals.get(request)?.has(kind) === true) {
      total.alike++
      continue
    }
    const plan = duel(pair, [{ ...fault, call }])
    const { orders, cut, struck, effects, pairsInDoubt } = await explore(plan)
    if (struck === 0) return total
    total.orders += orders
    total.cut += cut
    total.struck += struck
    total.itself += effects.get(kind) ?? 0
    // A fault breaks off what waits for several answers: then it matters in which order the others come.
    const again = pairsInDoubt > 0 ? await explore(plan, { isNewestFirst: true }) : undefined
    total.again += again?.orders ?? 0
    if (kin !== undefined && [...effects.keys(), ...(again?.effects.keys() ?? [])].every((effect) => effect === 'refused')) {
      refusals.set(request, new Set([...(refusals.get(request) ?? []), ...kin]))
    }
  }
}

/** All that a run came to, but for the moments at which it did. */
function endOf({ history, violations }: SimulationResult): string {
  const objects = [...history.objects].map(([location, bytes]) => `${location} ${contentHash(bytes)}`).sort()
  const said = [...history.operations, ...history.reads].map(({ id, error }) => `${id} ${error?.message ?? 'ok'}`).sort()
  return JSON.stringify([objects, said, history.reads.map(({ rows }) => rows), violations.map(({ rule, message }) => `${rule}: ${message}`).sort()])
}

interface Ended extends ExploreResult {
  readonly ends: ReadonlySet<string>
}

async function endsOf(plan: SimulationPlan, options: ExploreOptions): Promise<Ended> {
  const ends = new Set<string>()
  const explored = await exploreAll(plan, options, (result) => {
    ends.add(endOf(result))
    return false
  })
  return { ...explored, ends }
}

/** So few requests that every order of them can be walked: the others happen at once. */
const isOfVersions = ({ operation, location }: Request, exists: boolean): boolean =>
  /\/v\d+\.metadata\.json$/.test(location) && (operation === 'write' || (operation === 'head' && !exists))

const LATE: Fault = { actor: 'a', call: 1, atCommit: true, kind: 'late', amount: 8 }
const SAMPLES: readonly (readonly [string, SimulationPlan])[] = [
  ['two appends', duel(['append', 'append'], [])],
  ['two appends, one whose maker dies', duel(['append', 'append'], [{ ...LATE, kind: 'crash-after' }])],
  ['a delete and a compaction', duel(['delete', 'compact'], [])],
]

/** A compaction names its files in the order in which its own requests are answered: its ends would differ in names. */
const RANDOM: readonly (readonly [string, SimulationPlan])[] = [
  ['two appends, one that comes late', duel(['append', 'append'], [LATE])],
  ['two deletes', duel(['delete', 'delete'], [])],
]
const RANDOM_ORDERS = EVERYWHERE ? 3000 : 15

/** Bugs that some orders show and others do not, or that show with a fault. */
const BUGS: readonly (readonly [string, SimulationPlan])[] = [
  ['a lost answer is taken for a refusal', duel(['append', 'append'], [{ ...LATE, kind: 'lost', amount: 9 }])],
  ['a commit that was refused is reported as done', duel(['delete', 'compact'], [])],
]

describe('a walk through the orders of two writers', () => {
  it.each(SAMPLES)('of %s comes to the same ends as one through all of them', async (_, plan) => {
    const full = await endsOf(plan, { isVisible: isOfVersions, isFull: true })
    const reduced = await endsOf(plan, { isVisible: isOfVersions })
    expect([...reduced.ends].sort()).toEqual([...full.ends].sort())
    expect(reduced.orders).toBeLessThan(full.orders)
  })

  it.each(RANDOM)('of %s leaves out nothing that a random order comes to, whatever the order of what one writer has under way', async (_, plan) => {
    const { ends } = await endsOf(plan, {})
    for (let seed = 1; seed <= RANDOM_ORDERS; seed++) {
      expect(ends).toContain(endOf(await simulate(plan, { decisions: new RandomOrder(seed), isSmall: true })))
    }
  }, EVERYWHERE ? 3_600_000 : 30_000)

  it.each(BUGS)('finds that %s', async (name, plan) => {
    const { substitutions } = PLANTED_BUGS.find((bug) => bug.name === name)!
    let found = 0
    await exploreAll(plan, { substitutions }, ({ violations }) => {
      found = violations.length
      return found > 0
    })
    expect(found).toBeGreaterThan(0)
  })
})

describe('two writers in all orders', () => {
  it.each(PAIRS)('%s against %s, without faults', async (...pair) => {
    const { orders, cut } = await explore(duel(pair, []))
    if (EVERYWHERE) console.info(`${pair.join(' against ')}, without faults: ${orders} orders, ${cut} cut`)
    expect(orders).toBeGreaterThanOrEqual(10)
  })

  it.each(EVERYWHERE ? [] : COMMIT_KINDS)('append against append, with the fault «%s» of the first commit', async (kind) => {
    const { struck } = await explore(duel(['append', 'append'], [{ ...LATE, kind }]))
    expect(struck).toBeGreaterThan(0)
  })

  it.each(EVERYWHERE ? PAIRS.flatMap((pair) => KINDS.map((kind) => [...pair, kind] as const)) : [])('%s against %s, with the fault «%s» of any request', async (first, second, kind) => {
    for (const amount of AMOUNTS[kind] ?? DEFAULT_AMOUNTS) {
      for (const actor of ['a', 'b']) {
        const { calls, alike, orders, struck, itself, cut, again } = await exploreEveryCall([first, second], { actor, kind, amount })
        const counts = `${calls} requests, ${alike} of them as before, ${orders} orders, ${struck} struck, ${itself} as such, ${cut} cut, ${again} newest first`
        console.info(`${first} against ${second}, ${kind} ${amount} of ${actor}: ${counts}`)
        expect(calls).toBeGreaterThan(10)
      }
    }
  }, 3_600_000)
})
