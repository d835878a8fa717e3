import { describe, expect, it } from 'vitest'
import type { LoadedTable } from '../../src/catalog/catalog-backend.js'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { FloeError } from '../../src/util/errors.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { InterceptedFileIO } from '../support/intercepted-file-io.js'
import type { IoCall, IoHook } from '../support/intercepted-file-io.js'
import { codeOf, commitUpdates, creation, emptyAppend, mustCommit, notesOf, setProperties } from '../support/table-commits.js'

const id = { namespace: ['shop'], name: 'events' }
const warehouse = 'memory:///wh'
const folder = `${warehouse}/shop/events/metadata`
const hint = `${folder}/version-hint.text`
/** Waits cost nothing; the clock moves with every look at it, so that no two commits are of the same moment. */
let clock = 1_700_000_000_000
const runtime = { ...systemRuntime, sleep: () => Promise.resolve(), now: () => ++clock }
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content)

interface Setup {
  readonly store: MemoryFileIO
  /** The writer whose calls are interfered with. */
  readonly io: InterceptedFileIO
  readonly writer: ObjectStoreCatalog
  readonly table: LoadedTable
  /** A client that has seen nothing yet, over the bare store. */
  readonly cold: () => ObjectStoreCatalog
}

async function setup(properties: Readonly<Record<string, string>> = {}): Promise<Setup> {
  const store = new MemoryFileIO()
  const io = new InterceptedFileIO(store)
  const writer = new ObjectStoreCatalog({ io, warehouse, runtime })
  const cold = (): ObjectStoreCatalog => new ObjectStoreCatalog({ io: store, warehouse, runtime })
  return { store, io, writer, cold, table: await writer.createTable(id, creation(properties)) }
}

async function filesIn(store: MemoryFileIO): Promise<string[]> {
  const names: string[] = []
  for await (const status of store.list(folder)) names.push(status.location.slice(folder.length + 1))
  return names
}

/** Appends `count` times with a client of its own. */
async function appendTimes(catalog: ObjectStoreCatalog, count: number, start = 0): Promise<LoadedTable> {
  let table = await catalog.loadTable(id)
  for (let i = start; i < start + count; i++) table = await mustCommit(catalog, table, emptyAppend(table, `other ${i}`))
  return table
}

const creates = (call: IoCall, version: number): boolean =>
  call.operation === 'write' && call.options?.ifNoneMatch === '*' && call.location.includes(`/v${version}.`)

/** Strikes the first call that matches. */
function once(matches: (call: IoCall) => boolean, strike: IoHook): IoHook {
  let struck = false
  return (call, effect) => {
    if (struck || !matches(call)) return effect()
    struck = true
    return strike(call, effect)
  }
}

describe('the layout', () => {
  it('is that of file-system catalogs: v1, v2, … and a hint of plain digits', async () => {
    const { store, writer, table } = await setup()
    expect(await filesIn(store)).toEqual(['v1.metadata.json', 'version-hint.text'])
    const next = await mustCommit(writer, table, emptyAppend(table, 'a'))
    expect(next.metadataLocation).toBe(`${folder}/v2.metadata.json`)
    expect(text(await store.read(hint))).toBe('2')
    expect(JSON.parse(text(await store.read(next.metadataLocation)))).toMatchObject({ location: `${warehouse}/shop/events` })
  })

  it('nothing is ever overwritten but the hint', async () => {
    const { io, writer, table } = await setup()
    const next = await mustCommit(writer, table, emptyAppend(table, 'a'))
    await mustCommit(writer, next, setProperties({ 'write.metadata.compression-codec': 'gzip' }))
    const plain = io.calls.filter((call) => call.operation === 'write' && call.options?.ifNoneMatch !== '*')
    expect([...new Set(plain.map((call) => call.location))]).toEqual([hint])
  })

  it('a refresh reads only what is new', async () => {
    const { io, writer, table, cold } = await setup()
    io.calls.length = 0
    await writer.loadTable(id)
    expect(io.calls.filter((call) => call.operation !== 'head')).toEqual([])
    await mustCommit(cold(), table, emptyAppend(table, 'a'))
    io.calls.length = 0
    await writer.loadTable(id)
    expect(io.calls.filter((call) => call.operation === 'read').map((call) => call.location)).toEqual([`${folder}/v2.metadata.json`])
  })
})

