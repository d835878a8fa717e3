/** Damaged and hostile Avro data files: typed errors that name the file, or rows, in bounded time and memory. */
import { describe, expect, it } from 'vitest'
import { AvroOutput } from '../../src/avro/avro-output.js'
import type { AvroRecord } from '../../src/avro/avro-schema.js'
import type { AvroReadOptions } from '../../src/avro-data/avro-data-file.js'
import { Schema } from '../../src/schema/schema.js'
import { FloeError } from '../../src/util/errors.js'
import { everyRow, everyType } from '../arrow/every-type.js'
import { failureOf } from '../support/lake.js'
import { avroBytes, fileOf, readBatches, writeAvroFile } from './avro-file.js'

const one = new Schema([{ id: 1, name: 'c', type: { kind: 'string' }, required: false }])
const record = (schema: AvroRecord['fields'][number]['schema']): AvroRecord => ({ kind: 'record', name: 'r', fields: [{ name: 'c', fieldId: 1, schema }] })

/** A file of one uncompressed block with any count and content. */
function withBlock(schema: AvroRecord, count: number, content: Uint8Array, declared = content.length): Uint8Array {
  const header = avroBytes(schema, [], { codec: 'null' })
  const block = new AvroOutput()
  block.writeLong(count)
  block.writeLong(declared)
  return Buffer.concat([header, block.bytes(), content, header.subarray(-16)])
}

async function failureIn(bytes: Uint8Array, options: Partial<AvroReadOptions> = {}): Promise<FloeError> {
  const file = await fileOf(bytes)
  const failure = await failureOf(readBatches({ ...file, projection: one, ...options }))
  expect(failure).toBeInstanceOf(FloeError)
  expect(failure.file).toBe(file.location)
  return failure
}

describe('a damaged file', () => {
  it('fails wherever it is cut, but where a block ends', async () => {
    const whole = await writeAvroFile(everyType, [everyRow(1), everyRow(2)], { codec: 'null', blockBytes: 1 })
    const bytes = await whole.io.read(whole.location)
    const marker = bytes.subarray(-16)
    for (let end = 0; end < bytes.length; end += end < bytes.length - 1_000 ? 11 : 1) {
      const cut = bytes.slice(0, end)
      if (end > 64 && Buffer.compare(cut.subarray(-16), marker) === 0) continue
      expect(await failureIn(cut, { projection: everyType })).toMatchObject({ code: 'CORRUPT' })
    }
  })

  it('is an error or other rows after any change of its bytes, never anything else', async () => {
    let state = 1
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    for (const codec of ['null', 'deflate', 'snappy', 'zstandard'] as const) {
      const whole = await writeAvroFile(everyType, [everyRow(1), everyRow(2), everyRow(3)], { codec, blockBytes: 400 })
      const bytes = await whole.io.read(whole.location)
      for (let i = 0; i < 300; i++) {
        const changed = bytes.slice()
        for (let change = 0; change <= i % 3; change++) changed[random(bytes.length)] = random(256)
        const file = await fileOf(changed)
        try {
          await readBatches({ ...file, projection: everyType })
        } catch (error) {
          if (!(error instanceof FloeError)) throw error
          expect(['CORRUPT', 'UNSUPPORTED']).toContain(error.code)
        }
      }
    }
  })

  it('is named when its text is not UTF-8, also where only a value, not the column, is cut', async () => {
    const invalid = withBlock(record({ kind: 'string' }), 1, Uint8Array.of(2, 0xff))
    expect(await failureIn(invalid)).toMatchObject({ code: 'CORRUPT', column: 'c' })
    const halves = withBlock(record({ kind: 'string' }), 2, Uint8Array.of(2, 0xc3, 2, 0xa9))
    expect(await failureIn(halves)).toMatchObject({ code: 'CORRUPT', column: 'c' })
  })

  it('is refused for bytes after its rows, for two columns of one id, and for a decimal that no decimal type holds', async () => {
    expect((await failureIn(withBlock(record({ kind: 'string' }), 1, Uint8Array.of(0, 0)))).message).toContain('after the last row')
    const fields: AvroRecord['fields'] = [...record({ kind: 'string' }).fields, { name: 'd', fieldId: 1, schema: { kind: 'int' } }]
    const twice: AvroRecord = { kind: 'record', name: 'r', fields }
    expect((await failureIn(avroBytes(twice, []))).message).toContain('field id 1')
    const decimal = new Schema([{ id: 1, name: 'c', type: { kind: 'decimal', precision: 9, scale: 0 }, required: false }])
    const bytes = withBlock(record({ kind: 'bytes', logicalType: 'decimal', precision: 9, scale: 0 }), 1, Uint8Array.of(34, 1, ...new Uint8Array(16)))
    expect((await failureIn(bytes, { projection: decimal })).message).toContain('larger than any decimal')
  })
})

