import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { floe } from './run.js'

let folder: string
let table: string

const ids = async (): Promise<unknown> => JSON.parse((await floe(['inspect', table, 'refs', '--json'])).out)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-refs-'))
  table = `${join(folder, 'lake')}#shop.events`
  const append = (): Promise<unknown> => floe(['append', table, '--create', '--input-format', 'jsonl', '--from', '-'], { stdin: '{"id":1}\n' })
  await append()
  await floe(['branch', table, 'create', 'audit'])
  await floe(['tag', table, 'create', 'v1'])
  await append()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it.each([
  [['branch', 'replace', 'audit'], 'Say where to move "audit": --snapshot ID, or --ref NAME'],
  [['tag', 'replace', 'v1'], 'Say where to move "v1": --snapshot ID, or --ref NAME'],
  [['tag', 'create', 'v2', '--max-snapshot-age', '5d'], '--max-snapshot-age is for branches: a tag has one snapshot, kept by --max-ref-age'],
  [['tag', 'retain', 'v1', '--min-snapshots-to-keep', '5'], '--min-snapshots-to-keep is for branches'],
  [['branch', 'retain', 'main', '--max-ref-age', '5d'], '--max-ref-age is not for main, which never expires'],
  [['branch', 'retain', 'audit'], 'Say how long to keep "audit": --min-snapshots-to-keep, --max-snapshot-age, --max-ref-age'],
  [['tag', 'retain', 'v1'], 'Say how long to keep "v1": --max-ref-age'],
  [['branch', 'replace', 'audit', '--ref', 'main', '--max-ref-age', '5d'], '--max-ref-age does not go with floe branch <table> replace'],
  [['branch', 'drop', 'audit', '--snapshot', '1'], '--snapshot does not go with floe branch <table> drop'],
  [['tag', 'list', '--ref', 'main'], '--ref does not go with floe tag <table> list'],
  [['tag', 'create', 'v2', '--ref', 'main', '--snapshot', '1'], 'Give --snapshot or --ref, not both'],
] as const)('floe %j is wrong usage, told in the words of the options, and changes nothing', async ([verb, ...args], message) => {
  const before = await ids()
  const { code, out, err } = await floe([verb, table, ...args])
  expect([code, out, err]).toEqual([2, '', expect.stringContaining(`floe: INVALID: ${message}`)])
  expect(await ids()).toEqual(before)
})

it('retain takes a branch for a branch only, and a tag for a tag', async () => {
  expect((await floe(['branch', table, 'retain', 'v1', '--max-snapshot-age', '5d'])).err).toMatch(/^floe: INVALID: v1 is a tag, not a branch/)
  expect((await floe(['tag', table, 'retain', 'audit', '--max-ref-age', '5d'])).err).toMatch(/^floe: INVALID: audit is a branch, not a tag/)
  expect((await floe(['tag', table, 'retain', 'none', '--max-ref-age', '5d'])).err).toMatch(/^floe: NOT_FOUND: /)
  expect((await floe(['tag', table, 'retain', 'v1', '--max-ref-age', '5d'])).code).toBe(0)
  expect(await ids()).toMatchObject([{}, {}, { name: 'v1', max_reference_age_in_ms: 432_000_000 }])
})

it('replace moves a branch to what it is told', async () => {
  expect((await floe(['branch', table, 'replace', 'audit', '--ref', 'main'])).code).toBe(0)
  const [main, audit] = (await ids()) as { name: string; snapshot_id: string }[]
  expect([audit!.name, audit!.snapshot_id]).toEqual(['audit', main!.snapshot_id])
})
