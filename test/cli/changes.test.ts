import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { floe } from './run.js'

let folder: string
let table: string
let count = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const CSV = 'id,day,kind,amount\n1,2024-01-01,click,1.5\n2,2024-01-01,view,2\n3,2024-01-02,click,\n4,2024-01-02,view,4\n'

beforeEach(async () => {
  table = `${join(folder, `lake${count++}`)}#shop.events`
  const made = await floe(['append', table, '--from', file('events.csv', CSV), '--create', '--partition-by', 'day', '--format-version', '3'])
  expect([made.code, made.err]).toEqual([0, expect.stringContaining('created')])
})

async function rows(...options: string[]): Promise<string[]> {
  const { out } = await floe(['scan', table, ...options])
  return out.split('\n').filter((line) => line !== '').sort()
}

const row = (id: number, day: number, kind: string | null, amount: string | null): string =>
  JSON.stringify({ id: String(id), day, kind, amount })

describe('floe delete', () => {
  it('deletes what the filter selects, and says how many rows that were', async () => {
    const { code, out } = await floe(['delete', table, '--where', "kind = 'click'"])
    expect([code, out]).toEqual([0, expect.stringMatching(/^Changed shop\.events: 2 rows deleted: snapshot \d+\n$/)])
    expect(await rows()).toEqual([row(2, 19723, 'view', '2'), row(4, 19724, 'view', '4')])
    expect((await floe(['delete', table, '--where', "kind = 'click'"])).out).toBe('Nothing to do in shop.events: no rows\n')
    expect((await floe(['delete', table, '--all'])).out).toMatch(/2 rows deleted/)
    expect(await rows()).toEqual([])
  })

  it('with --dry-run and --json tells exact counts and changes nothing', async () => {
    const { out } = await floe(['delete', table, '--where', 'id < 4', '--dry-run', '--json'])
    expect(JSON.parse(out)).toMatchObject({ table: 'shop.events', snapshot_id: null, dry_run: true, deleted_rows: 3, updated_rows: 0 })
    expect(await rows()).toHaveLength(4)
    const done = await floe(['delete', table, '--where', 'id < 4', '--mode', 'merge-on-read', '--json'])
    expect(JSON.parse(done.out)).toMatchObject({ dry_run: false, deleted_rows: 3, removed_data_files: 1, added_delete_files: 1 })
    expect(await rows()).toEqual([row(4, 19724, 'view', '4')])
  })

  it('changes a branch alone, and once for one token', async () => {
    const args = ['delete', table, '--where', 'id = 1', '--branch', 'audit', '--idempotency-token', 't']
    expect((await floe(args)).out).toMatch(/1 row deleted/)
    expect((await floe(args)).out).toMatch(/^Nothing to do: the token belongs to snapshot/)
    expect(await rows()).toHaveLength(4)
    expect(await rows('--ref', 'audit')).toHaveLength(3)
  })

  it('refuses to guess which rows are meant', async () => {
    for (const args of [['delete', table], ['delete', table, '--all', '--where', 'id = 1'], ['update', table, '--set', 'id=1'], ['update', table, '--all']]) {
      expect((await floe(args)).code, args.join(' ')).toBe(2)
    }
    expect((await floe(['delete', table, '--where', 'id = 1', '--mode', 'none'])).code).toBe(2)
    expect((await floe(['delete', table, '--where', 'nope = 1'])).err).toMatch(/^floe: NOT_FOUND: .*nope/)
    expect(await rows()).toHaveLength(4)
  })
})

describe('floe update', () => {
  it('sets values in the forms that columns have', async () => {
    const set = ['--set', "kind='it''s'", '--set', 'amount=2.25', '--set', 'day=2024-02-01']
    const { code, out } = await floe(['update', table, '--where', 'id >= 3', ...set])
    expect([code, out]).toEqual([0, expect.stringMatching(/^Changed shop\.events: 2 rows updated: snapshot \d+\n$/)])
    await floe(['update', table, '--where', 'id = 1', '--set', 'kind=null', '--set', 'amount=NULL'])
    expect(await rows()).toEqual([
      row(1, 19723, null, null), row(2, 19723, 'view', '2'), row(3, 19754, "it's", '2.25'), row(4, 19754, "it's", '2.25'),
    ])
  })

  it('names the column whose value does not fit', async () => {
    const { code, err } = await floe(['update', table, '--all', '--set', 'amount=much'])
    expect([code, err]).toEqual([1, expect.stringMatching(/^floe: INVALID: expected double.*found string "much".*column amount/)])
    expect((await floe(['update', table, '--all', '--set', '=1'])).code).toBe(2)
    expect((await floe(['update', table, '--all', '--set', 'id={'])).code).toBe(2)
  })
})

describe('floe overwrite', () => {
  const fresh = (): string => file('fresh.jsonl', '{"id":"9","day":"2024-01-02","kind":"new","amount":1}\n')

  it('replaces every row, those of a filter, or the partitions of the new rows', async () => {
    expect((await floe(['overwrite', table, '--from', fresh(), '--partitions'])).out).toMatch(/^Overwrote shop\.events: 2 rows deleted, 1 row inserted/)
    expect(await rows()).toEqual([row(1, 19723, 'click', '1.5'), row(2, 19723, 'view', '2'), row(9, 19724, 'new', '1')])
    expect((await floe(['overwrite', table, '--from', fresh(), '--where', 'id = 1'])).out).toMatch(/1 row deleted, 1 row inserted/)
    expect(await rows()).toHaveLength(3)
    expect((await floe(['overwrite', table, '--from', fresh()])).out).toMatch(/3 rows deleted, 1 row inserted/)
    expect(await rows()).toEqual([row(9, 19724, 'new', '1')])
  })

  it('refuses new rows that the filter would not find again, when asked to', async () => {
    const { code, err } = await floe(['overwrite', table, '--from', fresh(), '--where', 'id = 1', '--require-match'])
    expect([code, err]).toEqual([1, expect.stringMatching(/INVALID: row 0: the filter of the overwrite does not select it: id: 9/)])
    expect((await floe(['overwrite', table, '--from', fresh(), '--where', 'id = 1', '--partitions'])).code).toBe(2)
    expect((await floe(['overwrite', table])).code).toBe(2)
    expect(await rows()).toHaveLength(4)
  })
})
