import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonOf } from '../../src/cli/json-rows.js'
import { floe } from './run.js'

let folder: string
let table: string

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await floe([...args, '--json'], { stdin: '{"id":9007199254740993,"kind":"a"}\n' })
  expect([args.slice(0, 3), code, err.replace(/^floe: created .*\n/, '')]).toEqual([args.slice(0, 3), 0, ''])
  // Outside of texts, no number has digits that JSON.parse would lose.
  expect(out.replace(/"(?:[^"\\]|\\.)*"/g, '""')).not.toMatch(/\d{16}/)
  return JSON.parse(out) as Record<string, unknown>
}

const appended = (...options: string[]): Promise<Record<string, unknown>> => json('append', table, '--input-format', 'jsonl', '--from', '-', ...options)
const digits = expect.stringMatching(/^\d{1,19}$/) as string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-json-'))
  table = `${join(folder, 'lake')}#shop.events`
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('results as JSON', () => {
  it('name snapshots by texts that every verb takes back', async () => {
    const layout = ['--create', '--format-version', '3', '--partition-by', 'id']
    const first = await appended(...layout)
    expect(first).toMatchObject({ snapshot_id: digits, added_records: 1, added_data_files: 1 })
    const second = await appended()
    expect(await json('rollback', table, '--snapshot', first['snapshot_id'] as string)).toMatchObject({ snapshot_id: first['snapshot_id'] })
    expect(await json('cherry-pick', table, '--snapshot', second['snapshot_id'] as string)).toMatchObject({ snapshot_id: second['snapshot_id'] })
    expect(await json('branch', table, 'create', 'audit')).toMatchObject({ snapshot_id: second['snapshot_id'], min_snapshots_to_keep: null })
    expect(await json('tag', table, 'create', 'v1', '--snapshot', first['snapshot_id'] as string)).toMatchObject({ snapshot_id: first['snapshot_id'] })
    await appended('--branch', 'audit')
    const published = await json('publish', table, '--branch', 'audit')
    expect(await json('branch', table)).toMatchObject([{ name: 'main', snapshot_id: published['snapshot_id'] }, { name: 'audit' }])
    expect(await json('plan', table, '--snapshot', published['snapshot_id'] as string)).toMatchObject({ snapshot_id: published['snapshot_id'], records: 3 })
  })

  it('have every 64-bit id and value as text, and counts and sizes as numbers', async () => {
    const [snapshot] = (await json('inspect', table, 'snapshots')) as never as Record<string, unknown>[]
    expect(snapshot).toMatchObject({ snapshot_id: digits, parent_id: null, operation: 'append' })
    const [entry] = (await json('inspect', table, 'entries')) as never as Record<string, unknown>[]
    expect(entry).toMatchObject({
      snapshot_id: digits,
      sequence_number: digits,
      data_file: {
        partition: { id: '9007199254740993' },
        record_count: 1,
        file_size_in_bytes: expect.any(Number) as number,
        first_row_id: digits,
      },
      readable_metrics: { id: { lower_bound: '9007199254740993', value_count: expect.any(Number) as number } },
    })
    await json('maintain', table, '--only', 'statistics')
    const statistics = (await json('inspect', table, 'statistics')) as never as Record<string, unknown>[]
    expect(statistics.filter(({ columns }) => String(columns) === 'kind')).toMatchObject([{ snapshot_id: digits, ndv: 1 }])
  })

  it('keep to that whatever the verb', async () => {
    for (const what of ['history', 'refs', 'metadata-log', 'files', 'manifests', 'partitions', 'all-files', 'all-manifests', 'all-entries']) {
      await json('inspect', table, what)
    }
    expect(await json('update', table, '--where', "kind = 'a'", '--set', 'kind=b')).toMatchObject({ snapshot_id: digits, updated_rows: 3 })
    expect(await json('compact', table, '--rewrite-all')).toMatchObject({ snapshot_ids: [digits], rewritten_data_files: expect.any(Number) as number })
    expect(await json('rewrite-manifests', table, '--all')).toMatchObject({ rewritten_manifests: expect.any(Number) as number })
    expect(await json('fsck', table, '--snapshots', 'all')).toMatchObject({ isSound: true })
    expect(await json('layout', table)).toMatchObject({ snapshot_id: digits })
    expect(await json('expire', table, '--older-than', '1ms', '--dry-run')).toMatchObject({ expired_snapshots: expect.arrayContaining([digits]) as string[] })
    await json('delete', table, '--where', 'id < 0')
  })

  it('tells a type by its form: what is a bigint is text, however small', () => {
    expect(jsonOf([1n, 2n ** 63n - 1n, 1, new Map([['a', 5n]])])).toEqual(['1', '9223372036854775807', 1, new Map([['a', '5']])])
  })
})
