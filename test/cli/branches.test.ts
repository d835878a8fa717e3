import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openCatalog, serveCatalog } from '../../src/index.js'
import { floe } from './run.js'

let folder: string
let lake: string
let table: string
let count = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-refs-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function append(content: string, ...options: string[]): Promise<void> {
  const path = join(folder, `${count++}.jsonl`)
  writeFileSync(path, content)
  expect((await floe(['append', table, '--from', path, ...options])).code).toBe(0)
}

beforeEach(async () => {
  lake = join(folder, `lake${count++}`)
  table = `${lake}#shop.events`
  await append('{"id":1}\n', '--create')
})

/** The ids, in order. */
async function rows(): Promise<number[]> {
  const { out } = await floe(['scan', table, '--format', 'jsonl'])
  const lines = out.split('\n').filter((line) => line !== '')
  return lines.map((line) => Number((JSON.parse(line) as { id: string }).id)).sort((a, b) => a - b)
}

describe('floe branch and tag', () => {
  it('create, list, move and drop', async () => {
    expect((await floe(['branch', table, 'create', 'audit', '--max-snapshot-age', '7d'])).out).toMatch(/^shop\.events: branch audit is at snapshot \d+\n$/)
    await append('{"id":2}\n', '--branch', 'audit')
    await floe(['tag', table, 'create', 'v1', '--ref', 'audit', '--max-ref-age', '12h'])
    expect((await floe(['branch', table])).out).toMatch(/^main {3}snapshot \d+\naudit {2}snapshot \d+ {2}\(snapshots for 7 d\)\n$/)
    const tags = JSON.parse((await floe(['tag', table, 'list', '--json'])).out) as unknown
    expect(tags).toMatchObject([{ name: 'v1', type: 'tag', max_ref_age_ms: 43_200_000 }])
    expect(await rows()).toEqual([1])
    expect((await floe(['branch', table, 'fast-forward', 'main', 'audit'])).code).toBe(0)
    expect(await rows()).toEqual([1, 2])
    await floe(['branch', table, 'rename', 'audit', 'old'])
    expect((await floe(['branch', table, 'drop', 'old'])).out).toBe('shop.events: branch old is gone\n')
    expect((await floe(['branch', table, 'drop', 'old'])).err).toMatch(/^floe: NOT_FOUND: /)
  })

  it('refuse wrong usage with exit code 2', async () => {
    for (const args of [['x'], ['create'], ['create', 'a', 'b'], ['rename', 'a'], ['create', 'a', '--max-ref-age', '5']]) {
      expect((await floe(['branch', table, ...args])).code).toBe(2)
    }
    expect((await floe(['tag', table, 'fast-forward', 'a', 'b'])).code).toBe(2)
  })
})

describe('floe rollback, cherry-pick and publish', () => {
  it('go back, and forward again', async () => {
    const first = (await openTable()).currentSnapshot!.snapshotId
    await append('{"id":2}\n')
    const second = (await openTable()).currentSnapshot!.snapshotId
    expect((await floe(['rollback', table, '--snapshot', String(first)])).out).toBe(`shop.events: main is at snapshot ${first}\n`)
    expect(await rows()).toEqual([1])
    expect((await floe(['rollback', table, '--snapshot', String(second)])).code).toBe(1)
    expect((await floe(['rollback', table, '--snapshot', String(second), '--any'])).code).toBe(0)
    expect(await rows()).toEqual([1, 2])
    expect((await floe(['rollback', table])).code).toBe(2)
  })

  it('publish what was staged by its name', async () => {
    await (await openTable()).append([{ id: 5n }], { stage: { wapId: 'job' } })
    expect(await rows()).toEqual([1])
    expect((await floe(['cherry-pick', table, '--wap-id', 'job'])).code).toBe(0)
    expect(await rows()).toEqual([1, 5])
  })

  it('bring what was staged into an audit branch, and publish that: each step says where it went, and fails when there is nothing to do', async () => {
    await (await openTable()).append([{ id: 5n }, { id: -6n }], { stage: { wapId: 'bad' } })
    await (await openTable()).append([{ id: 7n }], { stage: { wapId: 'good' } })
    await floe(['branch', table, 'create', 'audit'])
    const pick = (...options: string[]): ReturnType<typeof floe> => floe(['cherry-pick', table, '--branch', 'audit', ...options])
    expect(await pick('--wap-id', 'good')).toEqual({ code: 0, out: expect.stringMatching(/^shop\.events: audit is at snapshot \d+\n$/) as string, err: '' })
    expect(await rows()).toEqual([1])
    expect(await pick('--wap-id', 'good')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('wap.id good was published to audit already') as string })
    expect(await pick('--wap-id', 'none')).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^floe: NOT_FOUND: /) as string })
    expect(await pick('--wap-id', 'good', '--snapshot', '1')).toMatchObject({ code: 2, out: '' })
    const publish = (): ReturnType<typeof floe> => floe(['publish', table, '--branch', 'audit', '--none-where', 'id < 0', '--json'])
    const published = await publish()
    expect([published.code, JSON.parse(published.out)]).toEqual([0, expect.objectContaining({ table: 'shop.events', branch: 'audit', published_to: 'main' })])
    expect(await rows()).toEqual([1, 7])
    await floe(['branch', table, 'drop', 'audit'])
    await floe(['branch', table, 'create', 'audit'])
    expect((await pick('--wap-id', 'bad')).code).toBe(0)
    expect(await publish()).toMatchObject({ code: 1, out: '', err: expect.stringContaining('1 row where id < 0') as string })
    expect(await rows()).toEqual([1, 7])
  })

  it('publish a branch only when its checks hold', async () => {
    await floe(['branch', table, 'create', 'audit'])
    await append('{"id":-2}\n', '--branch', 'audit')
    const refused = await floe(['publish', table, '--branch', 'audit', '--none-where', 'id < 0', '--quarantine', 'bad'])
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('Not published, bad is kept: 1 row where id < 0')])
    expect(await rows()).toEqual([1])
    await floe(['branch', table, 'create', 'audit'])
    await append('{"id":2}\n', '--branch', 'audit')
    expect((await floe(['publish', table, '--branch', 'audit', '--none-where', 'id < 0', '--min-rows', '3'])).code).toBe(1)
    const published = await floe(['publish', table, '--branch', 'audit', '--none-where', 'id < 0', '--min-rows', '2'])
    expect([published.code, published.out]).toEqual([0, expect.stringMatching(/^shop\.events: main is at snapshot \d+, published from audit\n$/)])
    expect(await rows()).toEqual([1, 2])
  })
})

