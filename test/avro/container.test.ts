import type Avsc from 'avsc'
import { describe, expect, it } from 'vitest'
import { parseAvroSchema } from '../../src/avro/avro-schema-json.js'
import type { AvroCodec } from '../../src/avro/block-codec.js'
import { decompressBlockAsync } from '../../src/avro/block-codec.js'
import { ContainerWriter } from '../../src/avro/container-writer.js'
import { inflateBlock, inflateBlocksAsync, metadataText, readContainer, readRecords } from '../../src/avro/container.js'
import { isFloeError } from '../../src/util/errors.js'
import { avsc, exactLong } from '../support/avsc-oracle.js'

const schemaText = '{"type":"record","name":"r","fields":[{"name":"id","type":"long"},{"name":"s","type":["null","string"]}]}'
const schema = parseAvroSchema(schemaText)
const rows = Array.from({ length: 500 }, (_, i) => [BigInt(i) * 1_000_003n, i % 3 === 0 ? null : `row ${i}`])
const CODECS: readonly AvroCodec[] = ['null', 'deflate', 'zstandard', 'snappy']

function write(codec: AvroCodec, values = rows, blockBytes = 1_000): Uint8Array {
  const writer = new ContainerWriter(schema, { codec, blockBytes, metadata: new Map([['k', 'é']]) })
  for (const value of values) writer.add(value)
  return writer.finish()
}

describe.each(CODECS)('a container with codec %s', (codec) => {
  it('gives back its values, blocks and metadata', async () => {
    const container = readContainer(write(codec))
    expect(container.codec).toBe(codec)
    expect(metadataText(container, 'k')).toBe('é')
    expect(metadataText(container, 'absent')).toBe(undefined)
    expect(container.blocks.length).toBeGreaterThan(3)
    expect(readRecords(container)).toEqual(rows)
    for (const block of container.blocks) {
      expect(await decompressBlockAsync(codec, block.bytes, 10_000)).toEqual(inflateBlock(container, block))
      expect(() => inflateBlock(container, block, 10)).toThrow(expect.objectContaining({ code: 'CORRUPT' }) as Error)
    }
  })

  it('reports truncation at every byte as CORRUPT, but at the end of a block', () => {
    const bytes = write(codec, rows.slice(0, 20), 100)
    const whole = new Set<number>()
    for (let length = 0; length < bytes.length; length++) {
      try {
        readRecords(readContainer(bytes.subarray(0, length)))
        whole.add(length)
      } catch (error) {
        expect(isFloeError(error, 'CORRUPT')).toBe(true)
      }
    }
    expect(whole.size).toBe(readContainer(bytes).blocks.length)
  })

  it('survives every flipped bit with a typed error or with values', () => {
    const bytes = write(codec, rows.slice(0, 6), 60)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice()
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      try {
        readRecords(readContainer(damaged), undefined, { maxBlockBytes: 100_000 })
      } catch (error) {
        if (!isFloeError(error, 'CORRUPT', 'UNSUPPORTED')) throw error
      }
    }
  })
})

describe('inflateBlocksAsync', () => {
  it('gives the blocks in their order, many or few', async () => {
    for (const values of [[], rows.slice(0, 1), rows]) {
      const container = readContainer(write('deflate', values, 200))
      expect(await inflateBlocksAsync(container)).toEqual(container.blocks.map((block) => inflateBlock(container, block)))
    }
  })

  it('bounds all blocks together, and names the file', async () => {
    const container = readContainer(write('deflate'), 's3://b/x.avro')
    const total = container.blocks.reduce((sum, block) => sum + inflateBlock(container, block).length, 0)
    await expect(inflateBlocksAsync(container, total)).resolves.toHaveLength(container.blocks.length)
    await expect(inflateBlocksAsync(container, total - 1)).rejects.toThrow(expect.objectContaining({ code: 'CORRUPT', file: 's3://b/x.avro' }) as Error)
    const small = readContainer(write('deflate', rows.slice(0, 2)))
    await expect(inflateBlocksAsync(small, 3)).rejects.toThrow('more than')
  })

  it('reports a damaged block once, and leaves nothing unhandled', async () => {
    const container = readContainer(write('deflate'))
    const damaged = { ...container, blocks: container.blocks.map(({ count }) => ({ count, bytes: Uint8Array.of(0xff) })) }
    await expect(inflateBlocksAsync(damaged)).rejects.toThrow('Corrupt deflate data')
  })
})

