/**
 * A model of writers that share one table, in discrete events: what `Contention` makes of many processes, against waits that double
 * with each race and are forgotten with each commit. Nothing in it takes real time.
 *
 *     npx esbuild bench/commit-contention.ts --bundle --packages=external --platform=node --format=esm --outfile=node_modules/.bench.mjs
 *     node node_modules/.bench.mjs [seeds=8]
 */
import type { LoadedTable } from '../src/catalog/catalog-backend.js'
import { Contention } from '../src/commit/contention.js'
import { commitRetryPolicy } from '../src/commit/retry-policy.js'
import { newTableMetadata } from '../src/metadata/new-table.js'
import { schema, t } from '../src/schema/schema-builder.js'

type Range = readonly [number, number]
/** Milliseconds of the steps of a commit: waiting for the store, and work of the processor, of which `cores` can be done at once. */
interface Store {
  readonly cores: number
  readonly data: Range
  readonly load: Range
  readonly prepare: Range
  readonly create: Range
  readonly work: { readonly data: number; readonly load: number; readonly prepare: number; readonly create: number }
}
type Step = { readonly wait: number } | { readonly work: number }
type Steps<T> = Generator<Step, T, undefined>
interface World {
  nowMs: number
  version: number
  attempts: number
  readonly authors: number[]
  readonly latencies: number[]
  readonly random: () => number
}
/** How one writer waits. `before` is undefined where it attempts at once, on the version it knows. */
interface Policy {
  before(known: number): number | undefined
  saw(version: number): void
  lost(races: number, attemptMs: number): number
  won(version: number, attemptMs: number): void
}

const stores: Readonly<Record<string, Store>> = {
  'disk, 2 cores': diskOf(2, 1),
  'disk, 2 cores, others at work': diskOf(0.4, 1.7),
  'S3, many machines': {
    cores: Infinity,
    data: [50, 140],
    load: [20, 60],
    prepare: [50, 130],
    create: [30, 80],
    work: { data: 3, load: 3, prepare: 5, create: 4 },
  },
}

function diskOf(cores: number, slower: number): Store {
  const work = { data: 3 * slower, load: 3 * slower, prepare: 5 * slower, create: 4 * slower }
  return { cores, data: [1, 3.5], load: [0.2, 1], prepare: [1, 3], create: [1, 4], work }
}

const policy = commitRetryPolicy(new Map())
const unordered = { spec: { specId: 0, fields: [] }, sortOrder: { orderId: 0, fields: [] }, properties: new Map<string, string>() }
const base = newTableMetadata(
  { ...unordered, schema: schema({ x: t.int }), formatVersion: 2, location: 'm' },
  { uuid: '00000000-0000-4000-8000-000000000000', now: 0 },
)
const versionOf = (number: number): LoadedTable => ({
  identifier: { namespace: [], name: 't' },
  metadata: { ...base, lastSequenceNumber: BigInt(number) },
  metadataLocation: String(number),
  io: undefined as never,
})

function turns(world: World): Policy {
  const contention = new Contention()
  return {
    before: (known) => {
      contention.observe(versionOf(known))
      return contention.isMet ? contention.turnMs(policy, world.nowMs, world.random()) : undefined
    },
    saw: (version) => { contention.observe(versionOf(version)) },
    lost: (races, attemptMs) => contention.lostMs(policy, races, attemptMs, world.random()),
    won: (version, attemptMs) => { contention.committed(versionOf(version), world.nowMs, attemptMs) },
  }
}

/** The wait doubles with each race up to 128 attempts; a commit ends it. */
function doubling({ random }: World): Policy {
  const lost = (races: number, attemptMs: number): number => {
    const first = Math.min(policy.minWaitMs, Math.max(1, attemptMs))
    return first * 2 ** Math.min(races - 1, 7) * random()
  }
  return { before: () => undefined, saw: () => undefined, won: () => undefined, lost }
}

