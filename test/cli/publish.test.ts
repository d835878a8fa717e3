import { mkdtempSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { floe } from './run.js'
import type { Ran } from './run.js'

let folder: string
let table: string
let count = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-publish-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function append(rows: string, ...options: string[]): Promise<void> {
  const { code, err } = await floe(['append', table, '--create', '--input-format', 'jsonl', '--from', '-', ...options], { stdin: rows })
  expect(err + String(code)).toMatch(/0$/)
}

/** A table with one good row in `main`, and a bad one in `audit`. */
beforeEach(async () => {
  table = `${join(folder, `lake${count++}`)}#shop.events`
  await append('{"id":1,"amount":1.5}\n')
  await append('{"id":2,"amount":-1.5}\n', '--branch', 'audit')
})

const publish = (...options: string[]): Promise<Ran> => floe(['publish', table, '--branch', 'audit', ...options])

async function refs(): Promise<string[]> {
  const listed = [...JSON.parse((await floe(['branch', table, '--json'])).out), ...JSON.parse((await floe(['tag', table, '--json'])).out)] as { name: string }[]
  return listed.map(({ name }) => name)
}

describe('floe publish', () => {
  it.each([
    [['--none-where', 'amount<'], /--none-where "amount<": Cannot read the filter at position 8/],
    [['--none-where', 'id = 9', '--none-where', 'nope = 1'], /--none-where "nope = 1": .*nope/],
    [['--none-where', "amount = 'x'"], /--none-where "amount = 'x'": /],
    [['--none-where', "_file = 'x'"], /--none-where "_file = 'x'": Metadata columns/],
    [['--min-rows', 'x'], /--min-rows takes a whole number from 0 on, not "x"/],
  ])('takes %j for wrong usage, not for a failed check, and leaves the branch its name', async (options, message) => {
    const ran = await publish(...options, '--quarantine', 'bad')
    expect([ran.code, ran.out, ran.err]).toEqual([2, '', expect.stringMatching(message)])
    expect(await refs()).toEqual(['main', 'audit'])
  })

  it('gives a branch that fails its checks the name that it is told to', async () => {
    const ran = await publish('--none-where', 'amount < 0', '--quarantine', 'bad')
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('Not published, bad is kept: 1 row where amount < 0') as string })
    expect(await refs()).toEqual(['main', 'bad'])
  })

  it('leaves a branch its name when its rows could not be looked at, and tells why', async () => {
    const files = JSON.parse((await floe(['inspect', table, 'files', '--ref', 'audit', '--json'])).out) as { file_path: string }[]
    for (const { file_path: path } of files) unlinkSync(path.replace(/^file:\/*/, '/'))
    const ran = await publish('--none-where', 'amount < 0', '--quarantine', 'bad')
    expect(ran).toMatchObject({ code: 1, err: expect.stringMatching(/^floe: NOT_FOUND: /) as string })
    expect(await refs()).toEqual(['main', 'audit'])
  })

  it('goes to a branch that is there, and makes none by a slip of the keyboard', async () => {
    const misspelt = await publish('--to', 'mian')
    expect(misspelt).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^floe: NOT_FOUND: the table has no branch or tag mian: it has main, audit.*shop\.events/) as string })
    expect(await refs()).toEqual(['main', 'audit'])
    await floe(['branch', table, 'create', 'staging'])
    expect(await publish('--to', 'staging')).toMatchObject({ code: 0, out: expect.stringContaining('staging is at snapshot') as string })
  })

  it('refuses a name for the quarantine that is taken, before it looks at the branch', async () => {
    await floe(['tag', table, 'create', 'bad'])
    const ran = await publish('--none-where', 'amount < 0', '--quarantine', 'bad')
    expect(ran).toMatchObject({ code: 1, err: expect.stringMatching(/^floe: ALREADY_EXISTS: bad is the name of a branch or tag already: quarantine audit under another name/) as string })
    expect(await refs()).toEqual(['main', 'audit', 'bad'])
  })

  it('makes main of the first branch of a table without one', async () => {
    table = `${join(folder, `lake${count++}`)}#shop.events`
    await append('{"id":1}\n', '--branch', 'audit')
    expect(await refs()).toEqual(['audit'])
    expect(await publish('--min-rows', '1')).toMatchObject({ code: 0, out: expect.stringContaining('main is at snapshot') as string })
    expect(await refs()).toEqual(['audit', 'main'])
  })
})

it.each(['scan', 'plan', 'changes', 'delete', 'update', 'purge', 'compact'])('floe %s takes a --where that is no filter for wrong usage', async (verb) => {
  const ran = await floe([verb, table, '--where', 'amount<', ...(verb === 'update' ? ['--set', 'amount=1'] : [])])
  expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/^floe: INVALID: --where "amount<": Cannot read the filter/) as string })
})
