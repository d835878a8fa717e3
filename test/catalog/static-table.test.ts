import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import { openTableAt } from '../../src/catalog/single-table-catalog.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { gzip } from '../../src/util/compression.js'
import { codeOf, commitUpdates, creation, emptyAppend, mustCommit, notesOf, setProperties } from '../support/table-commits.js'

const id = { namespace: ['shop'], name: 'events' }
const warehouse = 's3://bucket/wh'
const folder = `${warehouse}/shop/events`
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function setup(): Promise<{ readonly io: MemoryFileIO; readonly catalog: ObjectStoreCatalog }> {
  const io = new MemoryFileIO()
  const catalog = new ObjectStoreCatalog({ io, warehouse, verifyStore: 'never' })
  const table = await catalog.createTable(id, creation())
  await mustCommit(catalog, table, emptyAppend(table, 'a'))
  return { io, catalog }
}

describe('a table named by its metadata file', () => {
  it('is that version, and read only', async () => {
    const { io, catalog } = await setup()
    const { backend, table } = await openTableAt(`${folder}/metadata/v1.metadata.json`, { io })
    expect(table.identifier).toEqual({ namespace: [], name: 'events' })
    expect(notesOf(table)).toEqual([])
    expect(await commitUpdates(backend, table, setProperties({ a: '1' }))).toMatchObject({ outcome: 'rejected', reason: { code: 'UNSUPPORTED' } })
    for (const call of [backend.dropTable(id), backend.createTable(id, creation()), backend.renameTable(id, id), backend.createNamespace(['x'])]) {
      expect(await codeOf(call)).toBe('UNSUPPORTED')
    }
    expect(notesOf(await catalog.loadTable(id))).toEqual(['a'])
  })

  it('is read gzipped as well, whatever its numbering', async () => {
    const { io } = await setup()
    const body = await io.read(`${folder}/metadata/v2.metadata.json`)
    for (const name of ['00003-abc.gz.metadata.json', '3.metadata.json.gz', 'v9.gz.metadata.json']) {
      await io.write(`${folder}/metadata/${name}`, gzip(body))
      expect(notesOf((await openTableAt(`${folder}/metadata/${name}`, { io })).table)).toEqual(['a'])
    }
  })

  it('may use its own bucket, and other places only when they are allowed', async () => {
    const { io } = await setup()
    const text = new TextDecoder().decode(await io.read(`${folder}/metadata/v2.metadata.json`))
    const properties = '"write.data.path":"s3://bucket/elsewhere/d","write.object-storage.path":"s3://other/x"'
    await io.write('s3://bucket/apart/m/00002-x.metadata.json', bytes(text.replace('"properties":{', `"properties":{${properties},`)))
    const { table } = await openTableAt('s3://bucket/apart/m/00002-x.metadata.json', { io, allowedLocations: ['s3://allowed/y'] })
    for (const location of [`${folder}/data/f`, 's3://bucket/elsewhere/d/f', 's3://allowed/y/f']) expect(await codeOf(table.io.head(location))).toBe('no error')
    for (const location of ['s3://bucket/unrelated/f', 's3://other/x/f', 'file:///etc/passwd', 'https://evil/f']) {
      expect(await codeOf(table.io.head(location))).toBe('INVALID')
    }
  })
})

