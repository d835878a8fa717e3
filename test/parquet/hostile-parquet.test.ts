import { describe, expect, it, vi } from 'vitest'
import { codecId, decodeFileMetaData, encodePageHeader } from '../../src/parquet/file-metadata.js'
import type { FileMetaData, SchemaElement } from '../../src/parquet/file-metadata.js'
import { walkPages } from '../../src/parquet/page-walk.js'
import { parseFileSchema } from '../../src/parquet/parquet-schema.js'
import { loadEngine } from '../../src/parquet/wasm-module.js'
import { Schema } from '../../src/schema/schema.js'
import type { Row } from '../../src/arrow/row-values.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { isFloeError } from '../../src/util/errors.js'
import { everyRow, everyType } from '../arrow/every-type.js'
import { footerStart, patchFooter } from './patched-footer.js'
import { batchOf, readRows, writeFile } from './parquet-file.js'

const columns = new Schema(everyType.fields.filter((field) => ['n', 'str', 'dec', 'l', 'm', 's'].includes(field.name)))
const rows = Array.from({ length: 40 }, (_, i): Row => {
  const row = everyRow(1 + i)
  return Object.fromEntries(columns.fields.map((field) => [field.name, i % 5 === 0 ? null : row[field.name]!]))
})

/** Reads damaged bytes; what the error was, or undefined when the damage went unnoticed. */
async function readDamaged(bytes: Uint8Array): Promise<unknown> {
  const io = new MemoryFileIO()
  await io.write('memory:/damaged.parquet', bytes)
  const file = { io, location: 'memory:/damaged.parquet', fileSizeBytes: bytes.length }
  return readRows({ ...file, projection: columns }).then(() => undefined, (error: unknown) => error)
}

/** A deterministic stream of numbers below `limit`. */
function numbers(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % limit
  }
}

async function fileBytes(compression: 'zstd' | 'snappy' | 'uncompressed'): Promise<Uint8Array> {
  const file = await writeFile(columns, [batchOf(columns, rows)], { compression })
  return file.io.read(file.location)
}

describe('a damaged Parquet file', () => {
  for (const compression of ['zstd', 'snappy', 'uncompressed'] as const) {
    it(`with flipped bits gives a typed error that names it, or rows, with ${compression}`, async () => {
      const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined)
      const bytes = await fileBytes(compression)
      const next = numbers(7)
      for (let i = 0; i < 250; i++) {
        const damaged = bytes.slice()
        for (let flips = 1 + next(3); flips > 0; flips--) damaged[next(damaged.length)]! ^= 1 << next(8)
        const error = await readDamaged(damaged)
        if (error === undefined) continue
        expect(isFloeError(error, 'CORRUPT', 'UNSUPPORTED') && error.file).toBe('memory:/damaged.parquet')
      }
      errors.mockRestore()
    })
  }

  it('with a damaged footer gives a typed error, or rows, in bounded time', async () => {
    const bytes = await fileBytes('uncompressed')
    const start = footerStart(bytes)
    const next = numbers(11)
    let failures = 0
    for (let i = 0; i < 1500; i++) {
      const footer = bytes.slice(start, bytes.length - 8)
      footer[next(footer.length)] = next(256)
      if (i % 3 === 0) footer[next(footer.length)] = [0xff, 0x7f, 0x80][next(3)]!
      try {
        parseFileSchema(decodeFileMetaData(footer).schema)
      } catch (error) {
        if (!isFloeError(error, 'CORRUPT')) throw error
        failures++
      }
    }
    expect(failures).toBeGreaterThan(300)
  })

  it('is refused wherever it is cut off', async () => {
    const bytes = await fileBytes('zstd')
    for (let length = 0; length < bytes.length; length += 97) {
      const error = await readDamaged(bytes.subarray(0, length))
      expect(isFloeError(error, 'CORRUPT') && error.file).toBe('memory:/damaged.parquet')
    }
  })

  it('does not harm the files read after it', async () => {
    const bytes = await fileBytes('uncompressed')
    const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const before = await loadEngine()
    const next = numbers(3)
    for (let i = 0; i < 100 && (await loadEngine()) === before; i++) {
      const damaged = bytes.slice()
      for (let flips = 0; flips < 8; flips++) damaged[4 + next(footerStart(bytes) - 4)] = next(256)
      await readDamaged(damaged)
    }
    errors.mockRestore()
    expect(await readDamaged(bytes)).toBeUndefined()
  })

  it('that promises other counts of rows or values than it has is refused', async () => {
    const bytes = await fileBytes('zstd')
    const lies: readonly ((footer: FileMetaData) => FileMetaData)[] = [
      (footer) => ({ ...footer, numRows: 41 }),
      (footer) => ({ ...footer, numRows: 2 ** 40, rowGroups: footer.rowGroups.map((group) => ({ ...group, numRows: 2 ** 40 })) }),
      (footer) => ({ ...footer, numRows: 39, rowGroups: footer.rowGroups.map((group) => ({ ...group, numRows: 39 })) }),
      (footer) => changeColumn(footer, (metaData) => ({ ...metaData, numValues: 2 ** 40 })),
      (footer) => changeColumn(footer, (metaData) => ({ ...metaData, totalCompressedSize: 2 ** 40 })),
      (footer) => changeColumn(footer, (metaData) => ({ ...metaData, dataPageOffset: -1 })),
      (footer) => changeColumn(footer, (metaData) => ({ ...metaData, type: 1 })),
      (footer) => ({ ...footer, rowGroups: footer.rowGroups.map((group) => ({ ...group, columns: group.columns.slice(1) })) }),
    ]
    for (const lie of lies) expect(isFloeError(await readDamaged(patchFooter(bytes, lie)), 'CORRUPT')).toBe(true)
  })

  it('with an unknown codec is told to be rewritten', async () => {
    const bytes = patchFooter(await fileBytes('zstd'), (footer) => changeColumn(footer, (metaData) => ({ ...metaData, codec: codecId.lzo })))
    expect(isFloeError(await readDamaged(bytes), 'UNSUPPORTED')).toBe(true)
  })
})

