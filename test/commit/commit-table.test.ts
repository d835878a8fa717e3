import { describe, expect, it } from 'vitest'
import { metadataOperation, type CommitOperation } from '../../src/commit/commit-operation.js'
import { commitTable } from '../../src/commit/commit-table.js'
import { appendFiles } from '../../src/commit/append-files.js'
import { transaction } from '../../src/commit/transaction.js'
import type { MetadataUpdate } from '../../src/metadata/metadata-update.js'
import { Schema } from '../../src/schema/schema.js'
import { FloeError } from '../../src/util/errors.js'
import { CommitBench, dataFile } from '../support/commit-bench.js'
import { table, update } from '../support/metadata-builders.js'
import type { CommitScript } from '../support/scripted-backend.js'

const setProperty = (name: string, value: string): CommitOperation =>
  metadataOperation('property update', () => [{ action: 'set-properties', updates: new Map([[name, value]]) }])
const addColumn = (name: string): CommitOperation =>
  metadataOperation('schema update', (current): readonly MetadataUpdate[] => {
    const schema = current.schemas.find((candidate) => candidate.schemaId === current.currentSchemaId)!
    const field = { id: current.lastColumnId + 1, name, type: { kind: 'string' }, required: false } as const
    return [{ action: 'add-schema', schema: new Schema([...schema.fields, field]) }, { action: 'set-current-schema', schemaId: -1 }]
  })

/** Aborts at the first wait. */
function abortingRuntime(bench: CommitBench, controller: AbortController): CommitBench['runtime'] {
  return Object.assign(Object.create(bench.runtime) as typeof bench.runtime, {
    now: () => 0,
    random: () => 0.5,
    uuid: () => bench.runtime.uuid(),
    snapshotId: () => bench.runtime.snapshotId(),
    sleep: (_: number, signal?: AbortSignal) => {
      controller.abort()
      return Promise.reject(signal?.reason as Error)
    },
  })
}

