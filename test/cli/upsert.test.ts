import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { floe } from './run.js'

let folder: string
let count = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(content: string): string {
  const path = join(folder, `${count++}.csv`)
  writeFileSync(path, content)
  return path
}

async function tableOf(): Promise<string> {
  const table = `${join(folder, `lake${count++}`)}#shop.stock`
  await floe(['append', table, '--from', file('region,id,n\neu,1,10\neu,2,20\nus,1,30\n'), '--create'])
  return table
}

const rows = async (table: string): Promise<string[]> => (await floe(['scan', table])).out.trim().split('\n').sort()
const row = (region: string, id: number, n: number): string => JSON.stringify({ region, id: String(id), n: String(n) })

describe('floe upsert', () => {
  it('replaces rows by key, inserts the others, and says how many of each', async () => {
    const table = await tableOf()
    const { code, out } = await floe(['upsert', table, '--from', file('region,id,n\neu,2,99\nus,9,90\n'), '--key', 'region,id'])
    expect([code, out]).toEqual([0, expect.stringMatching(/1 row updated, 1 row inserted: snapshot \d+/)])
    expect(await rows(table)).toEqual([row('eu', 1, 10), row('eu', 2, 99), row('us', 1, 30), row('us', 9, 90)])
    const again = ['upsert', table, '--from', file('region,id,n\neu,2,99\n'), '--key', 'region', '--key', 'id', '--skip-unchanged', '--json']
    expect(JSON.parse((await floe(again)).out)).toMatchObject({ updated_rows: 0, inserted_rows: 0, snapshot_id: null })
    const dry = ['upsert', table, '--from', file('region,id,n\neu,2,1\n'), '--key', 'region,id', '--dry-run', '--spill-directory', folder, '--json']
    expect(JSON.parse((await floe(dry)).out)).toMatchObject({ updated_rows: 1, dry_run: true })
    expect(await rows(table)).toHaveLength(4)
    expect(readdirSync(folder).filter((name) => name.startsWith('floe-spill'))).toEqual([])
  })

  it('names keys that are doubled or missing, and tells how it is used', async () => {
    const table = await tableOf()
    const doubled = await floe(['upsert', table, '--from', file('region,id,n\neu,1,1\nus,1,2\n'), '--key', 'id'])
    expect([doubled.code, doubled.err]).toEqual([1, expect.stringMatching(/^floe: INVALID: .*id = 1 more than once/)])
    expect((await floe(['upsert', table, '--from', file('region,id,n\neu,1,1\n')])).err).toMatch(/no identifier fields/)
    expect((await floe(['upsert', table, '--key', 'id'])).code).toBe(2)
    expect((await floe(['upsert', table, '--from', 'x', '--key', 'id,'])).code).toBe(2)
    expect((await floe(['upsert', '--help'])).out).toMatch(/^Usage: floe upsert/)
    expect(await rows(table)).toHaveLength(3)
  })
})
