/** What a run is to do, as data: made from a seed, printed, replayed, and taken apart piece by piece when it fails. */
import { FloeError } from '../util/errors.js'
import { FAULT_KINDS, type Fault, type FaultKind } from './fault.js'
import { SeededRandom } from './seeded-random.js'
import type { WriterOperationKind } from './writer-operations.js'

export interface ActorPlan {
  readonly name: string
  /** `read`: a look at the table; else a change of it. */
  readonly operations: readonly (WriterOperationKind | 'read')[]
  /** Whether every read opens the table anew, knowing nothing. */
  readonly isCold?: boolean
}

export interface SimulationPlan {
  /** Of everything that the rest does not say: the order of events, names, waits. */
  readonly seed: number
  readonly order: 'random' | 'priority'
  readonly actors: readonly ActorPlan[]
  readonly faults: readonly Fault[]
  readonly properties: Readonly<Record<string, string>>
  /** Default 3. */
  readonly formatVersion?: 2 | 3
}

export interface PlanLimits {
  /** Default 4. */
  readonly maxActors?: number
  /** Of each actor. Default 3. */
  readonly maxOperations?: number
  /** Default 4. */
  readonly maxFaults?: number
  /** Of writers. Default: of one of several mixes. */
  readonly kinds?: readonly WriterOperationKind[]
  /** Of an actor that keeps the table fast. Default: some, in a part of the runs; none where {@link kinds} is given. */
  readonly upkeep?: readonly WriterOperationKind[]
  /** Default: 3, and 2 in a part of the runs that can. */
  readonly formatVersion?: 2 | 3
}

interface Mix {
  readonly kinds: readonly WriterOperationKind[]
  readonly formatVersions: readonly (2 | 3)[]
}

/** Appends most, as in life; each kind as often as it is here. */
const OF_FILES: readonly WriterOperationKind[] = [
  'append', 'append', 'append', 'delete', 'delete', 'delete', 'update', 'update', 'rewrite', 'overwrite', 'compact', 'compact',
  'property', 'transaction', 'publish', 'append-branch',
]
const OF_ROWS: readonly WriterOperationKind[] = [
  'append', 'append-rows', 'append-rows', 'delete-where', 'delete-where', 'update-where', 'update-where', 'upsert', 'upsert', 'compact-table',
]
const OF_KEYS: readonly WriterOperationKind[] = [
  ...OF_ROWS, 'delete-keys', 'delete-keys', 'delete-keys', 'convert-deletes', 'transaction', 'publish', 'property', 'append-branch',
]
/** Commits of files know vectors alone, so they do not meet equality deletes. */
const MIXES: readonly Mix[] = [
  { kinds: OF_FILES, formatVersions: [3] },
  { kinds: OF_FILES, formatVersions: [3] },
  { kinds: [...OF_FILES, ...OF_ROWS], formatVersions: [3] },
  { kinds: OF_KEYS, formatVersions: [2, 2, 3] },
]
const UPKEEP: readonly WriterOperationKind[] = ['compact-table', 'rewrite-manifests', 'expire', 'expire', 'remove-orphans']
const UPKEEP_CHANCE = 0.4
/** Requests of an actor among which faults strike. */
const CALLS_PER_OPERATION = 24
/** Kinds that are worst where a commit hangs on them. */
const AMBIGUOUS: ReadonlySet<FaultKind> = new Set(['lost', 'late', 'cut-off', 'echoed', 'repeated', 'conflict', 'crash', 'crash-after'])
/** A quarter of all runs has none: whatever goes wrong then is nobody else's fault. */
const FAULTLESS = 0.25

/** The run of a seed. Throws `INVALID` for a seed that is no integer. */
export function planSimulation(seed: number, limits: PlanLimits = {}): SimulationPlan {
  if (!Number.isSafeInteger(seed)) throw new FloeError('INVALID', `The seed of a run is an integer, not ${String(seed)}`)
  const random = new SeededRandom(seed)
  const { maxActors = 4, maxOperations = 3, maxFaults = 4 } = limits
  const mix = random.pick(MIXES)
  const { kinds = mix.kinds, formatVersion = limits.kinds === undefined ? random.pick(mix.formatVersions) : 3 } = limits
  const actors: ActorPlan[] = []
  const writers = 2 + random.below(maxActors - 1)
  for (let i = 0; i < writers; i++) {
    const operations = Array.from({ length: 1 + random.below(maxOperations) }, () => random.pick(kinds))
    actors.push({ name: `w${i}`, operations })
  }
  const upkeep = limits.upkeep ?? (limits.kinds === undefined && random.chance(UPKEEP_CHANCE) ? UPKEEP : [])
  if (upkeep.length > 0) actors.push({ name: 'm0', operations: Array.from({ length: 1 + random.below(maxOperations) }, () => random.pick(upkeep)) })
  const reads = random.below(3)
  if (reads > 0) actors.push({ name: 'r0', operations: Array.from({ length: reads }, () => 'read' as const), isCold: random.chance(0.5) })
  const faults = random.chance(FAULTLESS) ? [] : Array.from({ length: 1 + random.below(maxFaults) }, () => drawFault(random, actors))
  const properties: Record<string, string> = {
    'write.manifest.compression-codec': 'uncompressed',
    'commit.manifest.min-count-to-merge': random.pick(['2', '3', '100']),
  }
  if (random.chance(0.2)) properties['commit.retry.num-retries'] = random.pick(['0', '1', '2'])
  if (random.chance(0.2)) properties['commit.status-check.num-retries'] = '0'
  if (random.chance(0.15)) {
    properties['write.metadata.delete-after-commit.enabled'] = 'true'
    properties['write.metadata.previous-versions-max'] = '2'
  }
  return { seed, order: random.chance(0.3) ? 'priority' : 'random', actors, faults, properties, formatVersion }
}

function drawFault(random: SeededRandom, actors: readonly ActorPlan[]): Fault {
  const anyone = random.pick(actors)
  const kind = random.pick(FAULT_KINDS)
  // Others list nothing, but for a reader that lost its way.
  const lister = kind === 'stale-list' ? actors.find(({ operations }) => operations.includes('remove-orphans')) : undefined
  const actor = lister ?? anyone
  const amount = drawAmount(random, kind)
  const atCommit = AMBIGUOUS.has(kind) && random.chance(0.6)
  if (atCommit) return { actor: actor.name, call: 1 + random.below(2 * actor.operations.length), atCommit, kind, amount }
  return { actor: actor.name, call: 1 + random.below(CALLS_PER_OPERATION * actor.operations.length), kind, amount }
}

function drawAmount(random: SeededRandom, kind: FaultKind): number {
  switch (kind) {
    case 'overloaded':
      return random.pick([1, 2, 5, 20])
    case 'cut-off':
      return 12 + random.below(40)
    case 'clock':
      return random.pick([-1, 1]) * random.pick([5, 1_000, 90_000, 3_600_000, 864_000_000])
    case 'stale-list':
      return random.pick([10, 100, 1_000])
    default:
      return random.below(1_000)
  }
}