describe('a commit that is rejected', () => {
  it('is made again on the new parent, under the same snapshot id, with the prepared manifest and another list (trap 50)', async () => {
    const bench = new CommitBench()
    const stale = bench.backend.current()
    await bench.appendAsOther(['theirs'])
    const { snapshot, attempts } = await bench.append(['ours'], {}, stale)
    expect(attempts).toBe(2)
    expect(await bench.paths()).toEqual(['ours', 'theirs'])
    expect(snapshot?.parentSnapshotId).toBe(bench.backend.metadata.snapshots[0]?.snapshotId)
    const ids = bench.backend.requests.map((request) => request.updates.find((u) => u.action === 'add-snapshot')?.snapshot.snapshotId)
    expect(new Set(ids).size).toBe(1)
    const manifests = bench.io.writes.filter((location) => /-m\d+\.avro$/.test(location))
    expect(manifests).toHaveLength(2)
    expect(await bench.orphans()).toEqual([])
  })

  it('gets its row ids anew in every attempt (trap 51)', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 3 }) })
    const stale = bench.backend.current()
    await bench.appendAsOther(['theirs'])
    const { snapshot } = await bench.append(['ours'], {}, stale)
    expect(snapshot).toMatchObject({ firstRowId: 10n, addedRows: 10n })
  })

  it('never publishes a first snapshot onto a branch that is no longer empty (trap 76)', async () => {
    const bench = new CommitBench()
    const stale = bench.backend.current()
    await bench.appendAsOther(['theirs'])
    await bench.append(['ours'], {}, stale)
    expect(bench.backend.requests[0]?.requirements).toContainEqual({ type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: undefined })
    expect(bench.backend.metadata.snapshots.filter((snapshot) => snapshot.parentSnapshotId === undefined)).toHaveLength(1)
  })

  it('is CONFLICT after the retries of the table, and leaves no file behind', async () => {
    const script = Array.from({ length: 9 }, (): CommitScript => 'rejected')
    const bench = new CommitBench({ metadata: table({ properties: { 'commit.retry.num-retries': '2' } }), script })
    await expect(bench.append(['a'], { ownsDataFiles: true })).rejects.toMatchObject({ code: 'CONFLICT', retryable: true })
    expect(bench.backend.requests).toHaveLength(3)
    expect(bench.io.deleted).toContain('a')
    expect(await bench.orphans()).toEqual([])
  })

  it('keeps the data files of a caller who did not hand them over', async () => {
    const bench = new CommitBench({ script: ['rejected-final'] })
    await expect(bench.append(['a'])).rejects.toMatchObject({ code: 'CONFLICT', retryable: false })
    expect(bench.io.deleted).not.toContain('a')
    expect(bench.backend.requests).toHaveLength(1)
  })

  it('keeps its files when the catalog cannot show that it is not in the table', async () => {
    const bench = new CommitBench({ script: ['rejected-final'] })
    bench.backend.failLoads = 100
    await expect(bench.append(['a'], { ownsDataFiles: true })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(bench.io.deleted).toEqual([])
  })

  it.each([
    ['-1', 1],
    ['0', 1],
    ['1', 2],
  ])('with num-retries %s is tried %i times, never zero (trap 80)', async (retries, attempts) => {
    const script = Array.from({ length: 5 }, (): CommitScript => 'rejected')
    // Set past the check of new tables, as another engine may have done.
    const metadata = update(table(), { action: 'set-properties', updates: new Map([['commit.retry.num-retries', retries]]) })
    const bench = new CommitBench({ metadata, script })
    await expect(bench.append(['a'])).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(bench.backend.requests).toHaveLength(attempts)
    const lucky = new CommitBench({ metadata })
    expect((await lucky.append(['a'])).attempts).toBe(1)
    expect(await lucky.paths()).toEqual(['a'])
  })

  it('waits longer each time, up to the longest wait, and stops at the total timeout', async () => {
    const properties = {
      'commit.retry.num-retries': '50',
      'commit.retry.min-wait-ms': '100',
      'commit.retry.max-wait-ms': '400',
      'commit.retry.total-timeout-ms': '1200',
    }
    const bench = new CommitBench({ metadata: table({ properties }), script: Array.from({ length: 50 }, (): CommitScript => 'rejected') })
    await expect(bench.append(['a'])).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(bench.runtime.sleeps).toEqual([75, 150, 300, 300, 300])
  })

  it('was only overtaken, and tries on until it is in, unless the table sets a number of retries', async () => {
    const race = async (properties: Readonly<Record<string, string>>): Promise<CommitBench> => {
      const bench = new CommitBench({ metadata: table({ properties }) })
      bench.backend.beforeCommit = async (n) => {
        bench.runtime.nowMs += 10
        if (n <= 30) await bench.appendAsOther([`theirs-${n}`])
      }
      return bench
    }
    const bench = await race({})
    expect((await bench.append(['ours'])).attempts).toBe(31)
    expect(await bench.paths()).toHaveLength(31)
    // Short waits that stop growing, of which a random part is waited: 10 ms is how long an attempt takes.
    expect(bench.runtime.sleeps.slice(0, 9)).toEqual([15, 30, 40, 60, 60, 60, 60, 60, 60])
    const strict = await race({ 'commit.retry.num-retries': '4' })
    await expect(strict.append(['ours'])).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(strict.backend.requests).toHaveLength(5)
    const short = await race({ 'commit.retry.total-timeout-ms': '300' })
    await expect(short.append(['ours'])).rejects.toMatchObject({ code: 'CONFLICT', retryable: true })
  })

  it('makes the next one wait for its turn, and be made on the version that is current then', async () => {
    const bench = new CommitBench()
    let others = 3
    bench.backend.beforeCommit = async () => {
      bench.runtime.nowMs += 10
      if (others-- > 0) await bench.appendAsOther([`theirs-${others}`])
    }
    await bench.append(['first'])
    const stale = bench.backend.current()
    await bench.appendAsOther(['theirs-after'])
    const [loads, sleeps] = [bench.backend.loads, bench.runtime.sleeps.length]
    expect((await bench.append(['second'], {}, stale)).attempts).toBe(1)
    expect(bench.backend.loads).toBe(loads + 1)
    expect(bench.runtime.sleeps).toHaveLength(sleeps + 1)
    expect(await bench.paths()).toEqual(['first', 'second', 'theirs-0', 'theirs-1', 'theirs-2', 'theirs-after'])
    expect(await bench.orphans()).toEqual([])
  })

  it('slows nobody down who is alone, nor for long who is alone again', async () => {
    const bench = new CommitBench()
    let others = 0
    bench.backend.beforeCommit = async () => {
      bench.runtime.nowMs += 10
      if (others-- > 0) await bench.appendAsOther([`theirs-${others}`])
    }
    for (let i = 0; i < 5; i++) await bench.append([`lone-${i}`])
    expect([bench.backend.loads, bench.runtime.sleeps]).toEqual([0, []])
    others = 5
    await bench.append(['met'])
    const sleeps = bench.runtime.sleeps.length
    for (let i = 0; i < 10; i++) await bench.append([`after-${i}`])
    // Seven others were thought to be there, five had been seen; then none, again and again. 10 ms is how long an attempt takes.
    expect(bench.runtime.sleeps.slice(sleeps)).toEqual([60, 30, 15])
  })

  it('waits for its turn no longer than an abort, and leaves nothing then', async () => {
    const bench = new CommitBench()
    let others = 3
    bench.backend.beforeCommit = async () => {
      if (others-- > 0) await bench.appendAsOther([`theirs-${others}`])
    }
    await bench.append(['first'])
    const controller = new AbortController()
    const runtime = abortingRuntime(bench, controller)
    const operation = appendFiles([dataFile('second')], {}, runtime)
    const commit = commitTable(bench.backend, bench.backend.current(), operation, { runtime, signal: controller.signal })
    await expect(commit).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await bench.paths()).not.toContain('second')
    expect(await bench.orphans()).toEqual([])
  })

  it('is given up after the retries of the reference when nobody else made progress', async () => {
    const script = Array.from({ length: 50 }, (): CommitScript => 'rejected')
    const bench = new CommitBench({ script })
    await expect(bench.append(['ours'])).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(bench.backend.requests).toHaveLength(5)
  })

  it('that had landed after all is a success: a proxy sent it twice', async () => {
    for (const retries of ['4', '0']) {
      const properties = { 'commit.retry.num-retries': retries }
      const bench = new CommitBench({ metadata: table({ properties }), script: ['rejected-landed'] })
      const { snapshot } = await bench.append(['a'])
      expect(await bench.paths()).toEqual(['a'])
      expect(snapshot?.snapshotId).toBe(bench.backend.metadata.currentSnapshotId)
      expect(bench.backend.requests).toHaveLength(1)
    }
  })

  it('that had landed after all is a success, also when the caller aborts before the next attempt', async () => {
    const bench = new CommitBench({ script: ['rejected-landed'] })
    const controller = new AbortController()
    const runtime = abortingRuntime(bench, controller)
    const { snapshot } = await commitTable(bench.backend, bench.backend.current(), appendFiles([dataFile('a')], {}, runtime), { runtime, signal: controller.signal })
    expect(snapshot?.snapshotId).toBe(bench.backend.metadata.currentSnapshotId)
    expect(await bench.paths()).toEqual(['a'])
  })

  it('whose base expired with its files while it was made goes on from the newest version', async () => {
    const bench = new CommitBench()
    const stale = bench.backend.current()
    let tries = 0
    const append = appendFiles([dataFile('ours')], {}, bench.runtime)
    const operation: CommitOperation = {
      name: append.name,
      canFollowAny: true,
      unusedFiles: (committed) => append.unusedFiles!(committed),
      apply: async (current, context) => {
        if (++tries > 1) return append.apply(current, context)
        await bench.appendAsOther(['theirs'])
        throw new FloeError('NOT_FOUND', 'There is no object', { file: 'snap-1.avro' })
      },
    }
    await bench.commit(operation, stale)
    expect(await bench.paths()).toEqual(['ours', 'theirs'])
    expect(await bench.orphans()).toEqual([])
  })

  it('that misses a file of the newest version fails, and is not made again', async () => {
    const bench = new CommitBench()
    const missing = metadataOperation('change', () => {
      throw new FloeError('NOT_FOUND', 'There is no object', { file: 'snap-1.avro' })
    })
    await expect(bench.commit(missing)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(bench.backend.requests).toHaveLength(0)
  })

  it('takes another snapshot id when a stranger has drawn the same one', async () => {
    const bench = new CommitBench({ script: ['rejected'] })
    const { snapshotId } = (await new CommitBench().append(['x'])).snapshot!
    bench.backend.beforeCommit = async (n) => {
      if (n !== 1) return
      await bench.appendAsOther(['theirs'])
      const [theirs] = bench.backend.metadata.snapshots
      const stolen = { ...theirs!, snapshotId }
      bench.backend.metadata = {
        ...bench.backend.metadata,
        snapshots: [stolen],
        currentSnapshotId: snapshotId,
        refs: new Map([['main', { type: 'branch', snapshotId }]]),
        snapshotLog: [{ snapshotId, timestampMs: stolen.timestampMs }],
      }
    }
    const { snapshot } = await bench.append(['ours'])
    expect(snapshot?.snapshotId).not.toBe(snapshotId)
    expect(snapshot?.parentSnapshotId).toBe(snapshotId)
    expect(await bench.paths()).toEqual(['ours', 'theirs'])
  })

  it('does not go on when the table was replaced by another of the same name (trap 65)', async () => {
    const bench = new CommitBench({ script: ['rejected'] })
    bench.backend.beforeCommit = () => {
      bench.backend.metadata = { ...bench.backend.metadata, tableUuid: '11111111-2222-4333-8444-555555555555' }
    }
    await expect(bench.append(['a'])).rejects.toMatchObject({ code: 'CONFLICT', retryable: false, message: expect.stringMatching(/replaced/) as string })
  })
})

