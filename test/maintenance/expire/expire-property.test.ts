/**
 * Random graphs of branches and tags, with removals, files that come back, cherry-picks, vectors that share files and statistics:
 * after each expiry, nothing that any snapshot reaches is gone, and nothing is left that none reaches.
 *
 * `FLOE_EXPIRE_RUNS=<n>` runs longer; a failure prints its seed and path.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expireSnapshots, type ExpireSnapshotsOptions } from '../../../src/maintenance/expire/expire-snapshots.js'
import type { DataFile } from '../../../src/manifest/data-file.js'
import type { MetadataUpdate } from '../../../src/metadata/metadata-update.js'
import { isFloeError } from '../../../src/util/errors.js'
import { DAY_MS, UpkeepBench } from '../../support/upkeep-bench.js'

const RUNS = Number(process.env['FLOE_EXPIRE_RUNS'] ?? 25)

interface Step {
  readonly kind: (typeof KINDS)[number]
  /** Chooses among what there is to choose from. */
  readonly pick: number
  readonly other: number
}

const KINDS = [
  'append',
  'append',
  'append to branch',
  'stage',
  'remove',
  'remove on branch',
  'add again',
  'delete rows',
  'branch',
  'tag',
  'drop',
  'rollback',
  'pick',
  'statistics',
  'retention',
  'expire',
  'expire chosen',
] as const

const steps = fc.array(fc.record({ kind: fc.constantFrom(...KINDS), pick: fc.nat(1000), other: fc.nat(1000) }), { minLength: 14, maxLength: 24, size: 'max' })

/** Runs steps, leaving out what cannot be done; answers how many snapshots have expired. */
class Run {
  expired = 0
  readonly #removed: DataFile[] = []

  constructor(private readonly bench: UpkeepBench) {}

  async step({ kind, pick, other }: Step): Promise<void> {
    const { bench } = this
    bench.wait(DAY_MS / 4)
    const { metadata } = await bench.load()
    const refs = [...metadata.refs].filter(([name]) => name !== 'main')
    const branches = refs.filter(([, { type }]) => type === 'branch').map(([name]) => name)
    const branch = branches[pick % branches.length]
    const snapshot = metadata.snapshots[pick % metadata.snapshots.length]
    const live = (await bench.liveFiles()).filter(({ content }) => content === 'data')
    const file = live[other % live.length]
    const name = `r${pick % 5}`
    switch (kind) {
      case 'append':
        await bench.append(other % 2 === 0 ? { mode: 'fast' } : {}, 1 + (pick % 2))
        return
      case 'append to branch':
        await bench.append({ branch: branch ?? 'own' })
        return
      case 'stage':
        await bench.append({ stageOnly: true })
        return
      case 'remove':
        return file === undefined ? undefined : this.#remove(file)
      case 'remove on branch': {
        const onBranch = (await bench.liveFiles(branch)).filter(({ content }) => content === 'data')
        return branch === undefined || onBranch.length === 0 ? undefined : this.#remove(onBranch[other % onBranch.length]!, branch)
      }
      case 'add again':
        return this.#addAgain(pick)
      case 'delete rows':
        // A file that was picked while it was there is there twice.
        return this.#deleteIn(live.filter((one, i) => live.findIndex(({ filePath }) => filePath === one.filePath) === i).slice(0, 2))
      case 'statistics':
        return snapshot === undefined ? undefined : this.#setStatistics(snapshot.snapshotId)
      case 'pick':
        return snapshot === undefined ? undefined : this.#attempt(() => bench.pick(snapshot.snapshotId))
      case 'expire':
        return this.expire({ olderThan: bench.runtime.nowMs - (pick % 8) * (DAY_MS / 4), retainLast: 1 + (other % 3) })
      case 'expire chosen': {
        const heads = new Set([...metadata.refs.values()].map(({ snapshotId }) => snapshotId))
        const free = metadata.snapshots.map(({ snapshotId }) => snapshotId).filter((id) => !heads.has(id))
        const chosen = free.filter((_, i) => ((pick >> (i % 10)) & 1) === 1)
        return this.expire({ snapshotIds: chosen, olderThan: 0, cleanExpiredMetadata: true })
      }
      default:
        return this.#changeRef(kind, { name, snapshotId: snapshot?.snapshotId, existing: refs[pick % refs.length]?.[0], other })
    }
  }

