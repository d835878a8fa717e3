import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { floe } from './run.js'

let folder: string
let table: string

async function append(content: string): Promise<void> {
  const path = join(folder, 'rows.jsonl')
  writeFileSync(path, content)
  const { code, err } = await floe(['append', table, '--from', path, '--create'])
  expect(err + String(code)).toMatch(/0$/)
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'floe-changes-'))
  table = `${join(folder, 'lake')}#shop.events`
  await append('{"id":1,"kind":"a"}\n{"id":2,"kind":"b"}\n')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('floe changes', () => {
  it('prints changes as JSON lines, and the cursor to stderr, from which a later call goes on', async () => {
    const first = await floe(['changes', table, '--keys', 'id', '--select', 'id,kind'])
    expect(first.code).toBe(0)
    expect(first.out.trimEnd().split('\n').map((line) => (JSON.parse(line) as { id: string; _change_type: string })._change_type)).toEqual(['INSERT', 'INSERT'])
    const cursor = /^cursor: (\{.*\})$/m.exec(first.err)![1]!
    expect((await floe(['changes', table, '--since', cursor])).out).toBe('')
    expect((await floe(['update', table, '--where', 'id = 2', '--set', 'kind=c'])).code).toBe(0)
    const next = await floe(['changes', table, '--since', cursor, '--keys', 'id', '--format', 'csv', '--select', 'id,kind'])
    expect(next.out.split('\r\n').map((line) => line.split(',').slice(0, 3).join())).toEqual([
      'id,kind,_change_type',
      '2,b,UPDATE_BEFORE',
      '2,c,UPDATE_AFTER',
      '',
    ])
    const net = await floe(['changes', table, '--net', '--keys', 'id', '--where', "kind = 'c'", '--format', 'csv', '--select', 'id'])
    expect(net.out).toMatch(/^id,_change_type,_change_ordinal,_commit_snapshot_id\r\n2,INSERT,1,\d+\r\n$/)
  })

  it('keeps its cursor in a file, and starts there when it is called again', async () => {
    const file = join(folder, 'cursor.json')
    expect((await floe(['changes', table, '--cursor-file', file])).out).not.toBe('')
    const stored = readFileSync(file, 'utf8')
    const again = await floe(['changes', table, '--cursor-file', file])
    expect([again.out, again.err, readFileSync(file, 'utf8')]).toEqual(['', '', stored])
    await append('{"id":3,"kind":"d"}\n')
    expect((await floe(['changes', table, '--cursor-file', file])).out).toMatch(/^\{"id":"3","kind":"d","_change_type":"INSERT","_change_ordinal":0,/)
    writeFileSync(file, stored.replace(/"snapshotId":"\d+"/, '"snapshotId":"5"'))
    const stale = await floe(['changes', table, '--cursor-file', file])
    expect(stale.code).toBe(1)
    expect(stale.err).toMatch(/^floe: NOT_FOUND: Snapshot 5 has expired or never was/)
  })

  it('refuses contradictions as wrong usage', async () => {
    for (const args of [['--from', 'main', '--since', '{}'], ['--select', 'a,,b'], ['--from', '2024-13-99']]) {
      expect((await floe(['changes', table, ...args])).code).toBe(2)
    }
    expect((await floe(['changes', table, '--since', '{}'])).code).toBe(1)
    expect((await floe(['help', 'changes'])).out).toContain('--cursor-file')
  })
})