async function openTable(): Promise<Awaited<ReturnType<Awaited<ReturnType<typeof openCatalog>>['loadTable']>>> {
  return (await openCatalog(lake)).loadTable('shop.events')
}

describe('floe serve', () => {
  it('serves the tables of a folder until it is interrupted', async () => {
    const controller = new AbortController()
    const port = 20_000 + (process.pid % 20_000)
    const running = floe(['serve', lake, '--port', String(port), '--json'], { signal: controller.signal })
    const remote = await openCatalog(`http://127.0.0.1:${port}`)
    await expect.poll(() => remote.listTables('shop').catch(() => []), { timeout: 10_000 }).toEqual(['shop.events'])
    const served = await remote.loadTable('shop.events')
    await served.append([{ id: 9n }])
    controller.abort()
    expect(await running).toMatchObject({ code: 0 })
    expect(await rows()).toEqual([1, 9])
  })

  it('takes a token, by which the command line reaches it as well, and shows it to nobody', async () => {
    const server = await serveCatalog(lake, { token: 'canary-token' })
    const scan = (): ReturnType<typeof floe> => floe(['scan', `${server.uri}#shop.events`, '--json'])
    try {
      for (const [name, value] of [['FLOE_CATALOG_TOKEN', 'canary-token'], ['FLOE_CATALOG_CREDENTIAL', 'me:canary-token']] as const) {
        vi.stubEnv(name, value)
        expect(await scan()).toMatchObject({ code: 0, out: expect.stringContaining('"id"') as string })
        vi.stubEnv(name, value.replace('token', 'wrong'))
        const refused = await scan()
        expect([refused.code, refused.err.includes('UNAUTHORIZED'), /canary/.test(refused.err + refused.out)]).toEqual([1, true, false])
        vi.unstubAllEnvs()
      }
      expect(await scan()).toMatchObject({ code: 1 })
    } finally {
      await server.close()
    }
  })

  it('says which token file is missing, which port is none, and which property is a secret', async () => {
    const errorOf = async (...args: string[]): Promise<unknown> => {
      const { code, err } = await floe(['serve', lake, ...args, '--json'])
      return [code, (JSON.parse(err) as { readonly error: unknown }).error]
    }
    expect(await errorOf('--token-file', '/nope/token')).toEqual([1, expect.objectContaining({ code: 'NOT_FOUND', file: '/nope/token' })])
    expect(await errorOf('--token-file', lake)).toEqual([1, expect.objectContaining({ code: 'NOT_FOUND', file: lake })])
    expect(await errorOf('--port', '99999')).toEqual([1, expect.objectContaining({ code: 'INVALID' })])
    expect(await errorOf('--client-property', 's3.secret-access-key=canary')).toEqual([1, expect.objectContaining({ code: 'INVALID', message: expect.not.stringContaining('canary') as string })])
  })

  it('refuses to be reached by others without a token', async () => {
    expect(await floe(['serve', lake, '--host', '0.0.0.0'])).toMatchObject({ code: 1, err: expect.stringContaining('give a token') as string })
  })
})