describe('a commit whose answer is lost', () => {
  it.each(['unknown-landed', 'thrown-landed'] as const)('is a success when it landed (%s, trap 75)', async (step) => {
    const bench = new CommitBench({ script: [step] })
    const { snapshot } = await bench.append(['a'])
    expect(snapshot?.snapshotId).toBe(bench.backend.metadata.currentSnapshotId)
    expect(bench.backend.requests).toHaveLength(1)
    expect(bench.io.deleted).toEqual([])
  })

  it('is a success also with a foreign commit on top', async () => {
    const bench = new CommitBench({ script: ['unknown-later'] })
    const ours = bench.append(['ours'])
    const { snapshot } = await ours
    await bench.appendAsOther(['theirs'])
    expect(snapshot?.snapshotId).toBe(bench.backend.metadata.snapshots[0]?.snapshotId)
    expect(await bench.paths()).toEqual(['ours', 'theirs'])
  })

  it('is a success when the effect comes before the last look (trap 75)', async () => {
    const bench = new CommitBench({ script: ['unknown-later'] })
    bench.backend.laterLoads = 3
    await bench.append(['a'])
    expect(await bench.paths()).toEqual(['a'])
    expect(bench.runtime.sleeps).toEqual([750, 1500])
  })

  it.each(['unknown-lost', 'thrown-lost'] as const)('is COMMIT_STATE_UNKNOWN when it cannot be seen, and nothing is deleted (%s, trap 75)', async (step) => {
    const bench = new CommitBench({ script: [step] })
    await expect(bench.append(['a'], { ownsDataFiles: true })).rejects.toMatchObject({ code: 'COMMIT_STATE_UNKNOWN', retryable: false })
    expect(bench.io.deleted).toEqual([])
    expect(bench.backend.requests).toHaveLength(1)
  })

  it('may land after the last look, and is whole then', async () => {
    const bench = new CommitBench({ script: ['unknown-later'] })
    bench.backend.laterLoads = 1000
    await expect(bench.append(['a'], { ownsDataFiles: true })).rejects.toMatchObject({ code: 'COMMIT_STATE_UNKNOWN' })
    bench.backend.apply(bench.backend.requests[0]!)
    expect(await bench.paths()).toEqual(['a'])
  })

  it('is looked for again when the catalog does not answer', async () => {
    const bench = new CommitBench({ script: ['unknown-landed'] })
    bench.backend.failLoads = 2
    await bench.append(['a'])
    expect(bench.backend.loads).toBe(3)
  })

  it('with status-check retries of -1 is looked for once', async () => {
    const metadata = table({ properties: { 'commit.status-check.num-retries': '-1' } })
    const bench = new CommitBench({ metadata, script: ['unknown-landed'] })
    await bench.append(['a'])
    expect(await bench.paths()).toEqual(['a'])
  })

  it('after rejected attempts keeps the list of the attempt that landed and deletes the others', async () => {
    const bench = new CommitBench({ script: ['rejected', 'rejected', 'unknown-landed'] })
    const { attempts, snapshot } = await bench.append(['a'])
    expect(attempts).toBe(3)
    expect(snapshot?.manifestList).toMatch(/-3-/)
    expect(await bench.paths()).toEqual(['a'])
    expect(bench.io.deleted).toHaveLength(2)
    expect(await bench.orphans()).toEqual([])
  })

  it('of metadata alone is recognised by its effects, under a foreign commit too', async () => {
    const bench = new CommitBench({ script: ['unknown-landed'] })
    bench.backend.beforeCommit = () => undefined
    const { table: landed } = await bench.commit(setProperty('owner', 'us'))
    expect(landed.metadata.properties.get('owner')).toBe('us')
    const lost = new CommitBench({ script: ['unknown-lost'] })
    await expect(lost.commit(setProperty('owner', 'us'))).rejects.toMatchObject({ code: 'COMMIT_STATE_UNKNOWN' })
  })
})

