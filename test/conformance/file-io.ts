/** What every FileIO promises; each implementation and wrapper runs these cases against a root of its own. */
import { describe, expect, it } from 'vitest'
import type { FileIO, ObjectStatus } from '../../src/io/file-io.js'
import { FloeError } from '../../src/util/errors.js'

export interface FileIOUnderTest {
  readonly io: FileIO
  /** A fresh folder, without a trailing slash. */
  readonly root: string
}

export interface FileIOAbilities {
  /** Whether `ifMatch` works. Default true; else it must throw `UNSUPPORTED`. */
  readonly compareAndSwap?: boolean
  /** Whether `a//b` and `a/b` are two objects. Default true. */
  readonly emptySegments?: boolean
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (content: Uint8Array): string => new TextDecoder().decode(content)

async function* stream(...chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve()
    yield typeof chunk === 'string' ? bytes(chunk) : chunk
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'no error'
  } catch (error) {
    return error instanceof FloeError ? error.code : `untyped ${String(error)}`
  }
}

/** Names that engines write: partition escapes, spaces, Unicode, and what URLs would give a meaning to. */
const AWKWARD_NAMES = ['p=a%2Fb', 'p=%E6%BC%A2', 'sp ace', 'plus+', 'hash#q?x', 'ü😀', 'p=..', 'p=.', "quote'\"", '100%', 'a&<b>', '%2e%2e']

type Open = () => Promise<FileIOUnderTest> | FileIOUnderTest

export function describeFileIO(name: string, open: Open, abilities: FileIOAbilities = {}): void {
  describe(`${name} keeps the promises of a FileIO`, () => {
    describeReads(open)
    describeWrites(open, abilities)
    describeListing(open, abilities)
  })
}

function describeReads(open: Open): void {
  it('reads back what was written, empty content included', async () => {
    const { io, root } = await open()
    await io.write(`${root}/a.bin`, new Uint8Array([0, 255, 10]))
    await io.write(`${root}/empty`, new Uint8Array(0))
    expect([...(await io.read(`${root}/a.bin`))]).toEqual([0, 255, 10])
    expect(await io.read(`${root}/empty`)).toHaveLength(0)
    expect((await io.head(`${root}/empty`))?.sizeBytes).toBe(0)
  })

  it('reads ranges from the start, the middle and the end', async () => {
    const { io, root } = await open()
    const file = `${root}/r`
    await io.write(file, bytes('0123456789'))
    expect(text(await io.read(file, { range: { offset: 0, length: 3 } }))).toBe('012')
    expect(text(await io.read(file, { range: { offset: 4, length: 6 } }))).toBe('456789')
    expect(text(await io.read(file, { range: { offset: -4, length: 0 } }))).toBe('6789')
    expect(text(await io.read(file, { range: { offset: -99, length: 0 } }))).toBe('0123456789')
    expect(await io.read(file, { range: { offset: 10, length: 0 } })).toHaveLength(0)
  })

  it('reads a suffix of an empty object as nothing', async () => {
    const { io, root } = await open()
    await io.write(`${root}/e`, new Uint8Array(0))
    expect(await io.read(`${root}/e`, { range: { offset: -8, length: 8 } })).toHaveLength(0)
  })

  it('a range past the end is CORRUPT, never fewer bytes', async () => {
    const { io, root } = await open()
    const file = `${root}/r`
    await io.write(file, bytes('0123456789'))
    for (const [offset, length] of [
      [8, 3],
      [10, 1],
      [11, 0],
      [500, 1],
    ] as const) {
      expect(await codeOf(io.read(file, { range: { offset, length } }))).toBe('CORRUPT')
      expect(await codeOf(io.readMany(file, [{ offset: 0, length: 1 }, { offset, length: Math.max(1, length) }]))).toBe('CORRUPT')
    }
  })

  it('an impossible range is INVALID', async () => {
    const { io, root } = await open()
    await io.write(`${root}/r`, bytes('x'))
    for (const [offset, length] of [
      [0.5, 1],
      [0, -1],
      [0, Number.NaN],
      [Number.MAX_SAFE_INTEGER, 2],
    ] as const) {
      expect(await codeOf(io.read(`${root}/r`, { range: { offset, length } }))).toBe('INVALID')
    }
  })

  it('reads many ranges in the order asked, overlapping, repeated and empty ones too', async () => {
    const { io, root } = await open()
    const content = new Uint8Array(5000).map((_, i) => i % 251)
    await io.write(`${root}/m`, content)
    const ranges = [
      { offset: 4000, length: 1000 },
      { offset: 0, length: 10 },
      { offset: 5, length: 10 },
      { offset: 5, length: 10 },
      { offset: 77, length: 0 },
      { offset: -3, length: 0 },
    ]
    const results = await io.readMany(`${root}/m`, ranges)
    expect(results.map((result) => [...result])).toEqual([
      [...content.slice(4000, 5000)],
      [...content.slice(0, 10)],
      [...content.slice(5, 15)],
      [...content.slice(5, 15)],
      [],
      [...content.slice(4997)],
    ])
    expect(await io.readMany(`${root}/m`, [])).toEqual([])
  })

  it('what is not there is NOT_FOUND to read, undefined to head', async () => {
    const { io, root } = await open()
    await io.write(`${root}/dir/file`, bytes('x'))
    for (const location of [`${root}/none`, `${root}/dir`, `${root}/dir/file/below`]) {
      expect(await codeOf(io.read(location))).toBe('NOT_FOUND')
      expect(await codeOf(io.read(location, { range: { offset: -4, length: 4 } }))).toBe('NOT_FOUND')
      expect(await codeOf(io.readMany(location, [{ offset: 0, length: 1 }]))).toBe('NOT_FOUND')
      expect(await io.head(location)).toBeUndefined()
    }
  })

  it('an aborted signal is ABORTED', async () => {
    const { io, root } = await open()
    await io.write(`${root}/a`, bytes('x'))
    const signal = AbortSignal.abort()
    expect(await codeOf(io.read(`${root}/a`, { signal }))).toBe('ABORTED')
    expect(await codeOf(io.write(`${root}/b`, bytes('y'), { signal }))).toBe('ABORTED')
    expect(await io.head(`${root}/b`)).toBeUndefined()
  })
}

