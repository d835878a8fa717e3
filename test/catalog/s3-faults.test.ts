import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import type { ObjectStoreCatalogOptions } from '../../src/catalog/object-store-catalog.js'
import { S3FileIO } from '../../src/io/s3-file-io.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { S3Server } from '../support/s3-server.js'
import type { S3FaultKind } from '../support/s3-server.js'
import { appendUntilCommitted, codeOf, commitUpdates, creation, emptyAppend, mustCommit, notesOf } from '../support/table-commits.js'

const id = { namespace: ['shop'], name: 'events' }
const runtime = { ...systemRuntime, sleep: (ms: number) => systemRuntime.sleep(Math.min(ms, 2)) }
let server: S3Server
let io: S3FileIO
/** Does not wait long for an answer. */
let hasty: S3FileIO

beforeAll(async () => {
  server = await S3Server.start()
  const options = { endpoint: server.endpoint, credentials: { accessKeyId: 'id', secretAccessKey: 'secret' }, runtime }
  io = new S3FileIO(options)
  hasty = new S3FileIO({ ...options, requestTimeoutMs: 200 })
})
beforeEach(() => server.reset())
afterAll(async () => {
  await Promise.all([io.close(), hasty.close()])
  await server.close()
})

const open = (options: Partial<ObjectStoreCatalogOptions> = {}): ObjectStoreCatalog =>
  new ObjectStoreCatalog({ io, warehouse: 's3://bucket/wh', runtime, ...options })

describe('commits to a store that misbehaves on the wire', () => {
  const openTried = (): ObjectStoreCatalog => open({ io: hasty, verifyStore: 'never' })
  const kinds: readonly S3FaultKind[] = [
    'drop-after',
    'drop-before',
    'error-after',
    'duplicate',
    'late-effect',
    'conflict',
    'slow-down',
    'internal-error',
    'stall',
  ]
  for (const kind of kinds) {
    it(`${kind} on the version: committed once (faults 8 and 11, traps 75 and 81a)`, async () => {
      const catalog = openTried()
      const table = await catalog.createTable(id, creation())
      server.fail(kind, 'put', { key: /v2\.metadata\.json$/, delayMs: kind === 'stall' ? 400 : 5 })
      const outcome = await commitUpdates(catalog, table, emptyAppend(table, 'mine'))
      expect(outcome.outcome).toBe('committed')
      const seen = await openTried().loadTable(id)
      expect(notesOf(seen)).toEqual(['mine'])
      expect(seen.metadataLocation).toBe('s3://bucket/wh/shop/events/metadata/v2.metadata.json')
    })
  }

  it('writers under a hail of faults lose nothing and double nothing (fault 20, small)', async () => {
    await openTried().createTable(id, creation())
    const hail: readonly S3FaultKind[] = ['drop-after', 'duplicate', 'conflict', 'slow-down', 'error-after', 'drop-before']
    let call = 0
    for (const [i, kind] of hail.entries()) {
      server.faults.push({ kind, times: 1000, when: ({ operation, key }) => operation === 'put' && /v\d+\.metadata/.test(key) && ++call % 17 === i })
    }
    const notes = Array.from({ length: 3 }, (_, w) => [0, 1, 2].map((i) => `w${w}-${i}`))
    await Promise.all(
      notes.map(async (mine) => {
        const catalog = openTried()
        for (const note of mine) await appendUntilCommitted(catalog, id, note)
      }),
    )
    expect(notesOf(await openTried().loadTable(id)).sort()).toEqual(notes.flat().sort())
  })

  it('a refused write is rejected as UNAUTHORIZED, a refused read throws it', async () => {
    const catalog = openTried()
    const table = await catalog.createTable(id, creation())
    server.fail('forbidden', 'put')
    expect(await commitUpdates(catalog, table, emptyAppend(table, 'a'))).toMatchObject({ outcome: 'rejected', reason: { code: 'UNAUTHORIZED' } })
    server.fail('forbidden', 'head', { times: 3 })
    expect(await codeOf(open().loadTable(id))).toBe('UNAUTHORIZED')
  })
})