describe('a commit that landed', () => {
  it('stays a success when cleaning up fails, with a warning', async () => {
    const bench = new CommitBench({ script: ['rejected', 'ok'] })
    bench.io.failDeletes = true
    const { warnings, attempts } = await bench.append(['a'])
    expect(attempts).toBe(2)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatchObject({ code: 'UNAVAILABLE' })
    expect(await bench.paths()).toEqual(['a'])
  })

  it('deletes merged manifests that only a rejected attempt used', async () => {
    const properties = { 'commit.manifest.min-count-to-merge': '2' }
    const bench = new CommitBench({ metadata: table({ properties }) })
    await bench.append(['a'])
    const stale = bench.backend.current()
    await bench.appendAsOther(['b'])
    await bench.append(['c'], {}, stale)
    expect(await bench.paths()).toEqual(['a', 'b', 'c'])
    // The other writer's leftovers are not ours to judge: only what this commit wrote.
    expect(await bench.orphans()).toEqual([])
  })

  it('writes a merged manifest once over attempts that merge the same ones', async () => {
    const properties = { 'commit.manifest.min-count-to-merge': '2' }
    const bench = new CommitBench({ metadata: table({ properties }), script: ['ok', 'rejected', 'rejected', 'ok'] })
    await bench.append(['a'])
    bench.io.writes.length = 0
    await bench.append(['b'])
    expect(bench.io.writes.filter((location) => /-m\d+\.avro$/.test(location))).toHaveLength(1)
    expect(await bench.manifests()).toHaveLength(1)
    expect(await bench.paths()).toEqual(['a', 'b'])
  })

  it('over k conflicting attempts with merging holds exactly the files of all (FAULTS #19)', async () => {
    const bench = new CommitBench({ metadata: table({ properties: { 'commit.manifest.min-count-to-merge': '3' } }) })
    bench.backend.beforeCommit = (n) => (n < 5 ? bench.appendAsOther([`theirs-${n}`]) : undefined)
    const { attempts } = await bench.append(['ours-1', 'ours-2'])
    expect(attempts).toBe(5)
    expect(await bench.paths()).toEqual(['ours-1', 'ours-2', 'theirs-1', 'theirs-2', 'theirs-3', 'theirs-4'])
    expect(bench.backend.metadata.snapshots.map((snapshot) => snapshot.sequenceNumber)).toEqual([1n, 2n, 3n, 4n, 5n])
    expect(await bench.orphans()).toEqual([])
  })
})

