import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FileIO } from '../../src/io/file-io.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { checkLocation } from '../../src/io/location-check.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { guardPrefixes } from '../../src/io/prefix-guard.js'
import { FloeError } from '../../src/util/errors.js'

const table = { prefixes: ['s3://b/w/t', 'file:///w/t'] }

const verdict = (location: string, rules: Parameters<typeof checkLocation>[1] = table): string => {
  try {
    checkLocation(location, rules)
    return 'allowed'
  } catch (error) {
    return error instanceof FloeError ? error.code : `untyped ${String(error)}`
  }
}

describe('locations of a hostile table', () => {
  for (const [reason, locations] of Object.entries({
    'dot segments, as URL parsers resolve them': ['file:///w/t/../../etc/passwd', 's3://b/w/t/../x', 's3://b/w/t/./x', '/w/t/..', 's3://b/w/t/data/../../x'],
    'encoded dot segments': ['s3://b/w/t/%2e%2e/x', 's3://b/w/t/%2E%2e/x', 's3://b/w/t/.%2e/x', 's3://b/w/t/%252e%252e/x', 's3://b/w/t/%25252e%2e/x'],
    'encoded slashes': ['s3://b/w/t/..%2f../x', 's3://b/w/t/a%2fb', 's3://b/w/t/a%252Fb'],
    'a partition folder whose decoded value leads out': ['s3://b/w/t/p=x%2f..%2f..%2f..%2fsecret', 's3://b/w/t/data/p=%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e/x'],
    'NUL': ['s3://b/w/t/a\0', 's3://b/w/t/%00', 's3://b/w/t/a%00b'],
    'backslashes': ['s3://b/w/t\\..\\x', 's3://b/w/t/%5c..%5c..', 'file:///w/t/a\\b'],
    'a user name': ['s3://user@b/w/t/x', 's3://user:pw@b/w/t/x', 's3://b@evil/w/t/x'],
    'another bucket or host': ['s3://b2/w/t/x', 's3://B/w/t/x', 's3://b:443/w/t/x', 's3://b%2fx/w/t/x', 'file://host/w/t/x', 'gs://b/w/t/x'],
    'a namesake of the folder': ['s3://b/w/t2/x', 's3://b/w/t.bak', 's3://b/w', 's3://b/', 's3://b'],
    'http, also to the metadata service of a cloud': ['http://b/w/t/x', 'https://evil/x.parquet', 'http://169.254.169.254/latest', 'http://[fd00:ec2::254]/', 'http://2852039166/'],
    'another scheme than the prefix': ['/etc/passwd', 'file:/etc/passwd', 'file:///etc/passwd', 'memory:/w/t/x', 'data:text/plain,x'],
    'no location at all': ['', 'x', 'w/t/x', '../x', '//b/w/t/x'],
  })) {
    it(`${reason}: INVALID`, () => {
      for (const location of locations) expect(`${location} ${verdict(location)}`).toBe(`${location} INVALID`)
    })
  }

  it('what engines write into a table is allowed', () => {
    for (const location of [
      's3://b/w/t',
      's3://b/w/t/metadata/v1.metadata.json',
      's3a://b/w/t/data/x',
      's3n://b/w/t/data/x',
      's3://b/w/t/data/p=a%2Fb/x',
      's3://b/w/t/data/p=%2E%2E/x',
      's3://b/w/t/data/p=..%2F/x',
      's3://b/w/t/data/p=100%25/q=%00/x y/ü#?',
      's3://b/w/t/data/p=a%5Cb/x',
      's3://b/w/t/data/p=../x',
      's3://b/w/t/100%/a%zz',
      's3://b/w/t//double',
      '/w/t/x',
      'file:/w/t/x',
      'file:///w/t/x',
      'file://localhost/w/t/x',
    ]) {
      expect(`${location} ${verdict(location)}`).toBe(`${location} allowed`)
    }
  })

  it('file: is refused to a table whose prefixes are remote, and s3: to a local one', () => {
    expect(verdict('file:///b/w/t/x', { prefixes: ['s3://b/w/t'] })).toBe('INVALID')
    expect(verdict('s3://w/t/x', { prefixes: ['/w/t'] })).toBe('INVALID')
  })

  it('http counts only when it is opted in, and then only below its prefix', () => {
    const rules = { prefixes: ['https://h/w'], allowHttp: true }
    expect(verdict('https://h/w/x', rules)).toBe('allowed')
    for (const location of ['https://h/w/%2e%2e/x', 'https://h2/w/x', 'http://h/w/x', 'https://u@h/w/x', 'https://h:8443/w/x']) {
      expect(verdict(location, rules)).toBe('INVALID')
    }
  })

  it('a user name or an escape in the host part is refused even when a prefix has it', () => {
    for (const prefix of ['s3://user@b/w', 's3://b%2e/w']) expect(verdict(`${prefix}/x`, { prefixes: [prefix] })).toBe('INVALID')
  })

  it('a prefix with escapes in its own name is compared as written', () => {
    const rules = { prefixes: ['s3://b/a%20b/p=x%2Fy'] }
    expect(verdict('s3://b/a%20b/p=x%2Fy/f', rules)).toBe('allowed')
    expect(verdict('s3://b/a b/p=x/y/f', rules)).toBe('INVALID')
  })

  it('the message is bounded and shows control characters escaped', () => {
    const hostile = `s3://evil/\u001b[2J${'x'.repeat(100_000)}`
    try {
      checkLocation(hostile, table)
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(2000)
    }
  })
})