describe('the hint is only a hint (fault 24)', () => {
  const hints: Record<string, string | undefined> = {
    absent: undefined,
    stale: '1',
    'far behind': '2',
    ahead: '99',
    'beyond all numbers': '99999999999999999999',
    negative: '-1',
    empty: '',
    garbage: 'v5\u0000\uffff',
    'a file name': '00005-abc',
    huge: 'x'.repeat(100_000),
    'a number at the end of much else': `${'x'.repeat(100)}3`,
    'with white space': ' 14\n',
  }
  for (const [name, content] of Object.entries(hints)) {
    it(`${name}: the same state is read, and the next commit is the next version`, async () => {
      const { store, cold } = await setup()
      await appendTimes(cold(), 13)
      if (content === undefined) await store.delete([hint])
      else await store.write(hint, bytes(content))
      const reader = cold()
      const table = await reader.loadTable(id)
      expect(table.metadataLocation).toBe(`${folder}/v14.metadata.json`)
      const next = await mustCommit(reader, table, emptyAppend(table, 'next'))
      expect(next.metadataLocation).toBe(`${folder}/v15.metadata.json`)
      expect(notesOf(await cold().loadTable(id))).toHaveLength(14)
    })
  }

  it('a stalled hint write that goes back in time changes nothing, for warm and cold clients', async () => {
    const { store, writer, cold } = await setup()
    const warm = cold()
    await appendTimes(warm, 5)
    await writer.loadTable(id)
    await store.write(hint, bytes('2'))
    for (const client of [warm, writer, cold()]) expect((await client.loadTable(id)).metadataLocation).toBe(`${folder}/v6.metadata.json`)
  })
})

describe('trap 71: names of versions', () => {
  it('numbers beyond 99999 go on; junk, other numberings and leading zeros are not versions', async () => {
    const { store, table, cold } = await setup()
    const body = await store.read(table.metadataLocation)
    await store.write(`${folder}/v100000.metadata.json`, body)
    for (const junk of [
      'v0100001.metadata.json',
      'v100002.metadata.json.bak',
      'xv100003.metadata.json',
      'v100004.gz.metadata.json.tmp',
      'v-100005.metadata.json',
      'v9999999999.metadata.json',
      'v1e9.metadata.json',
      '100006-uuid.metadata.json',
      'sub/v100007.metadata.json',
    ]) {
      await store.write(`${folder}/${junk}`, body)
    }
    await store.delete([hint])
    const reader = cold()
    const latest = await reader.loadTable(id)
    expect(latest.metadataLocation).toBe(`${folder}/v100000.metadata.json`)
    expect((await mustCommit(reader, latest, emptyAppend(latest, 'a'))).metadataLocation).toBe(`${folder}/v100001.metadata.json`)
  })

  it('gzipped versions are found under both of their names, and the plain one counts before them', async () => {
    const { store, table, cold } = await setup()
    const body = await store.read(table.metadataLocation)
    await store.write(`${folder}/v2.metadata.json.gz`, body)
    expect((await cold().loadTable(id)).metadataLocation).toBe(`${folder}/v2.metadata.json.gz`)
    await store.write(`${folder}/v3.gz.metadata.json`, body)
    expect((await cold().loadTable(id)).metadataLocation).toBe(`${folder}/v3.gz.metadata.json`)
    await store.write(`${folder}/v3.metadata.json`, body)
    expect((await cold().loadTable(id)).metadataLocation).toBe(`${folder}/v3.metadata.json`)
    await store.delete([hint])
    expect((await cold().loadTable(id)).metadataLocation).toBe(`${folder}/v3.metadata.json`)
  })

  it('writers that disagree on gzip still compete for one name, for the base decides it', async () => {
    const { writer, table, cold, io } = await setup()
    io.hook = once((call) => creates(call, 2), async (_, effect) => {
      const other = cold()
      await mustCommit(other, await other.loadTable(id), setProperties({ 'write.metadata.compression-codec': 'gzip' }))
      return effect()
    })
    await mustCommit(writer, table, setProperties({ a: '1' }))
    const latest = await cold().loadTable(id)
    expect(latest.metadataLocation).toBe(`${folder}/v3.gz.metadata.json`)
    expect(latest.metadata.properties.get('a')).toBe('1')
    expect(latest.metadata.properties.get('write.metadata.compression-codec')).toBe('gzip')
  })
})