  async expire(options: ExpireSnapshotsOptions): Promise<void> {
    const { bench } = this
    const leftBefore = await bench.leftovers()
    const forecast = (await expireSnapshots(await bench.context(), { ...options, dryRun: true })).result
    const { result } = await expireSnapshots(await bench.context(), options)
    expect(result.warnings).toEqual([])
    expect(result.expiredSnapshots).toEqual(forecast.expiredSnapshots)
    expect(result.files).toEqual(forecast.files)
    // Fails when anything that a snapshot reaches is gone.
    const reachable = await bench.reachable()
    expect(result.files.filter(({ location }) => reachable.has(location))).toEqual([])
    expect(await bench.leftovers()).toEqual(leftBefore)
    this.expired += result.expiredSnapshots.length
  }

  async #remove(file: DataFile, branch?: string): Promise<void> {
    const removedDeleteFiles = (await this.bench.liveFiles(branch)).filter(({ referencedDataFile }) => referencedDataFile === file.filePath)
    await this.bench.change({ removedDataFiles: [file], removedDeleteFiles }, branch)
    this.#removed.push(file)
  }

  async #deleteIn(files: readonly DataFile[]): Promise<void> {
    if (files.length > 0) await this.bench.deleteIn(files)
  }

  /** A file that was removed comes back under its own name, if it is there still. */
  async #addAgain(pick: number): Promise<void> {
    const file = this.#removed[pick % this.#removed.length]
    if (file === undefined || (await this.bench.memory.head(file.filePath)) === undefined) return
    const live = await this.bench.liveFiles()
    if (!live.some(({ filePath }) => filePath === file.filePath)) await this.bench.add({ ...file, firstRowId: undefined })
  }

  async #setStatistics(snapshotId: bigint): Promise<void> {
    const { filePath } = await this.bench.writeFile(`${snapshotId}-${this.bench.runtime.uuid()}.stats`)
    const before = (await this.bench.load()).metadata.statistics.find((file) => file.snapshotId === snapshotId)
    const file = { snapshotId, statisticsPath: filePath, fileSizeBytes: 4 }
    const statistics = { ...file, fileFooterSizeBytes: 1, keyMetadata: undefined, blobMetadata: [] }
    await this.bench.update(() => [{ action: 'set-statistics', statistics }])
    // What new statistics replace is not an expiry's to delete.
    if (before !== undefined) await this.bench.memory.delete([before.statisticsPath])
  }

  async #changeRef(
    kind: Step['kind'],
    { name, snapshotId, existing, other }: { name: string; snapshotId: bigint | undefined; existing: string | undefined; other: number },
  ): Promise<void> {
    const set = (ref: string, type: 'branch' | 'tag', retention: object = {}): MetadataUpdate[] =>
      snapshotId === undefined ? [] : [{ action: 'set-snapshot-ref', name: ref, ref: { type, snapshotId, ...retention } }]
    await this.bench.update((metadata) => {
      if (kind === 'branch' || kind === 'tag') return set(name, kind)
      if (kind === 'rollback') return metadata.currentSnapshotId === undefined ? [] : set('main', 'branch')
      const ref = existing === undefined ? undefined : metadata.refs.get(existing)
      if (existing === undefined || ref === undefined) return []
      if (kind === 'drop') return [{ action: 'remove-snapshot-ref', name: existing }]
      const retention = ref.type === 'tag' ? {} : { minSnapshotsToKeep: 1 + (other % 3), maxSnapshotAgeMs: DAY_MS }
      return [{ action: 'set-snapshot-ref', name: existing, ref: { ...ref, ...retention, maxRefAgeMs: (1 + (other % 4)) * DAY_MS } }]
    })
  }

  /** Picks that the rules refuse are no matter here. */
  async #attempt(action: () => Promise<unknown>): Promise<void> {
    await action().catch((error: unknown) => {
      if (!isFloeError(error, 'INVALID', 'CONFLICT', 'NOT_FOUND', 'ALREADY_EXISTS')) throw error
    })
  }
}

describe('an expiry of a random history', () => {
  it('FAULTS 37 to 39: deletes nothing that any branch, tag or snapshot reaches, and leaves nothing that none does (trap 67, trap 68)', async () => {
    let expired = 0
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const run = new Run(await UpkeepBench.open())
        for (const step of list) await run.step(step)
        await run.expire({ olderThan: Number.MAX_SAFE_INTEGER })
        expired += run.expired
      }),
      { numRuns: RUNS },
    )
    // A generator that makes nothing to expire would prove nothing.
    expect(expired).toBeGreaterThan(RUNS * 2)
  })
})