describe('a table named by its folder', () => {
  it('with numbered versions can be committed to, beside its catalog', async () => {
    const { io, catalog } = await setup()
    for (const place of [folder, `${folder}/`]) {
      const { backend, table } = await openTableAt(place, { io, verifyStore: 'never' })
      await mustCommit(backend, table, emptyAppend(table, place))
      expect(await backend.tableExists(table.identifier)).toBe(true)
      expect(await backend.listTables([])).toEqual([table.identifier])
    }
    expect(notesOf(await catalog.loadTable(id))).toEqual(['a', folder, `${folder}/`])
  })

  it('whose versions a catalog keeps is read at its highest number, and is read only', async () => {
    const { io } = await setup()
    const body = await io.read(`${folder}/metadata/v2.metadata.json`)
    for (const name of ['00000-b.metadata.json', '00009-b.metadata.json', '00010-a.gz.metadata.json', '100000-c.metadata.json']) {
      await io.write(`s3://bucket/t/metadata/${name}`, body)
    }
    const { backend, table } = await openTableAt('s3://bucket/t', { io })
    expect(table.metadataLocation).toBe('s3://bucket/t/metadata/100000-c.metadata.json')
    expect((await commitUpdates(backend, table, [])).outcome).toBe('rejected')
  })

  it('a hint may name the file', async () => {
    const { io } = await setup()
    const body = await io.read(`${folder}/metadata/v2.metadata.json`)
    for (const name of ['00001-a.metadata.json', '00002-b.metadata.json']) await io.write(`s3://bucket/t/metadata/${name}`, body)
    for (const [hint, expected] of [
      ['00001-a', '00001-a'],
      ['00001-a.metadata.json\n', '00001-a'],
      ['../../x', '00002-b'],
      ['00077-gone', '00002-b'],
    ] as const) {
      await io.write('s3://bucket/t/metadata/version-hint.text', bytes(hint))
      expect((await openTableAt('s3://bucket/t', { io })).table.metadataLocation).toBe(`s3://bucket/t/metadata/${expected}.metadata.json`)
    }
  })

  it('with two files of the highest number is not guessed at', async () => {
    const { io } = await setup()
    const body = await io.read(`${folder}/metadata/v2.metadata.json`)
    for (const name of ['00002-a.metadata.json', '00002-b.metadata.json']) await io.write(`s3://bucket/t/metadata/${name}`, body)
    await expect(openTableAt('s3://bucket/t', { io })).rejects.toThrow(/name one of 00002-a.metadata.json and 00002-b.metadata.json/)
  })

  it('without a table is NOT_FOUND', async () => {
    const { io } = await setup()
    expect(await codeOf(openTableAt('s3://bucket/none', { io }))).toBe('NOT_FOUND')
    expect(await codeOf(openTableAt('s3://bucket/none/metadata/v1.metadata.json', { io }))).toBe('NOT_FOUND')
  })
})

describe('a local table from somebody else', () => {
  let base = ''
  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), 'floe-static-'))
  })
  afterAll(() => {
    rmSync(base, { recursive: true, force: true })
  })

  it('cannot reach out of its folder by its location, its properties or its links', async () => {
    const io = new LocalFileIO({ sync: false })
    const catalog = new ObjectStoreCatalog({ io, warehouse: `${base}/wh` })
    const { metadataLocation } = await catalog.createTable(id, creation())
    const text = new TextDecoder().decode(await io.read(metadataLocation))
    const hostile = text
      .replace(`"location":"${base}/wh/shop/events"`, '"location":"/etc"')
      .replace('"properties":{', '"properties":{"write.data.path":"/home",')
    expect(hostile).not.toBe(text)
    mkdirSync(`${base}/gift/metadata`, { recursive: true })
    mkdirSync(`${base}/private`)
    writeFileSync(`${base}/gift/metadata/v1.metadata.json`, hostile)
    writeFileSync(`${base}/private/secret`, 'secret')
    symlinkSync(`${base}/private`, `${base}/gift/data`)
    for (const place of [`${base}/gift/metadata/v1.metadata.json`, `${base}/gift`]) {
      const { table } = await openTableAt(place, { io })
      for (const location of ['/etc/passwd', '/home/x', `${base}/gift/data/secret`, `${base}/private/secret`]) {
        expect(await codeOf(table.io.read(location))).toBe('INVALID')
        expect(await codeOf(table.io.delete([location]))).toBe('INVALID')
      }
      expect(await codeOf(table.io.head(`${base}/gift/metadata/v1.metadata.json`))).toBe('no error')
    }
  })
})