describe('the guard around a store', () => {
  it('nothing is sent for a refused location, whatever the operation', async () => {
    const sent: string[] = []
    const spy = new Proxy({} as FileIO, {
      get: (_, name) => (): never => {
        sent.push(String(name))
        throw new Error('reached the store')
      },
    })
    const io = guardPrefixes(spy, { prefixes: ['s3://b/w/t'] })
    const evil = 'https://evil/x.parquet'
    const drain = async (items: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of items) expect.unreachable()
    }
    for (const call of [
      (): Promise<unknown> => io.read(evil),
      (): Promise<unknown> => io.readMany(evil, [{ offset: 0, length: 1 }]),
      (): Promise<unknown> => io.write(evil, new Uint8Array(1)),
      (): Promise<unknown> => io.head(evil),
      (): Promise<unknown> => io.delete(['s3://b/w/t/fine', evil]),
      (): Promise<unknown> => drain(io.list(evil)),
      (): Promise<unknown> => drain(io.listFolder!(evil)),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'INVALID' })
    }
    expect(sent).toEqual([])
  })

  let base = ''
  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), 'floe-guard-'))
    mkdirSync(`${base}/t/data`, { recursive: true })
    mkdirSync(`${base}/outside`)
    writeFileSync(`${base}/outside/secret`, 'secret')
    writeFileSync(`${base}/t/data/f`, 'fine')
    symlinkSync(`${base}/outside`, `${base}/t/data/out`)
    symlinkSync(`${base}/outside/secret`, `${base}/t/data/file-out`)
    symlinkSync(`${base}/t/data`, `${base}/t/inner`)
    symlinkSync(`${base}/t`, `${base}/alias`)
  })
  afterAll(() => {
    rmSync(base, { recursive: true, force: true })
  })

  it('a symbolic link that leads out is refused for reading, writing and deleting', async () => {
    const io = guardPrefixes(new LocalFileIO({ sync: false }), { prefixes: [`${base}/t`] })
    for (const name of ['data/out/secret', 'data/file-out']) await expect(io.read(`${base}/t/${name}`)).rejects.toMatchObject({ code: 'INVALID' })
    await expect(io.write(`${base}/t/data/out/new/deep`, new Uint8Array(1))).rejects.toMatchObject({ code: 'INVALID' })
    await expect(io.delete([`${base}/t/data/out/secret`])).rejects.toMatchObject({ code: 'INVALID' })
    expect(Buffer.from(await io.read(`${base}/t/data/f`)).toString()).toBe('fine')
    expect(Buffer.from(await io.read(`file:${base}/t/inner/f`)).toString()).toBe('fine')
    await io.write(`${base}/t/data/new/deep`, new Uint8Array(1))
  })

  it('a prefix that is itself a link allows what is behind it', async () => {
    const io = guardPrefixes(new LocalFileIO(), { prefixes: [`${base}/alias`] })
    expect(Buffer.from(await io.read(`${base}/alias/data/f`)).toString()).toBe('fine')
  })
})

// Encoded dot segments are refused by design, so the guard runs the conformance cases on names a table can have.
describe('a guarded store', () => {
  it('still lists, writes and deletes inside its prefix', async () => {
    const io = guardPrefixes(new MemoryFileIO(), { prefixes: ['memory:/t'] })
    await io.write('memory:/t/a', new Uint8Array(1), { ifNoneMatch: '*' })
    const found: string[] = []
    for await (const status of io.list('memory:/t')) found.push(status.location)
    expect(found).toEqual(['memory:/t/a'])
    await io.delete(found)
    expect(await io.head('memory:/t/a')).toBeUndefined()
  })
})
