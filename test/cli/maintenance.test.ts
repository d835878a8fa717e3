import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemRuntime } from '../../src/util/runtime.js'
import { floe } from './run.js'

let folder: string
let lake: string
let table: string
let count = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-upkeep-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function fill(): Promise<void> {
  lake = join(folder, `lake${count++}`)
  table = `${lake}#shop.events`
  const rows = join(folder, 'rows.jsonl')
  writeFileSync(rows, '{"id":1}\n')
  for (let i = 0; i < 3; i++) expect((await floe(['append', table, '--from', rows, '--create'])).code).toBe(0)
}

const json = async (...args: string[]): Promise<unknown> => {
  const { code, out, err } = await floe([...args, '--json'])
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out)
}

describe('floe expire', () => {
  it('tells what would go, and lets it go', async () => {
    await fill()
    expect((await floe(['expire', table])).out).toMatch(/^shop\.events: 0 snapshots expired\n0 files deleted, 0 B\n$/)
    const dry = await floe(['expire', table, '--older-than', '1ms', '--dry-run'])
    expect(dry.out).toMatch(/^shop\.events: 2 snapshots would expire\n2 files would be deleted, .*: 2 manifest-list\n$/)
    expect((await floe(['expire', table, '--older-than', '2999-01-01', '--retain-last', '2'])).out).toMatch(/1 snapshot expired\n1 file deleted/)
    const expired = [expect.stringMatching(/^\d+$/)]
    expect(await json('expire', table, '--older-than', '1ms', '--clean-files', 'none')).toMatchObject({ dry_run: false, expired_snapshots: expired, files: [] })
  })

  it('takes snapshots by their ids', async () => {
    await fill()
    const { out } = await floe(['inspect', table, 'snapshots', '--json'])
    const [, second, head] = [...out.matchAll(/"snapshot_id":"(\d+)"/g)].map(([, id]) => id)
    expect((await floe(['expire', table, '--snapshot', second!, '--json'])).out).toMatch(new RegExp(`"expired_snapshots":\\["${second}"\\]`))
    expect((await floe(['expire', table, '--snapshot', head!])).err).toMatch(/^floe: INVALID: .*main still names it/)
  })

  it.each([[['--older-than', 'soon']], [['--retain-last', '0']], [['--snapshot', 'x']], [['--clean-files', 'some']], [['more']]])('refuses %o', async (args) => {
    expect((await floe(['expire', `${folder}#a.b`, ...args])).code).toBe(2)
  })
})

describe('floe orphans', () => {
  it('tells what would go, and moves it to the trash or lets it go', async () => {
    await fill()
    const place = join(lake, 'shop', 'events', 'data')
    const old = new Date(systemRuntime.now() - 9 * 86_400_000)
    for (const name of ['one.parquet', 'two.parquet']) {
      writeFileSync(join(place, name), 'lost')
      utimesSync(join(place, name), old, old)
    }
    const dry = await floe(['orphans', table, '--dry-run'])
    expect(dry.out).toMatch(/one\.parquet\n.*two\.parquet\nshop\.events: 2 orphan files, 8 B\n$/)
    expect((await floe(['orphans', table, '--older-than', '10d', '--dry-run'])).out).toMatch(/0 orphan files.*2 too young/)
    expect((await floe(['orphans', table, '--older-than', '1h'])).err).toMatch(/^floe: INVALID: .*writers under way/)
    expect(await json('orphans', table, '--trash', '.trash')).toMatchObject({ dry_run: false, removed: [{}, {}], removed_bytes: 8, skipped: [], held_files: [] })
    expect(readdirSync(join(lake, 'shop', 'events', '.trash', 'data'))).toEqual(['one.parquet', 'two.parquet'])
    expect((await floe(['orphans', table, '--older-than', '2020-01-01', '--equal-schemes', 'a,b=s3'])).out).toMatch(/^shop\.events: 0 orphan files deleted, 0 B\n$/)
  })

  it.each([[['--older-than', '7 years']], [['--prefix-mismatch', 'maybe']], [['--equal-schemes', 's3a']], [['more']]])('refuses %o', async (args) => {
    expect((await floe(['orphans', `${folder}#a.b`, ...args])).code).toBe(2)
  })
})