describe.skipIf(avsc === undefined)('avsc', () => {
  const avscCodecs = { deflate: 'deflate', null: 'null' } as const

  it.each(['deflate', 'null'] as const)('reads what we write (%s)', async (codec) => {
    const parseHook = (parsed: Avsc.Schema): Avsc.Type => avsc!.Type.forSchema(parsed, { registry: { long: exactLong(avsc!) } })
    const decoder = new avsc!.streams.BlockDecoder({ parseHook })
    const read: unknown[] = []
    const done = new Promise<void>((resolve, reject) => {
      decoder.on('data', (value) => read.push(value)).on('end', resolve).on('error', reject)
    })
    decoder.end(Buffer.from(write(avscCodecs[codec])))
    await done
    expect(read.map((value) => Object.values(value as object).map(unwrapped))).toEqual(rows)
  })

  it.each(['deflate', 'null'] as const)('writes what we read (%s)', async (codec) => {
    const type = avsc!.Type.forSchema(JSON.parse(schemaText) as Avsc.Schema, { registry: { long: exactLong(avsc!) } })
    const encoder = new avsc!.streams.BlockEncoder(type, { codec, blockSize: 512 })
    const parts: Buffer[] = []
    const done = new Promise<void>((resolve, reject) => {
      encoder.on('data', (part: Buffer) => parts.push(part)).on('end', resolve).on('error', reject)
    })
    for (const [id, s] of rows) encoder.write({ id, s })
    encoder.end()
    await done
    expect(readRecords(readContainer(Buffer.concat(parts)))).toEqual(rows)
  })
})

describe('readContainer', () => {
  it('refuses other files, unknown codecs and a missing schema, and names the file', () => {
    expect(() => readContainer(new TextEncoder().encode('PAR1PAR1'), 's3://b/x')).toThrow('magic of an Avro file (file s3://b/x)')
    expect(() => readContainer(new TextEncoder().encode('AGS1....'))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }) as Error)
    const text = new TextDecoder('latin1')
    const bytes = write('deflate')
    const at = text.decode(bytes).indexOf('deflate')
    const bzip = bytes.slice()
    bzip.set(new TextEncoder().encode('bzip2xx'), at)
    expect(() => readContainer(bzip)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }) as Error)
    const renamed = bytes.slice()
    renamed.set(new TextEncoder().encode('avro.SCHEMA'), text.decode(bytes).indexOf('avro.schema'))
    expect(() => readContainer(renamed)).toThrow('no avro.schema')
  })

  it('refuses a block that does not end with the sync marker', () => {
    const bytes = write('null')
    for (const offset of [1, 16]) {
      const damaged = bytes.slice()
      damaged[bytes.length - offset]! ^= 1
      expect(() => readContainer(damaged)).toThrow('no sync marker')
    }
  })

  it('refuses a snappy block whose checksum is wrong', () => {
    const container = readContainer(write('snappy'))
    const damaged = container.blocks[0]!.bytes.slice()
    damaged[damaged.length - 1]! ^= 1
    expect(() => inflateBlock(container, { count: 1, bytes: damaged })).toThrow('checksum')
  })

  it('refuses a block that claims more values than it holds, or fewer', () => {
    const container = readContainer(write('null'))
    const more = { ...container, blocks: [{ ...container.blocks[0]!, count: 2 ** 50 }] }
    expect(() => readRecords(more)).toThrow('claims')
    const fewer = { ...container, blocks: [{ ...container.blocks[0]!, count: 1 }] }
    expect(() => readRecords(fewer)).toThrow('after the last value')
  })

  it('refuses endless values of no bytes', () => {
    const writer = new ContainerWriter(parseAvroSchema('"null"'), { codec: 'null' })
    writer.add(null)
    const container = readContainer(writer.finish())
    expect(readRecords(container)).toEqual([null])
    expect(() => readRecords({ ...container, blocks: [{ count: 2 ** 40, bytes: new Uint8Array(0) }] })).toThrow('claims')
  })
})

describe('ContainerWriter', () => {
  it('gives equal files for equal input', () => {
    expect(write('deflate')).toEqual(write('deflate'))
  })

  it('estimates its length well enough to roll at a target size', () => {
    const writer = new ContainerWriter(schema, { blockBytes: 1_000 })
    for (const row of rows) writer.add(row)
    const estimate = writer.estimatedBytes
    const { length } = writer.finish()
    expect(Math.abs(estimate - length)).toBeLessThan(0.1 * length)
  })

  it.each(CODECS)('takes blocks that another writer of codec %s has made', (codec) => {
    const [schema, options] = [parseAvroSchema('"string"'), { codec }]
    const maker = new ContainerWriter(schema, options)
    expect(maker.endBlock()).toBeUndefined()
    for (const value of ['b', 'c']) maker.add(value)
    const made = maker.endBlock()!
    maker.add('other')
    maker.finish()
    const writer = new ContainerWriter(schema, options)
    writer.add('a')
    writer.addBlock(made)
    writer.add('d')
    const container = readContainer(writer.finish())
    expect(container.blocks.map((block) => block.count)).toEqual([1, 2, 1])
    expect(readRecords(container)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('leaves a refused value out and takes nothing after finish', () => {
    const writer = new ContainerWriter(schema, { codec: 'null' })
    writer.add([1n, 'a'])
    expect(() => writer.add([2n, 5])).toThrow(expect.objectContaining({ code: 'INVALID' }) as Error)
    writer.add([3n, null])
    expect(readRecords(readContainer(writer.finish()))).toEqual([[1n, 'a'], [3n, null]])
    expect(() => writer.add([4n, null])).toThrow('finished')
  })
})

function unwrapped(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'string' in value ? value.string : value
}