describe('a store is tried before the first write', () => {
  it('one that takes no notice of conditions is refused by name of what it lacks', async () => {
    server.ignoreConditions = true
    await expect(open().createTable(id, creation())).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(open().createTable(id, creation())).rejects.toThrow(/32 succeeded instead of one/)
    expect(server.keys()).toEqual([])
  })

  it('the risk can be accepted', async () => {
    server.ignoreConditions = true
    await open({ verifyStore: 'never' }).createTable(id, creation())
    expect(await open({ verifyStore: 'never' }).tableExists(id)).toBe(true)
  })

  it('a store that checks is tried once per catalog, before every kind of write, and nothing is left', async () => {
    const catalog = open()
    await catalog.createNamespace(['n'])
    const probes = server.calls.filter((call) => call.key.includes('.floe-probe-')).length
    expect(probes).toBeGreaterThan(0)
    const table = await catalog.createTable(id, creation())
    await mustCommit(catalog, table, emptyAppend(table, 'a'))
    expect(server.calls.filter((call) => call.key.includes('.floe-probe-'))).toHaveLength(probes)
    expect(server.keys().filter((key) => key.includes('.floe-probe-'))).toEqual([])
    server.calls.length = 0
    await open().loadTable(id)
    expect(server.calls.filter((call) => call.key.includes('.floe-probe-'))).toEqual([])
  })

  it('a store that is away is tried again later', async () => {
    const catalog = open()
    server.fail('forbidden', 'put', { key: /floe-probe/, times: 40 })
    expect(await codeOf(catalog.createTable(id, creation()))).toBe('UNAUTHORIZED')
    server.faults.length = 0
    await catalog.createTable(id, creation())
  })

  it('one that was found safe is not tried again, by any catalog of that warehouse', async () => {
    await open().createTable(id, creation())
    expect(server.keys()).toContain('bucket/wh/.floe-store')
    server.calls.length = 0
    await open().createTable({ ...id, name: 'other' }, creation())
    expect(server.calls.filter((call) => call.key.includes('.floe-probe-'))).toEqual([])
    // A copy of the warehouse elsewhere is another store.
    server.put('bucket/copy/.floe-store', server.bytesOf('bucket/wh/.floe-store')!)
    await open({ warehouse: 's3://bucket/copy' }).createTable(id, creation())
    expect(server.calls.some((call) => call.key.startsWith('copy/.floe-probe-'))).toBe(true)
  })

  it.each([
    ['racy', 'create-once'],
    ['stale-reads', /create-once|read-after-write/],
    ['remembers-deleted', 'create-after-delete'],
  ] as const)('one that keeps its conditions by half (%s) is refused, naming what it lacks', async (weakness, property) => {
    server.weakness = weakness
    await expect(open().createTable(id, creation())).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringMatching(property) as string })
    expect(server.keys()).toEqual([])
  })

  it('one that looks at conditions before it has the content is refused: the writes overlap for sure', async () => {
    server.weakness = 'checks-early'
    const catalog = open({ runtime: systemRuntime })
    await expect(catalog.createTable(id, creation())).rejects.toThrow(/\(create-once\): of 32 creations of one object at once, ([2-9]|[1-3]\d) succeeded/)
    expect(server.keys()).toEqual([])
  })

  it.each(['keeps-deleted', 'forgets-deletes'] as const)('what a store keeps after it said that it deleted it (%s) is deleted again', async (weakness) => {
    server.weakness = weakness
    await expect(open().createTable(id, creation())).rejects.toThrow(/\(create-after-delete\): a deleted object was still there/)
    expect(server.keys()).toEqual([])
  })

  it('nothing is left either when the probe itself fails, while other writes of it are under way', async () => {
    server.fail('forbidden', 'put', { key: /floe-probe/ })
    expect(await codeOf(open().createTable(id, creation()))).toBe('UNAUTHORIZED')
    const served = server.calls.length
    await systemRuntime.sleep(50)
    expect([server.calls.length, server.keys()]).toEqual([served, []])
  })

  it('what was found is forgotten after a week, when its record is damaged, and behind another endpoint', async () => {
    const probes = async (options: Partial<ObjectStoreCatalogOptions> = {}): Promise<boolean> => {
      server.calls.length = 0
      await open(options).createNamespace([`n${++names}`])
      return server.calls.some((call) => call.key.includes('.floe-probe-'))
    }
    let names = 0
    const at = (ms: number): Partial<ObjectStoreCatalogOptions> => ({ runtime: { ...runtime, now: () => systemRuntime.now() + ms } })
    const day = 24 * 60 * 60 * 1000
    expect([await probes(), await probes(), await probes(at(6 * day)), await probes(at(8 * day))]).toEqual([true, false, false, true])
    expect([await probes(at(8 * day)), await probes(at(-8 * day))]).toEqual([false, true])
    const record = 'bucket/wh/.floe-store'
    const good = server.bytesOf(record)!
    expect(await probes(at(-8 * day))).toBe(false)
    const damaged = ['', '{', '[]', 'null', '{"contract-version":"2"}', '{"verified":[{}]}', good.toString().replaceAll('verified', 'unknown'), '\xff']
    for (const text of damaged) {
      server.put(record, Buffer.from(text, 'latin1'))
      expect([text, await probes(at(-8 * day)), await probes(at(-8 * day))]).toEqual([text, true, false])
    }
    const elsewhere = new S3FileIO({
      endpoint: server.endpoint.replace('127.0.0.1', 'localhost'), credentials: { accessKeyId: 'id', secretAccessKey: 'secret' }, runtime,
    })
    expect([await probes({ io: elsewhere, ...at(-8 * day) }), await probes({ io: elsewhere, ...at(-8 * day) })]).toEqual([true, false])
    expect(await probes(at(-8 * day))).toBe(false)
    expect(server.bytesOf(record)!.toString()).not.toMatch(/secret/)
    await elsewhere.close()
  })

  it('what verifyStore finds unsafe is not trusted any more, whatever was found before', async () => {
    const catalog = open()
    const table = await catalog.createTable(id, creation())
    server.weakness = 'remembers-deleted'
    expect((await catalog.verifyStore()).isSafe).toBe(false)
    for (const each of [catalog, open()]) await expect(commitUpdates(each, table, emptyAppend(table, 'a'))).rejects.toThrow(/create-after-delete/)
  })

  it('verifyStore tells every property, and quirks that commits do not depend on', async () => {
    const whole = await open().verifyStore()
    expect(whole.isSafe).toBe(true)
    const lacking = (report: typeof whole): string[] => report.properties.filter(({ holds }) => holds === false).map(({ name }) => name)
    expect(lacking(whole)).toEqual(['distinct-etags'])
    server.weakness = 'ignores-match'
    expect(lacking(await open().verifyStore())).toEqual(['replace-once', 'stale-match-refused', 'distinct-etags'])
    server.weakness = 'ignores-multipart'
    const partial = await open().verifyStore()
    expect([partial.isSafe, lacking(partial)]).toEqual([true, ['create-if-absent-multipart', 'distinct-etags']])
    expect(server.keys()).toEqual(['bucket/wh/.floe-store'])
  })

  it('lost answers do not count against a store', async () => {
    server.fail('drop-after', 'put', { key: /floe-probe/, times: 2 })
    await open().createTable(id, creation())
  })

  it('a store whose answers are all lost is not refused for good, but could not be tried', async () => {
    server.fail('drop-before', 'put', { key: /floe-probe/, times: 32 })
    await expect(open().createTable(id, creation())).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringMatching(/try again/) as string })
    expect(server.keys()).toEqual([])
  })

  it('a store that is too busy for some of the writers at once has shown what it does', async () => {
    server.fail('slow-down', 'put', { key: /floe-probe/, times: 60 })
    await open().createTable(id, creation())
  })
})

describe('what a commit costs', () => {
  it('a quiet commit is one conditional write, one hint and a few looks', async () => {
    const catalog = open()
    const table = await catalog.createTable(id, creation())
    server.calls.length = 0
    await mustCommit(catalog, table, emptyAppend(table, 'a'))
    const counts = new Map<string, number>()
    for (const { operation } of server.calls) counts.set(operation, (counts.get(operation) ?? 0) + 1)
    expect(Object.fromEntries(counts)).toEqual({ head: 5, put: 2 })
  })
})