function describeWrites(open: Open, abilities: FileIOAbilities): void {
  it('a write reports size, location and a fresh etag', async () => {
    const { io, root } = await open()
    const first = await io.write(`${root}/w`, bytes('one'))
    expect(first.location).toBe(`${root}/w`)
    expect(first.sizeBytes).toBe(3)
    const second = await io.write(`${root}/w`, bytes('three'))
    expect(second.etag).not.toBe(first.etag)
    expect((await io.head(`${root}/w`))?.etag).toBe(second.etag)
    expect(text(await io.read(`${root}/w`))).toBe('three')
  })

  it('writes streams of many chunks, of one, of empty ones and of none', async () => {
    const { io, root } = await open()
    await io.write(`${root}/s`, stream('ab', '', 'cd', 'e'))
    expect(text(await io.read(`${root}/s`))).toBe('abcde')
    const written = await io.write(`${root}/n`, stream())
    expect(written.sizeBytes).toBe(0)
    expect((await io.head(`${root}/n`))?.sizeBytes).toBe(0)
  })

  it('a stream that fails leaves no object and passes its error on', async () => {
    const { io, root } = await open()
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield bytes('begun')
      await Promise.resolve()
      throw new FloeError('CORRUPT', 'the source broke')
    }
    expect(await codeOf(io.write(`${root}/f`, failing(), { ifNoneMatch: '*' }))).toBe('CORRUPT')
    expect(await io.head(`${root}/f`)).toBeUndefined()
    expect(await collect(io.list(root))).toEqual([])
  })

  it('ifNoneMatch creates once, for bytes and for streams', async () => {
    const { io, root } = await open()
    await io.write(`${root}/c`, bytes('first'), { ifNoneMatch: '*' })
    expect(await codeOf(io.write(`${root}/c`, bytes('second'), { ifNoneMatch: '*' }))).toBe('ALREADY_EXISTS')
    expect(await codeOf(io.write(`${root}/c`, stream('third'), { ifNoneMatch: '*' }))).toBe('ALREADY_EXISTS')
    expect(text(await io.read(`${root}/c`))).toBe('first')
    await io.delete([`${root}/c`])
    await io.write(`${root}/c`, stream('fourth'), { ifNoneMatch: '*' })
    expect(text(await io.read(`${root}/c`))).toBe('fourth')
  })

  it('of many creators at once exactly one succeeds, and its content is what stays', async () => {
    const { io, root } = await open()
    const codes = await Promise.all(
      Array.from({ length: 16 }, (_, i) => codeOf(io.write(`${root}/race`, bytes(`writer ${i}`), { ifNoneMatch: '*' }))),
    )
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(codes.filter((code) => code === 'ALREADY_EXISTS')).toHaveLength(15)
    expect(text(await io.read(`${root}/race`))).toBe(`writer ${codes.indexOf('no error')}`)
  })

  if (abilities.compareAndSwap === false) {
    it('ifMatch is refused as UNSUPPORTED and changes nothing', async () => {
      const { io, root } = await open()
      const { etag } = await io.write(`${root}/m`, bytes('one'))
      expect(await codeOf(io.write(`${root}/m`, bytes('two'), { ifMatch: etag! }))).toBe('UNSUPPORTED')
      expect(text(await io.read(`${root}/m`))).toBe('one')
    })
  } else {
    it('ifMatch replaces only the version it names', async () => {
      const { io, root } = await open()
      const first = await io.write(`${root}/m`, bytes('one'))
      const second = await io.write(`${root}/m`, bytes('two'), { ifMatch: first.etag! })
      expect(await codeOf(io.write(`${root}/m`, bytes('stale'), { ifMatch: first.etag! }))).toBe('CONFLICT')
      expect(text(await io.read(`${root}/m`))).toBe('two')
      await io.delete([`${root}/m`])
      expect(await codeOf(io.write(`${root}/m`, bytes('gone'), { ifMatch: second.etag! }))).toBe('CONFLICT')
      expect(await io.head(`${root}/m`)).toBeUndefined()
    })

    it('of many swaps of one version exactly one succeeds', async () => {
      const { io, root } = await open()
      const { etag } = await io.write(`${root}/m`, bytes('one'))
      const codes = await Promise.all(Array.from({ length: 8 }, (_, i) => codeOf(io.write(`${root}/m`, bytes(`swap ${i}`), { ifMatch: etag! }))))
      expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
      expect(codes.filter((code) => code === 'CONFLICT')).toHaveLength(7)
    })
  }

  it('later changes to the written bytes do not reach the object', async () => {
    const { io, root } = await open()
    const buffer = bytes('before')
    await io.write(`${root}/own`, buffer)
    buffer.fill(0)
    expect(text(await io.read(`${root}/own`))).toBe('before')
  })
}