describe('a creation whose answer does not tell the truth (traps 75 and 81a, faults 8 and 11)', () => {
  const lost = new FloeError('COMMIT_STATE_UNKNOWN', 'the answer was lost')
  const cases: Record<string, IoHook> = {
    'the answer is lost after the effect': async (_, effect) => {
      await effect()
      throw lost
    },
    'the request is lost before the effect': () => Promise.reject(lost),
    'the request is played twice, and the second answer says that the object exists': async (_, effect) => {
      await effect()
      return effect()
    },
    'an untyped error follows the effect': async (_, effect) => {
      await effect()
      throw new TypeError('socket hang up')
    },
    'the store is away for a moment': () => Promise.reject(new FloeError('UNAVAILABLE', 'away')),
    'a conflict is reported that had no effect': () => Promise.reject(new FloeError('CONFLICT', '409')),
    'the effect comes late, while the writer looks': async (_, effect) => {
      setImmediate(() => void effect().catch(() => undefined))
      throw lost
    },
  }
  for (const [name, strike] of Object.entries(cases)) {
    it(`${name}: committed, once`, async () => {
      const { writer, table, cold, io } = await setup()
      io.hook = once((call) => creates(call, 2), strike)
      const outcome = await commitUpdates(writer, table, emptyAppend(table, 'mine'))
      expect(outcome.outcome).toBe('committed')
      expect(notesOf(await cold().loadTable(id))).toEqual(['mine'])
      expect((await cold().loadTable(id)).metadataLocation).toBe(`${folder}/v2.metadata.json`)
    })

    it(`${name}, on creation of the table: created, once`, async () => {
      const store = new MemoryFileIO()
      const io = new InterceptedFileIO(store)
      io.hook = once((call) => creates(call, 1), strike)
      const table = await new ObjectStoreCatalog({ io, warehouse, runtime }).createTable(id, creation())
      const seen = await new ObjectStoreCatalog({ io: store, warehouse }).loadTable(id)
      expect(seen.metadata.tableUuid).toBe(table.metadata.tableUuid)
    })
  }

  it('the own version is recognised under a foreign commit on top', async () => {
    const { writer, table, cold, io } = await setup()
    io.hook = once((call) => creates(call, 2), async (_, effect) => {
      await effect()
      await appendTimes(cold(), 3)
      throw lost
    })
    expect((await commitUpdates(writer, table, emptyAppend(table, 'mine'))).outcome).toBe('committed')
    expect(notesOf(await cold().loadTable(id))).toEqual(['mine', 'other 0', 'other 1', 'other 2'])
  })

  it('the own version is recognised by its snapshot after it was retired', async () => {
    const { writer, table, cold, io, store } = await setup({
      'write.metadata.delete-after-commit.enabled': 'true',
      'write.metadata.previous-versions-max': '1',
    })
    io.hook = once((call) => creates(call, 2), async (_, effect) => {
      await effect()
      await appendTimes(cold(), 3)
      throw lost
    })
    expect((await commitUpdates(writer, table, emptyAppend(table, 'mine'))).outcome).toBe('committed')
    expect(text(await store.read(`${folder}/v2.metadata.json`))).toMatch(/floe-retired-version":"[0-9a-f-]{36}"/)
    expect(notesOf(await cold().loadTable(id))).toHaveLength(4)
  })

  it('another’s version with the same change at the same moment is not taken for our own', async () => {
    const frozen = { ...runtime, now: () => 1_700_000_000_000 }
    const store = new MemoryFileIO()
    const io = new InterceptedFileIO(store)
    const writer = new ObjectStoreCatalog({ io, warehouse, runtime: frozen })
    const other = new ObjectStoreCatalog({ io: store, warehouse, runtime: frozen })
    const table = await writer.createTable(id, creation())
    const base = await other.loadTable(id)
    let refused = 0
    io.hook = async (call, effect) => {
      if (creates(call, 2)) await mustCommit(other, base, setProperties({ a: '1' }))
      return effect().catch((error: unknown) => {
        refused++
        throw error
      })
    }
    const outcome = await commitUpdates(writer, table, setProperties({ a: '1' }))
    expect(refused).toBe(1)
    expect(outcome).toMatchObject({ outcome: 'committed', table: { metadataLocation: `${folder}/v3.metadata.json` } })
  })

  it('when every answer is lost and nothing shows, the outcome is unknown, and an effect that comes later is not undone', async () => {
    const { writer, table, cold, io } = await setup()
    const late: (() => Promise<unknown>)[] = []
    io.hook = (call, effect) => {
      if (!creates(call, 2)) return effect()
      late.push(effect)
      return Promise.reject(lost)
    }
    const outcome = await commitUpdates(writer, table, emptyAppend(table, 'mine'))
    expect(outcome).toMatchObject({ outcome: 'unknown' })
    expect(io.calls.filter((call) => call.operation === 'delete')).toEqual([])
    await Promise.allSettled(late.map((effect) => effect()))
    expect(notesOf(await cold().loadTable(id))).toEqual(['mine'])
  })

  it('an unreachable store is unknown, never a rejection', async () => {
    const { writer, table, io } = await setup()
    io.hook = (call, effect) => (creates(call, 2) ? Promise.reject(new FloeError('UNAVAILABLE', 'away')) : effect())
    expect(await commitUpdates(writer, table, emptyAppend(table, 'mine'))).toMatchObject({ outcome: 'unknown' })
  })

  it('refused credentials are a rejection: nothing was written', async () => {
    const { writer, table, io } = await setup()
    io.hook = (call, effect) => (creates(call, 2) ? Promise.reject(new FloeError('UNAUTHORIZED', '403')) : effect())
    const outcome = await commitUpdates(writer, table, emptyAppend(table, 'mine'))
    expect(outcome).toMatchObject({ outcome: 'rejected', retryable: false, reason: { code: 'UNAUTHORIZED' } })
  })
})

describe('after the commit nothing can fail it (fault 13)', () => {
  it('every later call fails, and the commit is a success', async () => {
    const { writer, table, cold, io } = await setup({
      'write.metadata.delete-after-commit.enabled': 'true',
      'write.metadata.previous-versions-max': '1',
    })
    const second = await mustCommit(writer, table, emptyAppend(table, 'a'))
    let committed = false
    io.hook = async (call, effect) => {
      if (committed) throw new FloeError('UNAVAILABLE', 'away')
      const result = await effect()
      committed ||= creates(call, 3)
      return result
    }
    expect((await commitUpdates(writer, second, emptyAppend(second, 'b'))).outcome).toBe('committed')
    expect(notesOf(await cold().loadTable(id))).toEqual(['a', 'b'])
  })

  it('a writer that dies at any step leaves a table that others read and write without repair', async () => {
    for (let step = 1; ; step++) {
      const { writer, table, cold, io } = await setup({ 'write.metadata.delete-after-commit.enabled': 'true', 'write.metadata.previous-versions-max': '1' })
      const second = await mustCommit(writer, table, emptyAppend(table, 'first'))
      let left = step
      let died = false
      io.hook = (_, effect) => {
        if (left-- > 0) return effect()
        died = true
        return new Promise(() => undefined)
      }
      const finished = commitUpdates(writer, second, emptyAppend(second, 'last'))
      await Promise.race([finished, new Promise((resolve) => setTimeout(resolve, 15))])
      const other = cold()
      const seen = await other.loadTable(id)
      expect(['first', 'first,last']).toContain(notesOf(seen).join())
      await mustCommit(other, seen, emptyAppend(seen, 'survivor'))
      expect(notesOf(await cold().loadTable(id)).at(-1)).toBe('survivor')
      if (!died) break
      expect(step).toBeLessThan(50)
    }
  })
})

describe('a writer that stalled on a stale base', () => {
  const retention = { 'write.metadata.delete-after-commit.enabled': 'true', 'write.metadata.previous-versions-max': '1' }

  it('finds the number taken after our own maintenance has removed the versions', async () => {
    const { writer, table, cold, io, store } = await setup(retention)
    io.hook = once((call) => creates(call, 2), async (_, effect) => {
      await appendTimes(cold(), 8)
      return effect()
    })
    const outcome = await commitUpdates(writer, table, emptyAppend(table, 'stalled'))
    expect(outcome).toMatchObject({ outcome: 'rejected', retryable: true })
    const latest = await cold().loadTable(id)
    expect(notesOf(latest)).toHaveLength(8)
    expect(notesOf(latest)).not.toContain('stalled')
    for (const version of [1, 2, 3]) expect((await store.head(`${folder}/v${version}.metadata.json`))?.sizeBytes).toBeLessThan(100)
  })

  it('takes its version back when another engine’s maintenance has freed the name', async () => {
    const { writer, table, cold, io, store } = await setup()
    io.hook = once((call) => creates(call, 2), async (_, effect) => {
      await appendTimes(cold(), 8)
      await store.delete([1, 2, 3, 4, 5].map((version) => `${folder}/v${version}.metadata.json`))
      return effect()
    })
    const outcome = await commitUpdates(writer, table, emptyAppend(table, 'stalled'))
    expect(outcome).toMatchObject({ outcome: 'rejected', retryable: true })
    expect(text(await store.read(`${folder}/v2.metadata.json`))).toBe('{"floe-retired-version":""}')
    for (const content of ['1', '2', '9', 'x']) {
      await store.write(hint, bytes(content))
      expect(notesOf(await cold().loadTable(id))).toHaveLength(8)
    }
    expect(notesOf(await writer.loadTable(id))).toHaveLength(8)
  })

  it('takes its version back when our maintenance has retired the base and another engine’s has freed the next name', async () => {
    const { writer, table, cold, io, store } = await setup(retention)
    io.hook = once((call) => creates(call, 2), async (_, effect) => {
      const other = cold()
      await appendTimes(other, 8)
      await store.delete([2, 3, 4].map((version) => `${folder}/v${version}.metadata.json`))
      return effect()
    })
    const outcome = await commitUpdates(writer, table, emptyAppend(table, 'stalled'))
    expect(outcome.outcome).not.toBe('committed')
    expect(notesOf(await cold().loadTable(id))).toHaveLength(8)
    expect(notesOf(await writer.loadTable(id))).toHaveLength(8)
  })

  it('keeps its version when others have built on it and retired its base', async () => {
    for (const updates of [(base: LoadedTable) => emptyAppend(base, 'mine'), () => setProperties({ mine: 'yes' })]) {
      const { writer, table, cold, io } = await setup({ ...retention, 'write.metadata.previous-versions-max': '2' })
      io.hook = once((call) => creates(call, 2), async (_, effect) => {
        const result = await effect()
        await appendTimes(cold(), 2)
        return result
      })
      expect((await commitUpdates(writer, table, updates(table))).outcome).toBe('committed')
    }
  })

  it('keeps its version when that is part of the history, though the base has gone since', async () => {
    const { writer, table, cold, io, store } = await setup()
    io.hook = once((call) => creates(call, 2), async (_, effect) => {
      const result = await effect()
      await appendTimes(cold(), 8)
      await store.delete([1, 2, 3, 4, 5].map((version) => `${folder}/v${version}.metadata.json`))
      return result
    })
    expect((await commitUpdates(writer, table, emptyAppend(table, 'mine'))).outcome).toBe('committed')
    expect(notesOf(await cold().loadTable(id))).toHaveLength(9)
  })

  it('does not raise a dropped table from the dead', async () => {
    for (const purge of [true, false]) {
      const { writer, table, cold, io, store } = await setup()
      io.hook = once((call) => creates(call, 2), async (_, effect) => {
        await cold().dropTable(id, { purge })
        return effect()
      })
      expect(await commitUpdates(writer, table, emptyAppend(table, 'stalled'))).toMatchObject({ outcome: 'rejected', retryable: false })
      expect(await cold().tableExists(id)).toBe(false)
      expect(await codeOf(writer.loadTable(id))).toBe('NOT_FOUND')
      if (purge) expect(await filesIn(store)).toEqual([])
    }
  })

  it('does not commit to another table of its name, at no number of versions', async () => {
    for (const versions of [1, 2, 3, 4]) {
      const { writer, table, cold, io } = await setup()
      const second = await mustCommit(writer, table, emptyAppend(table, 'a'))
      io.hook = once((call) => creates(call, 3), async (_, effect) => {
        const other = cold()
        await other.dropTable(id, { purge: true })
        await other.createTable(id, creation())
        await appendTimes(other, versions - 1)
        return effect()
      })
      expect(await commitUpdates(writer, second, emptyAppend(second, 'stalled'))).toMatchObject({ outcome: 'rejected' })
      const reader = cold()
      expect(notesOf(await reader.loadTable(id))).toHaveLength(versions - 1)
      await appendTimes(reader, 3, 10)
      expect(notesOf(await cold().loadTable(id))).toHaveLength(versions + 2)
    }
  })

  it('copied bytes are the same version: a base that only got another etag is no reason to give up', async () => {
    const { writer, table, cold, io, store } = await setup()
    io.hook = once((call) => creates(call, 2), async (_, effect) => {
      await store.write(table.metadataLocation, await store.read(table.metadataLocation))
      return effect()
    })
    expect((await commitUpdates(writer, table, emptyAppend(table, 'mine'))).outcome).toBe('committed')
    expect(notesOf(await cold().loadTable(id))).toEqual(['mine'])
  })
})

describe('versions are never freed', () => {
  it('deleting one through the table leaves it empty; the newest cannot be deleted', async () => {
    const { writer, table, cold, store } = await setup()
    const second = await mustCommit(writer, table, emptyAppend(table, 'a'))
    await second.io.delete([table.metadataLocation, `${folder}/none.avro`, `${folder}/v77.metadata.json`])
    expect(await filesIn(store)).toEqual(['v1.metadata.json', 'v2.metadata.json', 'version-hint.text'])
    expect(text(await store.read(table.metadataLocation))).toMatch(/^\{"floe-retired-version":"[0-9a-f-]{36}"\}$/)
    expect(await codeOf(second.io.delete([second.metadataLocation]))).toBe('INVALID')
    for (const content of ['1', 'x', '2']) {
      await store.write(hint, bytes(content))
      expect((await cold().loadTable(id)).metadataLocation).toBe(second.metadataLocation)
    }
  })

  it('a newest version that its writer left empty is CORRUPT, and says which file', async () => {
    const { store, cold } = await setup()
    await store.write(`${folder}/v2.metadata.json`, new Uint8Array(0))
    await expect(cold().loadTable(id)).rejects.toMatchObject({ code: 'CORRUPT', file: `${folder}/v2.metadata.json` })
  })

  it('a drop and a commit never both win', async () => {
    for (let round = 0; round < 10; round++) {
      const { table, cold } = await setup()
      const [commit, drop] = await Promise.all([
        commitUpdates(cold(), table, emptyAppend(table, 'a')),
        codeOf(cold().dropTable(id, { purge: round % 2 === 0 })),
      ])
      expect(drop).toBe('no error')
      expect(await cold().tableExists(id)).toBe(false)
      expect(['committed', 'rejected']).toContain(commit.outcome)
    }
  })

  it('a forgotten table goes on counting when its name is used again', async () => {
    const { cold, store } = await setup()
    await cold().dropTable(id)
    expect((await cold().createTable(id, creation())).metadataLocation).toBe(`${folder}/v3.metadata.json`)
    expect(text(await store.read(hint))).toBe('3')
  })

  it('a purge that was interrupted is finished by dropping again', async () => {
    const { writer, table, cold, io, store } = await setup()
    await table.io.write(`${warehouse}/shop/events/data/x`, new Uint8Array(1))
    io.hook = (call, effect) => (call.operation === 'delete' ? Promise.reject(new FloeError('UNAVAILABLE', 'away')) : effect())
    expect(await codeOf(writer.dropTable(id, { purge: true }))).toBe('UNAVAILABLE')
    expect(await cold().tableExists(id)).toBe(false)
    expect(await codeOf(cold().dropTable(id))).toBe('NOT_FOUND')
    await cold().dropTable(id, { purge: true })
    const left: string[] = []
    for await (const status of store.list(`${warehouse}/shop/events`)) left.push(status.location)
    expect(left).toEqual([])
  })

  it('purging reaches files in other places that the catalog allows, and leaves those it does not', async () => {
    const store = new MemoryFileIO()
    const catalog = new ObjectStoreCatalog({ io: store, warehouse, allowedLocations: ['memory:///elsewhere'] })
    const table = await catalog.createTable(id, creation({ 'write.data.path': 'memory:///elsewhere/data' }))
    const [inside, outside] = ['memory:///elsewhere/data/stats.puffin', 'memory:///private/stats.puffin'] as const
    for (const location of [inside, outside, 'memory:///elsewhere/data/unrelated']) await store.write(location, new Uint8Array(1))
    const withSnapshot = await mustCommit(catalog, table, emptyAppend(table, 'a'))
    const snapshotId = withSnapshot.metadata.currentSnapshotId!
    const statistics = { snapshotId, fileSizeBytes: 1, fileFooterSizeBytes: 1, keyMetadata: undefined, blobMetadata: [] }
    const next = await mustCommit(catalog, withSnapshot, [
      { action: 'set-statistics', statistics: { ...statistics, statisticsPath: inside } },
      { action: 'set-partition-statistics', partitionStatistics: { snapshotId, statisticsPath: outside, fileSizeBytes: 1 } },
    ])
    expect(next.metadata.statistics).toHaveLength(1)
    await catalog.dropTable(id, { purge: true })
    expect(await store.head(inside)).toBeUndefined()
    expect(await store.head(outside)).toBeDefined()
    expect(await store.head('memory:///elsewhere/data/unrelated')).toBeDefined()
  })
})

describe('path-based tables', () => {
  it('cannot be relocated, nor their metadata', async () => {
    const { writer, table } = await setup()
    for (const updates of [
      [{ action: 'set-location', location: `${warehouse}/shop/other` }] as const,
      setProperties({ 'write.metadata.path': `${warehouse}/shop/events/meta` }),
    ]) {
      expect(await commitUpdates(writer, table, updates)).toMatchObject({ outcome: 'rejected', retryable: false, reason: { code: 'INVALID' } })
    }
    expect(await codeOf(writer.createTable({ ...id, name: 'x' }, { ...creation(), location: `${warehouse}/y` }))).toBe('INVALID')
  })

  it('may not declare the folders of other tables as their own', async () => {
    const { writer, table } = await setup()
    for (const path of [warehouse, `${warehouse}/shop`, 'memory:///']) {
      expect(await commitUpdates(writer, table, setProperties({ 'write.data.path': path }))).toMatchObject({ outcome: 'rejected' })
    }
    await mustCommit(writer, table, setProperties({ 'write.data.path': `${warehouse}/shop/events/other` }))
  })
})