describe('many writers at once', () => {
  it.each(['main', 'own'] as const)('all commit, each file once, with rising sequence numbers and disjoint row ids (branch: %s; fault 46)', async (branch) => {
    const properties = { 'commit.retry.num-retries': '200', 'commit.manifest.min-count-to-merge': '5' }
    const bench = new CommitBench({ metadata: table({ formatVersion: 3, properties }) })
    await bench.append(['start'])
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; i < 4; i++) await bench.append([`${writer}-${i}`], { branch: branch === 'main' ? 'main' : `b${writer}` })
    })
    await Promise.all(writers)
    const { snapshots, refs } = bench.backend.metadata
    expect(snapshots).toHaveLength(33)
    const expected = Array.from({ length: 8 }, (_, writer) => Array.from({ length: 4 }, (__, i) => `${writer}-${i}`))
    if (branch === 'main') expect(await bench.paths()).toEqual(['start', ...expected.flat()].sort())
    else for (const [writer, files] of expected.entries()) expect(await bench.paths(refs.get(`b${writer}`)!.snapshotId)).toEqual([...files, 'start'])
    for (const [i, snapshot] of snapshots.entries()) {
      expect(snapshot.sequenceNumber).toBe(BigInt(i + 1))
      if (i > 0) expect(snapshot.firstRowId).toBeGreaterThanOrEqual(snapshots[i - 1]!.firstRowId! + snapshots[i - 1]!.addedRows!)
    }
    expect(await bench.orphans()).toEqual([])
  })
})

