/** A canary of 128 bits in every kind of file: after a purge no object has it, neither as bytes nor decoded. */
import { brotliDecompressSync, gunzipSync, inflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { eq, identity, openCatalog, or, schema, t, type Catalog, type Table } from '../../../src/index.js'
import { rowReader } from '../../../src/arrow/row-values.js'
import { inflateBlock, readContainer } from '../../../src/avro/container.js'
import type { FileIO } from '../../../src/io/file-io.js'
import { MemoryFileIO } from '../../../src/io/memory-file-io.js'
import { isSealed } from '../../../src/maintenance/purge/purge-report.js'
import { ParquetWasmEngine } from '../../../src/parquet/parquet-wasm-engine.js'
import { Schema } from '../../../src/schema/schema.js'
import { S3Server } from '../../support/s3-server.js'

const CANARY = 'c4a7-9f31e2d85b60-kanarienvogel-77aa'
const OTHERS = Array.from({ length: 40 }, (_, i) => ({ id: i, person: `person-${String(i).padStart(4, '0')}@example.org`, note: `note ${i}` }))

async function plantedTable(catalog: Catalog, formatVersion: 2 | 3, partitioned = false): Promise<Table> {
  const table = await catalog.createTable('shop.people', {
    schema: schema({ id: t.long.required, person: t.string, note: t.string }),
    formatVersion,
    ...(partitioned ? { partitionBy: [identity('person')] } : {}),
    properties: {
      'write.parquet.bloom-filter-enabled.column.person': 'true',
      'write.metadata.metrics.default': 'full',
      'write.summary.partition-limit': '100',
      'write.delete.mode': 'merge-on-read',
    },
  })
  const rows = partitioned ? OTHERS.slice(0, 4) : OTHERS
  await table.append([...rows.slice(0, 2), { id: 1000, person: CANARY, note: `about ${CANARY}` }])
  await table.createTag('before')
  await table.append(rows.slice(2))
  return table
}

/** Every place in the objects where the canary is, raw or inflated by any codec at any page, block or blob. */
async function hits(io: FileIO, prefix: string): Promise<string[]> {
  const found: string[] = []
  for await (const { location } of io.list(prefix)) {
    const bytes = await io.read(location)
    if (holds(location, bytes) || (await decodesTo(bytes))) found.push(location)
  }
  return found
}

const engine = new ParquetWasmEngine({ workers: 0 })
const anyRow = new Schema(schema({ id: t.long, person: t.string, note: t.string }).fields)

/** Whether the rows of a Parquet file have it. */
async function decodesTo(bytes: Uint8Array): Promise<boolean> {
  if (Buffer.from(bytes.subarray(0, 4)).toString() !== 'PAR1') return false
  const io = new MemoryFileIO()
  await io.write('memory:///file', bytes)
  for await (const { batch } of engine.read({ io, location: 'memory:///file', fileSizeBytes: bytes.length, projection: anyRow })) {
    if (JSON.stringify(rowReader(anyRow)(batch), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).includes(CANARY)) return true
  }
  return false
}

function holds(location: string, bytes: Uint8Array): boolean {
  const forms = [CANARY, encodeURIComponent(CANARY), CANARY.slice(0, 16)]
  const has = (content: Uint8Array): boolean => forms.some((form) => Buffer.from(content).includes(form))
  if (has(bytes) || forms.some((form) => location.includes(form))) return true
  if (bytes[0] === 0x4f && bytes[1] === 0x62) {
    const container = readContainer(bytes)
    return container.blocks.some((block) => has(inflateBlock(container, block)))
  }
  for (const inflate of [gunzipSync, inflateRawSync, brotliDecompressSync]) {
    try {
      if (has(inflate(bytes))) return true
    } catch {
      // Not of this codec.
    }
  }
  return false
}

describe('a purge', () => {
  it.each([2, 3] as const)('leaves no byte of a row of a version %i table, in whatever kind of file it was', async (formatVersion) => {
    const io = new MemoryFileIO()
    const catalog = await openCatalog('memory:///warehouse', { io, cacheBytes: 0, parquet: { workers: 0 } })
    const table = await plantedTable(catalog, formatVersion)
    const audit = await table.createBranch('audit')
    await audit.append([{ id: 2000, person: 'audited', note: 'x' }])
    // An equality delete of the canary, then the row again: the key is in a delete file, deleted rows are in data files.
    await table.rowDelta({ deleteKeys: { columns: ['person'], keys: [{ person: CANARY }] } })
    await table.append([{ id: 1001, person: CANARY, note: 'again' }, { id: 3000, person: 'kept', note: 'y' }])
    await table.delete(eq('id', 1001n))
    await table.append([{ id: 1002, person: CANARY, note: 'third' }, { id: 3001, person: 'kept too', note: 'z' }])
    await table.computeStatistics({ columns: ['person'] })
    await io.write(`${table.location}/data/orphan.parquet`, await io.read((await table.inspect.files())[0]!.file_path))
    await io.write(`${table.location}/data/leftover.txt`, Buffer.from(`rows of ${CANARY}`))
    expect((await hits(io, 'memory:///warehouse')).length).toBeGreaterThan(8)

    const plan = await table.purge(eq('person', CANARY), { dryRun: true })
    expect(plan).toMatchObject({ dryRun: true, isErased: false, droppedTags: ['before'] })
    expect(plan.deletedObjects.length).toBeGreaterThan(2)
    expect((await hits(io, 'memory:///warehouse')).length).toBeGreaterThan(8)

    const report = await table.purge(eq('person', CANARY), { leftoverMinAgeMs: 0 })
    expect(report.held).toEqual([])
    expect(await hits(io, 'memory:///warehouse')).toEqual([])
    expect(report).toMatchObject({ isErased: true, objectVersions: 'none', droppedTags: ['before'], dryRun: false })
    expect(report.branches.map(({ branch, removedRows }) => [branch, removedRows])).toEqual([['main', 1], ['audit', 1]])
    expect(JSON.stringify(report)).not.toContain(CANARY)
    expect(isSealed(JSON.parse(JSON.stringify(report)) as typeof report)).toBe(true)
    expect(isSealed({ ...report, isErased: false })).toBe(false)

    const ids = async (of: Table): Promise<number[]> => (await of.scan().rows().toArray()).map((row) => Number(row['id'])).sort((a, b) => a - b)
    expect(await ids(table)).toEqual([...OTHERS.map(({ id }) => id), 3000, 3001])
    expect(await ids(table.branch('audit'))).toEqual([...OTHERS.map(({ id }) => id), 2000])
    expect((await table.fsck({ data: 'all', snapshots: 'all' })).findings.filter(({ severity }) => severity !== 'info')).toEqual([])
    expect(await table.purge(eq('person', CANARY))).toMatchObject({ isErased: true, branches: [], expiredSnapshots: [] })
  })

  it('removes partitions from paths, summaries and earlier metadata files', async () => {
    const io = new MemoryFileIO()
    const catalog = await openCatalog('memory:///warehouse', { io, cacheBytes: 0, parquet: { workers: 0 } })
    const table = await plantedTable(catalog, 2, true)
    const report = await table.purge(`person = '${CANARY}'`, { leftoverMinAgeMs: 0, includeFilter: false })
    expect(await hits(io, 'memory:///warehouse')).toEqual([])
    expect(report).toMatchObject({ isErased: true, filter: 'a filter of person' })
    expect(JSON.stringify(report)).not.toContain(CANARY)
  })

  it('tells what tags, branches and young objects hold, and until when', async () => {
    const io = new MemoryFileIO()
    const catalog = await openCatalog('memory:///warehouse', { io, cacheBytes: 0, parquet: { workers: 0 } })
    const table = await plantedTable(catalog, 2)
    await table.setRetention('before', { maxRefAgeMs: 86_400_000 })
    await table.createBranch('copy')
    await io.write(`${table.location}/data/young.txt`, Buffer.from(CANARY))
    const report = await table.purge(eq('person', CANARY), { tags: 'keep', branches: ['main'] })
    expect(report.isErased).toBe(false)
    expect(report.held.filter(({ kind }) => kind === 'tag')).toEqual([expect.objectContaining({ name: 'before', until: expect.stringMatching(/^20/) as unknown })])
    expect(report.held.filter(({ kind }) => kind === 'branch')).toEqual([expect.objectContaining({ name: 'copy' })])
    expect(report.held.find(({ name }) => name.endsWith('young.txt'))).toMatchObject({ seenIn: 'its bytes', until: expect.any(String) as unknown })
    expect(report.held.filter(({ kind, seenIn }) => kind === 'object' && seenIn !== undefined).length).toBeGreaterThan(2)
  })

  it('looks for values of other columns of the rows, and in filters of several columns judges rows, not values', async () => {
    const io = new MemoryFileIO()
    const catalog = await openCatalog('memory:///warehouse', { io, cacheBytes: 0, parquet: { workers: 0 } })
    const table = await plantedTable(catalog, 2)
    await io.write(`${table.location}/data/note.txt`, Buffer.from(`about ${CANARY}`))
    const report = await table.purge(`id = 1000 and person = '${CANARY}'`, { scanColumns: ['note'] })
    expect(report.scan).toMatchObject({ keys: 1 })
    expect(report.held).toEqual([expect.objectContaining({ name: expect.stringContaining('note.txt') as unknown })])
    expect((await table.scan().rows().toArray()).length).toBe(OTHERS.length)
  })

  it('refuses filters that select everything or nothing, and tables whose files may be of others', async () => {
    const catalog = await openCatalog('memory:///warehouse', { io: new MemoryFileIO(), parquet: { workers: 0 } })
    const table = await plantedTable(catalog, 2)
    await expect(table.purge('true')).rejects.toMatchObject({ code: 'INVALID' })
    await expect(table.purge(eq('person', CANARY), { scanColumns: ['nothing'] })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await table.updateProperties({ 'gc.enabled': 'false' })
    await expect(table.purge(eq('person', CANARY))).rejects.toMatchObject({ code: 'INVALID' })
  })
})

describe('a purge in a bucket that keeps versions', () => {
  const open = async (server: S3Server): Promise<Table> => {
    const s3 = { endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }
    const catalog = await openCatalog('s3://lake/warehouse', { s3, cacheBytes: 0, verifyStore: 'never', parquet: { workers: 0 } })
    return plantedTable(catalog, 2)
  }
  const held = (server: S3Server): string[] =>
    [...server.versions()].filter(([target, bytes]) => holds(target, bytes)).map(([target]) => target)

  it('deletes the versions too', async () => {
    const server = await S3Server.start({ versioned: true, pageSize: 7 })
    try {
      const table = await open(server)
      expect(held(server).length).toBeGreaterThan(1)
      const report = await table.purge(or(eq('person', CANARY), eq('person', 'nobody-of-that-name')), { leftoverMinAgeMs: 0 })
      expect(held(server)).toEqual([])
      expect(report).toMatchObject({ isErased: true, objectVersions: 'scanned', held: [] })
      expect(report.deletedVersions.length).toBeGreaterThan(3)
    } finally {
      await server.close()
    }
  })

  it('tells which versions are locked until when, and when they cannot be listed', async () => {
    const server = await S3Server.start({ versioned: true })
    try {
      const table = await open(server)
      const until = new Date(Date.now() + 3_600_000)
      server.lock(/\.parquet$/, until)
      const report = await table.purge(eq('person', CANARY), { leftoverMinAgeMs: 0 })
      expect(report.isErased).toBe(false)
      expect(report.held.filter(({ kind }) => kind === 'object-version')).toEqual([
        expect.objectContaining({ reason: 'The version is locked', until: new Date(Math.floor(until.getTime())).toISOString() }),
      ])
      server.fail('forbidden', 'list-versions', { times: 9 })
      expect(await table.purge(eq('person', CANARY))).toMatchObject({ isErased: false, objectVersions: 'forbidden', held: [] })
    } finally {
      await server.close()
    }
  })
})