describe('a hostile file', () => {
  it('cannot claim more rows, items or bytes than it has', async () => {
    const text = record({ kind: 'string' })
    expect(await failureIn(withBlock(text, 2 ** 40, Uint8Array.of(0)))).toMatchObject({ code: 'CORRUPT' })
    expect(await failureIn(withBlock(text, 1, Uint8Array.of(0), 2 ** 40))).toMatchObject({ code: 'CORRUPT' })
    const list = new Schema([{ id: 1, name: 'c', type: { kind: 'list', elementId: 2, element: { kind: 'int' }, elementRequired: false }, required: false }])
    const items = new AvroOutput()
    items.writeLong(2 ** 40)
    const claimed = withBlock(record({ kind: 'array', items: { kind: 'int' }, elementId: 2 }), 1, items.bytes())
    expect(await failureIn(claimed, { projection: list })).toMatchObject({ code: 'CORRUPT' })
  })

  it('cannot make rows of nothing without end: all blocks share one budget', async () => {
    const empty = record({ kind: 'null' })
    const blocks = Array.from({ length: 18 }, () => withBlock(empty, 1_000_000, new Uint8Array(0)))
    const header = avroBytes(empty, [], { codec: 'null' }).length
    const bytes = Buffer.concat([blocks[0]!, ...blocks.slice(1).map((block) => block.subarray(header))])
    const failure = await failureIn(bytes, { projection: new Schema([]) })
    expect(failure).toMatchObject({ code: 'CORRUPT' })
  })

  it('cannot inflate one byte to gigabytes of fixed values', async () => {
    const wide = new Schema([{ id: 1, name: 'c', type: { kind: 'list', elementId: 2, element: { kind: 'fixed', length: 2 ** 20 }, elementRequired: false }, required: false }])
    const item = { kind: 'union' as const, branches: [{ kind: 'null' as const }, { kind: 'fixed' as const, name: 'f', size: 2 ** 20 }] }
    const items = new AvroOutput()
    items.writeLong(60_000)
    const content = Buffer.concat([items.bytes(), new Uint8Array(60_001)])
    const bytes = withBlock(record({ kind: 'array', items: item, elementId: 2 }), 1, content)
    expect(await failureIn(bytes, { projection: wide })).toMatchObject({ code: 'UNSUPPORTED', column: 'c.element' })
  })

  it('is refused when it is encrypted, compressed in an unknown way, or no record', async () => {
    expect(await failureIn(Buffer.from('AGS1........'))).toMatchObject({ code: 'UNSUPPORTED' })
    const codec = Buffer.from(avroBytes(record({ kind: 'string' }), [], { codec: 'null' }))
    codec.write('nuxx', codec.indexOf('null', codec.indexOf('avro.codec')))
    expect(await failureIn(codec)).toMatchObject({ code: 'UNSUPPORTED' })
    const text = Buffer.from(avroBytes(record({ kind: 'string' }), [])).toString('latin1')
    const scalar = Buffer.from(text.replace('"type":"record"', '"type":"string"'), 'latin1')
    expect(await failureIn(scalar)).toMatchObject({ code: 'CORRUPT' })
  })

  it('stops when the caller aborts', async () => {
    const file = await writeAvroFile(everyType, [everyRow(1)])
    expect(await failureOf(readBatches({ ...file, projection: everyType, signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORTED' })
  })
})
