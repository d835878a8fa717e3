import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { floe } from './run.js'

let folder: string
let table: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-maintain-'))
  table = `${join(folder, 'lake')}#shop.events`
  const rows = join(folder, 'rows.jsonl')
  writeFileSync(rows, '{"id":1,"kind":"a"}\n{"id":2,"kind":"b"}\n')
  for (let i = 0; i < 9; i++) expect((await floe(['append', table, '--from', rows, '--create', '--partition-by', 'kind'])).code).toBe(0)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('floe maintain', () => {
  it('tells of each task what it would do and why, does it, and then has nothing to do', async () => {
    const dry = await floe(['maintain', table, '--dry-run', '--json'])
    expect(dry.code).toBe(0)
    const { steps } = JSON.parse(dry.out) as { readonly steps: readonly { readonly task: string; readonly status: string }[] }
    expect(steps.map(({ status }) => status)).toEqual(['planned', ...Array<string>(2).fill('not-needed'), 'planned', ...Array<string>(4).fill('not-needed')])
    const first = await floe(['maintain', table, '--only', 'compaction,manifests', '--statistics-columns', 'kind'])
    expect(first.out).toMatch(/^compaction +done +18 data files of 18, .*: 18 data files became 2, 0 deleted rows dropped \(/)
    expect(first.code).toBe(0)
    const second = await floe(['maintain', table, '--skip', 'statistics', '--skip', 'orphans'])
    expect(second.out.split('\n').filter((line) => /^[a-z-]+ +no need /.test(line))).toHaveLength(8)
    expect((await floe(['maintain', table, '--only', 'statistics'])).out).toMatch(/statistics +no need +those of the current snapshot are there/)
    expect((await floe(['inspect', table, 'statistics'])).out).toMatch(/kind +2 /)
  })

  it.each([[['--only', 'nothing']], [['more']]])('refuses %o', async (args) => {
    expect((await floe(['maintain', table, ...args])).code).toBe(2)
  })
})

describe('floe rewrite-manifests', () => {
  it('tells what would be rewritten, and rewrites it', async () => {
    const rows = join(folder, 'rows.jsonl')
    for (let i = 0; i < 3; i++) await floe(['append', table, '--from', rows])
    expect((await floe(['rewrite-manifests', table, '--dry-run'])).out).toMatch(/^shop\.events: \d manifests would become about 1, /)
    expect((await floe(['rewrite-manifests', table, '--cluster-by', 'kind'])).out).toMatch(/became 1, 0 kept; 8 entries moved.*\n {2}data, spec 0: .* fit into 1.*reads/)
    const again = await floe(['rewrite-manifests', table, '--json'])
    expect(JSON.parse(again.out)).toMatchObject({ rewritten_manifests: 0, snapshot_id: null })
    expect((await floe(['rewrite-manifests', table, '--cluster-by', 'day'])).err).toMatch(/^floe: INVALID: clusterBy names "day"/)
  })
})