function describeListing(open: Open, abilities: FileIOAbilities): void {
  it('names are taken literally: escapes, spaces, Unicode and URL characters', async () => {
    const { io, root } = await open()
    const locations = AWKWARD_NAMES.map((name) => `${root}/${name}/f`)
    for (const location of locations) await io.write(location, bytes(location), { ifNoneMatch: '*' })
    for (const location of locations) expect(text(await io.read(location))).toBe(location)
    const listed = await collect(io.list(root))
    expect(listed.map((status) => status.location).sort()).toEqual([...locations].sort())
    await io.delete(locations)
    expect(await collect(io.list(root))).toEqual([])
  })

  if (abilities.emptySegments !== false) {
    it('a//b and a/b are two objects', async () => {
      const { io, root } = await open()
      await io.write(`${root}/a//b`, bytes('double'))
      await io.write(`${root}/a/b`, bytes('single'))
      expect(text(await io.read(`${root}/a//b`))).toBe('double')
      expect((await collect(io.list(root))).map((status) => status.location)).toEqual([`${root}/a//b`, `${root}/a/b`])
    })
  }

  it('lists all below a folder in code-point order, and nothing of its namesakes', async () => {
    const { io, root } = await open()
    const names = ['t/b', 't/a/z', 't/a.x', 't/a0', 't/\uffee', 't/😀', 't/é/1', 't/Z']
    for (const name of [...names, 't2/other', 't.x']) await io.write(`${root}/${name}`, bytes(name))
    const order = (list: readonly string[]): string[] => [...list].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    const expected = order(names.map((name) => `${root}/${name}`))
    for (const prefix of [`${root}/t`, `${root}/t/`]) {
      const listed = await collect(io.list(prefix))
      expect(listed.map((status) => status.location)).toEqual(expected)
    }
    expect(await collect(io.list(`${root}/none`))).toEqual([])
  })

  it('a listing tells the same status as head', async () => {
    const { io, root } = await open()
    await io.write(`${root}/x/one`, bytes('1'))
    const listed: ObjectStatus[] = await collect(io.list(root))
    expect(listed).toHaveLength(1)
    const head = await io.head(`${root}/x/one`)
    expect(listed[0]!.sizeBytes).toBe(head?.sizeBytes)
    expect(listed[0]!.etag).toBe(head?.etag)
    expect(Math.abs(listed[0]!.lastModifiedMs - head!.lastModifiedMs)).toBeLessThanOrEqual(1000)
  })

  it('lists what lies directly in a folder', async () => {
    const { io, root } = await open()
    for (const name of ['f', 'd/1', 'd/2/3', 'e/x']) await io.write(`${root}/${name}`, bytes(name))
    const entries = await collect(io.listFolder!(root))
    const shown = entries.map((entry) => `${entry.location.slice(root.length + 1)}${entry.status === undefined ? '/' : ''}`).sort()
    expect(shown).toEqual(['d/', 'e/', 'f'])
    expect(await collect(io.listFolder!(`${root}/none`))).toEqual([])
  })

  it('deletes many, and what is not there without complaint', async () => {
    const { io, root } = await open()
    const locations = Array.from({ length: 25 }, (_, i) => `${root}/d/${i}`)
    for (const location of locations) await io.write(location, bytes('x'))
    await io.write(`${root}/kept`, bytes('x'))
    await io.delete([...locations, `${root}/none`, `${root}/no/folder`])
    expect((await collect(io.list(root))).map((status) => status.location)).toEqual([`${root}/kept`])
    await io.delete([])
  })

  it('deleting a folder by its trailing slash never takes objects with it', async () => {
    const { io, root } = await open()
    await io.write(`${root}/d/x`, bytes('x'))
    await io.delete([`${root}/d/`])
    expect(await io.head(`${root}/d/x`)).toBeDefined()
    await io.delete([`${root}/d/x`])
    await io.delete([`${root}/d/`])
    expect(await collect(io.listFolder!(root))).toEqual([])
  })
}