function changeColumn(footer: FileMetaData, change: (metaData: ColumnMetaDataOf) => ColumnMetaDataOf): FileMetaData {
  return {
    ...footer,
    rowGroups: footer.rowGroups.map((group) => ({
      ...group,
      columns: group.columns.map((column, i) => (i === 0 ? { ...column, metaData: change(column.metaData!) } : column)),
    })),
  }
}

type ColumnMetaDataOf = NonNullable<FileMetaData['rowGroups'][number]['columns'][number]['metaData']>

describe('a hostile page', () => {
  it('is refused before anything of its size is allocated', () => {
    const header = { type: 0, uncompressedPageSize: 2 ** 31 - 1, compressedPageSize: 0 }
    const dataPageHeader = { numValues: 5, encoding: 0, definitionLevelEncoding: 3, repetitionLevelEncoding: 3 }
    const bomb = encodePageHeader({ ...header, dataPageHeader })
    expect(() => walkPages(bomb, 5)).toThrow(/2147483647 bytes when decompressed/)
    expect(() => walkPages(encodePageHeader({ ...header, uncompressedPageSize: 0, compressedPageSize: 9, dataPageHeader }), 5)).toThrow(/0 remain/)
    expect(() => walkPages(encodePageHeader({ ...header, uncompressedPageSize: 0 }), 5)).toThrow(/without its header/)
  })
})

describe('a hostile schema', () => {
  const group = (name: string, numChildren: number): SchemaElement => ({ name, numChildren })

  it('that is nested too deeply is refused', () => {
    const elements = Array.from({ length: 5000 }, (_, i) => group(`g${i}`, 1))
    expect(() => parseFileSchema([...elements, { name: 'x', type: 1 }])).toThrow(/nested deeper/)
  })

  it('that declares more or fewer children than it has is refused', () => {
    expect(() => parseFileSchema([group('root', 2), { name: 'x', type: 1 }])).toThrow(/declares 2 children/)
    expect(() => parseFileSchema([group('root', -1)])).toThrow(/declares -1 children/)
    expect(() => parseFileSchema([group('root', 0), { name: 'x', type: 1 }])).toThrow(/belong to no column/)
    expect(() => parseFileSchema([])).toThrow(/fewer schema elements/)
  })

  it('that calls columns like members of objects is read', () => {
    const names = ['__proto__', 'constructor', 'toString']
    const schema = parseFileSchema([group('root', 3), ...names.map((name) => ({ name, type: 1 }))])
    expect(schema.fields.map((field) => field.name)).toEqual(names)
  })
})