describe('changes of metadata', () => {
  it('are made again on a newer version: two added columns are both there (FAULTS #22)', async () => {
    const bench = new CommitBench()
    const stale = bench.backend.current()
    await bench.commit(addColumn('theirs'))
    await bench.commit(addColumn('ours'), stale)
    const schema = bench.backend.metadata.schemas.at(-1)!
    expect(schema.fields.map((field) => field.name)).toEqual(['id', 'ts', 'kind', 'theirs', 'ours'])
    expect(new Set(schema.fields.map((field) => field.id)).size).toBe(5)
  })

  it('that change nothing are not sent', async () => {
    const bench = new CommitBench()
    const noop = metadataOperation('location update', (current) => [{ action: 'set-location', location: current.location }])
    expect(await bench.commit(noop)).toMatchObject({ attempts: 0, snapshot: undefined })
    expect(bench.backend.requests).toEqual([])
  })

  it('that break a rule are INVALID before anything is sent', async () => {
    const bench = new CommitBench()
    const bad = metadataOperation('location update', () => [{ action: 'set-location', location: '' }])
    await expect(bench.commit(bad)).rejects.toMatchObject({ code: 'INVALID' })
    expect(bench.backend.requests).toEqual([])
  })

  it('give a v1 table without an identity one', async () => {
    const { tableUuid: _, ...anonymous } = table({ formatVersion: 1 })
    const bench = new CommitBench({ metadata: { ...anonymous, tableUuid: undefined } })
    await bench.append(['a'])
    expect(bench.backend.metadata.tableUuid).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('time', () => {
  it('moves on when the clock of a writer is an hour behind (FAULTS #47)', async () => {
    const bench = new CommitBench()
    await bench.append(['a'])
    const before = bench.backend.metadata.lastUpdatedMs
    bench.runtime.nowMs -= 3_600_000
    const { snapshot } = await bench.append(['b'])
    expect(snapshot?.timestampMs).toBeGreaterThan(before)
    expect(bench.backend.metadata.lastUpdatedMs).toBeGreaterThan(before)
    const times = bench.backend.metadata.snapshotLog.map((entry) => entry.timestampMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})

describe('an abort', () => {
  it('before anything was sent commits nothing and leaves nothing', async () => {
    const bench = new CommitBench()
    const abort = new AbortController()
    abort.abort()
    const operation = appendFiles([dataFile('a')], {}, bench.runtime)
    const options = { runtime: bench.runtime, signal: abort.signal }
    await expect(commitTable(bench.backend, bench.backend.current(), operation, options)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(bench.io.writes).toEqual([])
  })

  it('while waiting for the next attempt cleans up', async () => {
    const bench = new CommitBench({ script: ['rejected'] })
    const abort = new AbortController()
    bench.backend.beforeCommit = () => abort.abort()
    const operation = appendFiles([dataFile('a')], {}, bench.runtime)
    const options = { runtime: bench.runtime, signal: abort.signal }
    await expect(commitTable(bench.backend, bench.backend.current(), operation, options)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await bench.orphans()).toEqual([])
  })

  it('does not hide that the answer to a commit was lost', async () => {
    const bench = new CommitBench({ script: ['unknown-lost'] })
    const abort = new AbortController()
    bench.backend.beforeCommit = () => abort.abort()
    const operation = appendFiles([dataFile('a')], {}, bench.runtime)
    const options = { runtime: bench.runtime, signal: abort.signal }
    const commit = commitTable(bench.backend, bench.backend.current(), operation, options)
    await expect(commit).rejects.toMatchObject({ code: 'COMMIT_STATE_UNKNOWN' })
    expect(bench.io.deleted).toEqual([])
  })
})

describe('an operation that finds a conflict', () => {
  it('is replayed against every newer version, and cleaned up when it gives up (trap 78)', async () => {
    const bench = new CommitBench()
    const append = appendFiles([dataFile('ours')], {}, bench.runtime)
    const seen: (bigint | undefined)[] = []
    const picky: CommitOperation = {
      name: 'append',
      apply: (current, context) => append.apply(current, context),
      unusedFiles: (committed) => append.unusedFiles!(committed),
      validate: (_base, current) => {
        seen.push(current.metadata.currentSnapshotId)
        if (seen.length === 1) return Promise.resolve()
        return Promise.reject(new FloeError('CONFLICT', 'a file was removed', { retryable: false }))
      },
    }
    const stale = bench.backend.current()
    await bench.appendAsOther(['theirs'])
    await expect(bench.commit(picky, stale)).rejects.toMatchObject({ code: 'CONFLICT', message: 'a file was removed' })
    expect(seen).toEqual([undefined, bench.backend.metadata.currentSnapshotId])
    expect(await bench.orphans()).toEqual([])
  })
})

describe('a transaction', () => {
  it('is one commit of all its parts, and logs only the last snapshot (trap 62)', async () => {
    const bench = new CommitBench()
    const operations = [addColumn('country'), appendFiles([dataFile('a')], {}, bench.runtime), appendFiles([dataFile('b')], {}, bench.runtime)]
    const { snapshot, table: landed } = await bench.transaction(operations)
    expect(bench.backend.requests).toHaveLength(1)
    expect(await bench.paths()).toEqual(['a', 'b'])
    expect(landed.metadata.snapshotLog.map((entry) => entry.snapshotId)).toEqual([snapshot?.snapshotId])
    expect(landed.metadata.snapshots.map((each) => [each.sequenceNumber, each.schemaId])).toEqual([
      [1n, 1],
      [2n, 1],
    ])
    expect(await bench.orphans()).toEqual([])
  })

  it('is made again as a whole after a conflict, without leaving files', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 3 }) })
    const stale = bench.backend.current()
    await bench.appendAsOther(['theirs'])
    const operations = [appendFiles([dataFile('a')], {}, bench.runtime), setProperty('n', '1'), appendFiles([dataFile('b')], {}, bench.runtime)]
    await bench.transaction(operations, stale)
    expect(await bench.paths()).toEqual(['a', 'b', 'theirs'])
    expect(bench.backend.metadata.snapshots.map((each) => each.firstRowId)).toEqual([0n, 10n, 20n])
    expect(bench.backend.metadata.properties.get('n')).toBe('1')
    expect(await bench.orphans()).toEqual([])
  })

  it('leaves nothing when it is rejected for good, and everything when nobody can tell (FAULTS #3)', async () => {
    for (const [step, orphans] of [['rejected-final', 0], ['unknown-lost', 6]] as const) {
      const bench = new CommitBench({ script: [step] })
      const operations = ['a', 'b'].map((path) => appendFiles([dataFile(path)], {}, bench.runtime))
      await expect(bench.transaction(operations)).rejects.toBeInstanceOf(FloeError)
      expect(await bench.orphans()).toHaveLength(orphans)
    }
  })

  it('needs at least one operation', () => {
    expect(() => transaction([])).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })
})