/** What one writer does, `commits` times. */
function* writer(id: number, commits: number, world: World, setting: { readonly store: Store; readonly waits: Policy }): Steps<void> {
  const { store, waits } = setting
  const within = ([least, most]: Range): Step => ({ wait: least + (most - least) * world.random() })
  const step = function* (name: keyof Store['work']): Steps<void> {
    yield within(store[name])
    yield { work: store.work[name] }
  }
  let known = 0
  for (let commit = 0; commit < commits; commit++) {
    const beganMs = world.nowMs
    yield* step('data')
    const waitMs = waits.before(known)
    if (waitMs !== undefined) {
      yield { wait: waitMs }
      yield* step('load')
      known = world.version
      waits.saw(known)
    }
    for (let races = 1; ; races++) {
      const attemptBeganMs = world.nowMs
      world.attempts++
      yield* step('prepare')
      yield* step('load')
      if (world.version === known) yield* step('create')
      const isWon = world.version === known
      if (isWon) world.authors[world.version++] = id
      const attemptMs = world.nowMs - attemptBeganMs
      if (isWon) {
        known++
        waits.won(known, attemptMs)
        break
      }
      yield { wait: waits.lost(races, attemptMs) }
      yield* step('load')
      known = world.version
      waits.saw(known)
    }
    world.latencies.push(world.nowMs - beganMs)
  }
}

/** Runs all to their end; the processor is shared evenly. */
function run(writers: readonly Steps<void>[], cores: number, world: World): void {
  const waiting = writers.map((steps) => ({ at: world.random() * 5, steps }))
  const working: { left: number; readonly steps: Steps<void> }[] = []
  while (waiting.length + working.length > 0) {
    const rate = Math.min(1, cores / working.length)
    const first = waiting.reduce((a, b) => (b.at < a.at ? b : a), { at: Infinity, steps: undefined as never })
    const shortest = working.reduce((a, b) => (b.left < a.left ? b : a), { left: Infinity, steps: undefined as never })
    const isWaitOver = first.at <= world.nowMs + shortest.left / rate
    const untilMs = isWaitOver ? first.at : world.nowMs + shortest.left / rate
    for (const job of working) job.left -= (untilMs - world.nowMs) * rate
    world.nowMs = untilMs
    if (isWaitOver) waiting.splice(waiting.indexOf(first), 1)
    else working.splice(working.indexOf(shortest), 1)
    const { value } = (isWaitOver ? first : shortest).steps.next()
    if (value === undefined) continue
    const { steps } = isWaitOver ? first : shortest
    if ('wait' in value) waiting.push({ at: world.nowMs + value.wait, steps })
    else working.push({ left: value.work, steps })
  }
}

function randomOf(seed: number): () => number {
  let state = seed * 7919 + 13
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function simulate(store: Store, count: number, waitsOf: (world: World) => Policy, seed: number): readonly number[] {
  const commits = count <= 4 ? 100 : 25
  const world: World = { nowMs: 0, version: 0, attempts: 0, authors: [], latencies: [], random: randomOf(seed) }
  run(Array.from({ length: count }, (_, id) => writer(id, commits, world, { store, waits: waitsOf(world) })), store.cores, world)
  const made = new Array<number>(count).fill(0)
  for (const id of world.authors) {
    made[id]!++
    if (made[id] === commits) break
  }
  made.sort((a, b) => a - b)
  const latencies = world.latencies.sort((a, b) => a - b)
  const p99 = latencies[Math.floor(latencies.length * 0.99)]!
  const [perSecond, attempts] = [(world.version / world.nowMs) * 1000, world.attempts / world.version]
  return [perSecond, attempts, made[count >> 1]! / commits, made[0]! / commits, p99, latencies.at(-1)!]
}

const seeds = Number(process.argv[2] ?? 8)
console.log('commits a second | attempts each | when the first is done, made by the median | by the slowest | ms of a commit, p99 | most')
for (const [name, store] of Object.entries(stores)) {
  for (const count of [1, 2, 4, 8, 16, 64]) {
    for (const [title, waitsOf] of Object.entries({ doubling, turns })) {
      const runs = Array.from({ length: seeds }, (_, i) => simulate(store, count, waitsOf, i + 1))
      const mean = runs[0]!.map((_, column) => runs.reduce((sum, row) => sum + row[column]!, 0) / seeds)
      const [rate, attempts, median, slowest, p99, most] = mean as [number, number, number, number, number, number]
      const shares = `${Math.round(median * 100)} % | ${Math.round(slowest * 100)} %`
      console.log(`${name}, ${count}, ${title}: ${rate.toFixed(1)} | ${attempts.toFixed(2)} | ${shares} | ${p99.toFixed(0)} | ${most.toFixed(0)}`)
    }
  }
}
