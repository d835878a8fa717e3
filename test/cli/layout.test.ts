import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openCatalog, schema, t } from '../../src/index.js'
import { floe } from './run.js'

let folder = ''
let metadataFile = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'floe-layout-'))
  const lake = await openCatalog(folder)
  const table = await lake.createTable('a.b', { schema: schema({ id: t.long }) })
  await table.append([{ id: 1n }, { id: 2n }])
  metadataFile = table.metadataLocation
  await lake.close()
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

it('floe layout writes the page to standard output, or to a file that it names', async () => {
  const printed = await floe(['layout', `${folder}#a.b`])
  expect(printed).toMatchObject({ code: 0, err: '' })
  expect(printed.out).toMatch(/^<!doctype html>[\s\S]*<h1>a\.b<\/h1>[\s\S]*<\/html>\n$/)
  const place = join(folder, 'layout.html')
  expect(await floe(['layout', `${folder}#a.b`, '-o', place])).toMatchObject({ code: 0, out: '' })
  expect(readFileSync(place, 'utf8')).toContain('<h1>a.b</h1>')
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

it('floe layout --json prints the measures, members named as in metadata tables', async () => {
  const { code, out } = await floe(['layout', metadataFile.replace('file://', ''), '--json'])
  expect(code).toBe(0)
  const layout = JSON.parse(out) as { totals: unknown; snapshot_id: string; columns: unknown }
  expect(layout.totals).toMatchObject({ data_files: 1, rows: 2, partitions: 1 })
  expect(layout.columns).toMatchObject({ total: 1, measured: [{ column: 'id', files_with_bounds: 1 }] })
})

it('floe layout takes one table, and one state of it', async () => {
  expect(await floe(['layout', folder, 'more'])).toMatchObject({ code: 2 })
  expect(await floe(['layout', folder, '--ref', 'main', '--snapshot', '1'])).toMatchObject({ code: 2 })
  expect(await floe(['layout', `${folder}#a.b`, '--ref', 'never'])).toMatchObject({ code: 1 })
})
