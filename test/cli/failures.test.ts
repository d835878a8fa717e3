import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemFailure } from '../../src/cli/system-failure.js'
import { floe } from './run.js'

let folder: string
let table: string
const at = (...names: string[]): string => join(folder, ...names)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-failures-'))
  table = `${at('lake')}#shop.events`
  await floe(['append', table, '--create', '--input-format', 'jsonl', '--from', '-'], { stdin: '{"id":1}\n{"id":2}\n' })
  for (const name of ['rows', 'rows.csv', 'rows.parquet', 'rows.arrow', 'rows.jsonl']) mkdirSync(at(name))
  writeFileSync(at('file'), '')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a file that cannot be used is told of by a code of its own', () => {
  it.each(['rows', 'rows.csv', 'rows.parquet', 'rows.arrow', 'rows.jsonl'])('a folder %s as input', async (name) => {
    expect(await floe(['append', table, '--from', at(name)])).toMatchObject({
      code: 1,
      err: `floe: INVALID: This is a folder: name the files in it (file ${at(name)})\n`,
    })
  })

  it.each(['csv', 'parquet', 'arrow', 'jsonl'])('%s into a folder that is not there, or is a file, of which nothing comes to be', async (format) => {
    for (const parent of ['none', 'file']) {
      const ran = await floe(['scan', table, '-o', at(parent, `rows.${format}`)])
      expect([ran.code, ran.err]).toEqual([1, expect.stringMatching(/^floe: NOT_FOUND: Cannot write the output into this folder: ENO.*\(file .*\)\n$/)])
    }
    expect(existsSync(at('none'))).toBe(false)
  })

  it('a page, a cursor and a report into a folder that is not there, before anything else is done', async () => {
    expect((await floe(['layout', table, '-o', at('none/page.html')])).err).toMatch(/^floe: NOT_FOUND: Cannot write the output/)
    expect(await floe(['changes', table, '--cursor-file', at('none/cursor')])).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^floe: NOT_FOUND: /) as string })
    const purged = await floe(['purge', table, '--where', 'id = 1', '--report', at('none/report.json')])
    expect(purged).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^floe: NOT_FOUND: /) as string })
    expect((await floe(['scan', table, '--limit', '9'])).out.split('\n')).toHaveLength(3)
  })

  it('a token file that is not there, and one that is a folder', async () => {
    for (const name of ['none', 'rows']) {
      expect((await floe(['serve', at('lake'), '--token-file', at(name)])).err).toMatch(/^floe: NOT_FOUND: Cannot read the token file: E.*\(file /)
    }
    writeFileSync(at('file'), ' \n')
    expect(await floe(['serve', at('lake'), '--token-file', at('file')])).toMatchObject({ code: 2 })
  })

  it('any other failure of the system, by what could not be done', () => {
    const failed = (code: string, path?: string): unknown => {
      const error = Object.assign(new Error(`${code}: no luck, open`), { code, syscall: 'open', path })
      return { code: systemFailure(error)!.code, message: systemFailure(error)!.message }
    }
    expect(failed('EACCES', '/x')).toEqual({ code: 'UNAUTHORIZED', message: 'Cannot open: EACCES: no luck (file /x)' })
    expect(failed('EMFILE', '/x')).toEqual({ code: 'UNAVAILABLE', message: 'Cannot open: EMFILE: no luck (file /x)' })
    expect(failed('ENOSPC')).toEqual({ code: 'UNAVAILABLE', message: 'Cannot open: ENOSPC: no luck, open' })
    expect([new TypeError('x is undefined'), 'text', undefined].map((error) => systemFailure(error))).toEqual([undefined, undefined, undefined])
  })
})

describe('a catalog', () => {
  it.each(['serve', 'doctor'])('is not a table of one: floe %s refuses it, and leaves no folder of that name', async (verb) => {
    const { code, out, err } = await floe([verb, table])
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(/^floe: INVALID: Name a catalog to (?:serve|try), .*, not a table of one, ".*lake#shop\.events"\n/)])
    expect(readdirSync(folder).filter((name) => name.includes('#'))).toEqual([])
  })
})
