import { mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { floe } from './run.js'

let folder: string
let table: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-health-'))
  table = `${join(folder, 'lake')}#shop.people`
  writeFileSync(join(folder, 'a.jsonl'), '{"id":1,"email":"ada@example.org"}\n{"id":2,"email":"bob@example.org"}\n')
  writeFileSync(join(folder, 'b.jsonl'), '{"id":3,"email":"eve@example.org"}\n')
  for (const name of ['a', 'b']) expect((await floe(['append', table, '--from', join(folder, `${name}.jsonl`), '--create'])).code).toBe(0)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('floe purge', () => {
  it('tells what it would do, does it, and writes a report that names no key', async () => {
    const dry = await floe(['purge', table, '--where', "email = 'bob@example.org'", '--dry-run'])
    expect(dry.out).toMatch(/^main: 1 row would be removed, 1 file would be rewritten\n/)
    expect(dry.code).toBe(0)
    const report = join(folder, 'report.json')
    const done = await floe(['purge', table, '--where', "email = 'bob@example.org'", '--report', report])
    expect(done.out).toMatch(/Nothing is left of them\.\nsha256 [0-9a-f]{64}\n$/)
    expect(done.code).toBe(0)
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ isErased: true, held: [] })
    expect(readFileSync(report, 'utf8')).not.toContain('bob@')
    expect((await floe(['scan', table, '--select', 'id'])).out.split('\n').filter((line) => line !== '')).toHaveLength(2)
  })

  it('fails while something holds the rows', async () => {
    writeFileSync(join(folder, 'lake/shop/people/data/copy.txt'), 'eve@example.org')
    const held = await floe(['purge', table, '--where', "email = 'eve@example.org'"])
    expect(held.out).toMatch(/held: object .*copy\.txt, in its bytes: .*until 20/)
    expect(held.code).toBe(1)
    unlinkSync(join(folder, 'lake/shop/people/data/copy.txt'))
    expect((await floe(['purge', table])).code).toBe(2)
  })
})

describe('floe fsck', () => {
  it('exits with 0 for a sound table, with 1 for one with errors, and mends it when told what to give up', async () => {
    const sound = await floe(['fsck', table, '--data', 'all', '--snapshots', 'all'])
    expect([sound.code, sound.err]).toEqual([0, ''])
    const files = JSON.parse((await floe(['inspect', table, 'files', '--json'])).out) as { file_path: string }[]
    unlinkSync(files[0]!.file_path.replace(/^file:\/*/, '/'))
    const broken = await floe(['fsck', table])
    expect(broken.out).toMatch(/^error file-missing: The file is gone$/m)
    expect([broken.code, broken.err]).toEqual([1, expect.stringContaining('CORRUPT') as unknown])
    expect((await floe(['fsck', table, '--repair'])).code).toBe(1)
    const mended = await floe(['fsck', table, '--repair', '--drop-missing-files', '--json'])
    expect(mended.code).toBe(0)
    const result = JSON.parse(mended.out) as { repair: { branches: { lostRows: number }[] }; after: { isSound: boolean } }
    expect(result.repair.branches[0]!.lostRows).toBe(1)
    expect(result.after.isSound).toBe(true)
  })

  it.each([['--data', 'most'], ['--sample-rate', '2'], ['--dry-run']])('refuses %s %s', async (...args) => {
    expect((await floe(['fsck', table, ...args])).code).toBe(2)
  })
})
