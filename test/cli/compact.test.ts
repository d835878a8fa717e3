import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { floe } from './run.js'

let folder: string
let table: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-'))
  table = `${join(folder, 'lake')}#shop.stock`
  for (let i = 0; i < 5; i++) {
    const file = join(folder, `${i}.csv`)
    writeFileSync(file, `region,id\neu,${i * 2}\nus,${i * 2 + 1}\n`)
    await floe(['append', table, '--from', file, '--create'])
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rows = async (): Promise<string[]> => (await floe(['scan', table])).out.trim().split('\n').sort()

describe('floe compact', () => {
  it('tells what it would do, prints plans, and compacts', async () => {
    const before = await rows()
    expect((await floe(['compact', table, '--dry-run'])).out).toMatch(/^Would compact 5 files of [\d.]+ KiB in 1 group of .* by binpack; 0 files stay/)
    expect(JSON.parse((await floe(['compact', table, '--print-plan'])).out)).toMatchObject({ strategy: 'binpack', inputFiles: 5, inputRows: 10 })
    const { code, out } = await floe(['compact', table])
    expect([code, out]).toEqual([0, expect.stringMatching(/^Compacted .*: 5 files of .* into 1 of .*, 10 rows, in .*\nSnapshot \d+\n$/)])
    expect((await floe(['compact', table])).out).toMatch(/^Nothing to compact in .*: 1 file looked at\n$/)
    expect(await rows()).toEqual(before)
  })

  it('orders rows, and tells what that gained', async () => {
    await floe(['delete', table, '--where', 'id = 3', '--mode', 'merge-on-read'])
    const sorted = await floe(['compact', table, '--strategy', 'sort', '--sort-by', 'region desc, id', '--rewrite-all'])
    expect(sorted.out).toMatch(/Deletes applied: 1 row dropped, 1 delete file removed\nClustered by region, id: overlap depth/)
    expect((await floe(['scan', table, '--limit', '2'])).out).toBe('{"region":"us","id":"1"}\n{"region":"us","id":"5"}\n')
    const json = await floe(['compact', table, '--strategy', 'hilbert', '--columns', 'id,region', '--rewrite-all', '--target-file-size', '64MB', '--json'])
    expect(JSON.parse(json.out)).toMatchObject({ strategy: 'hilbert', rewritten_data_files: 1, added_data_files: 1, rows: 9, failed_groups: [] })
  })

  it.each([
    [['--strategy', 'best'], '--strategy is one of'],
    [['--strategy', 'zorder'], 'needs --columns'],
    [['--sort-by', 'id'], '--sort-by goes with'],
    [['--columns', 'id'], '--columns goes with'],
    [['--target-file-size', '12 parsecs'], '--target-file-size takes a size'],
    [['--delete-ratio-threshold', '2'], '--delete-ratio-threshold takes a share'],
  ])('tells how %j is used', async (args, message) => {
    const { code, err } = await floe(['compact', table, ...args])
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })
})
