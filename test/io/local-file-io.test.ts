import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync, mkdirSync, readFileSync, linkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { describeFileIO } from '../conformance/file-io.js'

let base = ''
let folders = 0
const folder = (): string => {
  const path = join(base, String(folders++))
  mkdirSync(path)
  return path
}

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'floe local '))
})
afterAll(() => {
  rmSync(base, { recursive: true, force: true })
})

const io = new LocalFileIO({ sync: false })
const abilities = { compareAndSwap: false, emptySegments: false }
describeFileIO('LocalFileIO over a path', () => ({ io, root: folder() }), abilities)
describeFileIO('LocalFileIO over file:///', () => ({ io, root: `file://${folder()}` }), abilities)
describeFileIO('LocalFileIO over file:/, synced', () => ({ io: new LocalFileIO(), root: `file:${folder()}` }), abilities)

describe('local locations', () => {
  it('/a, file:/a, file:///a and file://localhost/a are one place, with nothing decoded', async () => {
    const root = folder()
    await io.write(`${root}/p=a%2Fb/sp ace`, Buffer.from('x'))
    for (const location of [`${root}`, `file:${root}`, `file://${root}`, `file://localhost${root}`, `FILE://${root}`]) {
      expect(Buffer.from(await io.read(`${location}/p=a%2Fb/sp ace`)).toString()).toBe('x')
    }
    expect(readdirSync(root)).toEqual(['p=a%2Fb'])
  })

  it('a percent-encoded URL is another name: nothing guesses', async () => {
    const root = folder()
    await io.write(`${root}/sp ace`, Buffer.from('x'))
    await expect(io.read(pathToFileURL(`${root}/sp ace`).href)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('other schemes, hosts, relative paths and NUL are INVALID', async () => {
    for (const location of ['s3://b/k', 'relative/x', '', 'file:relative', 'file://host/x', '/a\0b', 'c:\\x']) {
      await expect(io.read(location)).rejects.toMatchObject({ code: 'INVALID' })
    }
  })
})

describe('what a crash or another process leaves', () => {
  it('no temporary file stays after success, refusal or a broken stream', async () => {
    const root = folder()
    await io.write(`${root}/a`, Buffer.from('1'), { ifNoneMatch: '*' })
    await io.write(`${root}/a`, Buffer.from('2'))
    await io.write(`${root}/a`, Buffer.from('3'), { ifNoneMatch: '*' }).catch(() => undefined)
    expect(readdirSync(root)).toEqual(['a'])
  })

  it('creation links, so a file that appears between check and naming is never replaced', async () => {
    const root = folder()
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('mine')
      await Promise.resolve()
      writeFileSync(`${root}/v2`, 'theirs')
    }
    await expect(io.write(`${root}/v2`, slow(), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(readFileSync(`${root}/v2`, 'utf8')).toBe('theirs')
    expect(readdirSync(root)).toEqual(['v2'])
  })

  it('a link that was made though its answer was lost counts as made', async () => {
    const root = folder()
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('mine')
      await Promise.resolve()
      // As a network file system that repeats the request: the temporary file has its name already.
      const temporary = readdirSync(root).find((name) => name.endsWith('.tmp'))!
      linkSync(join(root, temporary), join(root, 'v2'))
    }
    await expect(io.write(`${root}/v2`, body(), { ifNoneMatch: '*' })).resolves.toMatchObject({ sizeBytes: 4 })
  })

  it('leftover temporary files are listed, for a clean-up to find', async () => {
    const root = folder()
    writeFileSync(`${root}/.floe-0.tmp`, 'half')
    const listed: string[] = []
    for await (const status of io.list(root)) listed.push(status.location)
    expect(listed).toEqual([`${root}/.floe-0.tmp`])
  })
})

describe('a place where no folder can be made', () => {
  it('is NOT_FOUND behind a link that leads nowhere, for files and for commits', async () => {
    const root = folder()
    symlinkSync(join(root, 'not/mounted'), join(root, 'lake'))
    for (const options of [{}, { ifNoneMatch: '*' }] as const) {
      const written = io.write(`${root}/lake/shop/events/x`, Buffer.from('x'), options)
      await expect(written).rejects.toMatchObject({ name: 'FloeError', code: 'NOT_FOUND', message: expect.stringContaining('cannot be made') as string })
    }
  })

  it('is a typed error below a file', async () => {
    const root = folder()
    writeFileSync(join(root, 'lake'), '')
    await expect(io.write(`${root}/lake/shop/x`, Buffer.from('x'))).rejects.toMatchObject({ name: 'FloeError', code: 'NOT_FOUND' })
  })

  it.skipIf(process.platform !== 'linux')('is a typed error soon below /proc, which answers each making with ENOENT', async () => {
    for (const place of ['/proc/floe-none', '/proc/floe-none/shop/events', '/proc/self/floe-none/shop']) {
      await expect(io.write(`${place}/x`, Buffer.from('x'))).rejects.toMatchObject({ name: 'FloeError', code: 'NOT_FOUND' })
    }
  })
})

it('writers that need the same new folders at the same time all find them', async () => {
  const root = folder()
  for (const store of [io, new LocalFileIO()]) {
    const place = `${root}/${String(store === io)}/a/b/c`
    await Promise.all(Array.from({ length: 16 }, (_, i) => store.write(`${place}/${String(i % 4)}/${i}`, Buffer.from('x'))))
    expect(readdirSync(place).sort()).toEqual(['0', '1', '2', '3'])
  }
})

describe('symbolic links', () => {
  it('files are read through links; linked folders are not walked, so a circle ends', async () => {
    const root = folder()
    mkdirSync(`${root}/t/data`, { recursive: true })
    writeFileSync(`${root}/t/data/f`, 'x')
    symlinkSync(`${root}/t`, `${root}/t/data/loop`)
    symlinkSync(`${root}/t/data/f`, `${root}/t/link`)
    symlinkSync(`${root}/nowhere`, `${root}/t/dangling`)
    const listed: string[] = []
    for await (const status of io.list(`${root}/t`)) listed.push(status.location)
    expect(listed).toEqual([`${root}/t/data/f`, `${root}/t/link`])
    expect(Buffer.from(await io.read(`${root}/t/link`)).toString()).toBe('x')
  })

  it('a listed folder may itself be a link', async () => {
    const root = folder()
    mkdirSync(`${root}/real`)
    writeFileSync(`${root}/real/f`, 'x')
    symlinkSync(`${root}/real`, `${root}/alias`)
    const listed: string[] = []
    for await (const status of io.list(`${root}/alias`)) listed.push(status.location)
    expect(listed).toEqual([`${root}/alias/f`])
  })
})
