import { FloeError } from '../util/errors.js'
import { encodeUtf8 } from '../util/utf8.js'
import { AvroOutput } from './avro-output.js'
import { printAvroSchema } from './avro-schema-json.js'
import type { AvroSchema, AvroValue } from './avro-schema.js'
import { compressBlock, type AvroCodec } from './block-codec.js'
import { SYNC_BYTES, type AvroBlock } from './container.js'
import { compileEncoder } from './encoder.js'

/** Uncompressed bytes after which a block ends: the reference's default. */
export const DEFAULT_BLOCK_BYTES = 64_000

export interface ContainerWriterOptions {
  /** Entries besides `avro.schema` and `avro.codec`, in order. */
  readonly metadata?: ReadonlyMap<string, string>
  /** Default deflate. */
  readonly codec?: AvroCodec
  /** The codec's own; default the codec's own default. */
  readonly level?: number | undefined
  /** Uncompressed bytes per block, default 64,000. */
  readonly blockBytes?: number
  /** 16 bytes. Default: derived from the header, so that equal input gives equal files. */
  readonly syncMarker?: Uint8Array
}

/** What every file of one schema needs. */
interface CompiledSchema {
  readonly encode: (output: AvroOutput, value: AvroValue) => void
  readonly text: Uint8Array
}

/** Small files take longer to describe than to write, so that schemas which are used again are compiled once. */
const compiledSchemas = new WeakMap<AvroSchema, CompiledSchema>()

/** Writes a container file value by value. */
export class ContainerWriter {
  private readonly parts: Uint8Array[] = []
  private readonly pending = new AvroOutput()
  private readonly encode: (output: AvroOutput, value: AvroValue) => void
  private readonly sync: Uint8Array
  private readonly codec: AvroCodec
  private readonly level: number | undefined
  private readonly blockBytes: number
  private pendingCount = 0
  private finishedBytes = 0
  private rawBytes = 0
  private packedBytes = 0
  private finished = false

  constructor(schema: AvroSchema, options: ContainerWriterOptions = {}) {
    this.codec = options.codec ?? 'deflate'
    this.level = options.level
    this.blockBytes = options.blockBytes ?? DEFAULT_BLOCK_BYTES
    const { encode, text } = compileSchema(schema)
    this.encode = encode
    const header = encodeContainerHeader(text, this.codec, options.metadata ?? new Map<string, string>())
    this.sync = options.syncMarker ?? deriveSync(header)
    if (this.sync.length !== SYNC_BYTES) throw new FloeError('INVALID', `An Avro sync marker has ${SYNC_BYTES} bytes, not ${this.sync.length}`)
    this.push(header)
    this.push(this.sync)
  }

  /** Appends one value. Throws `INVALID` when it is not of the schema; the file is then as it was before. */
  add(value: AvroValue): void {
    if (this.finished) throw new FloeError('INVALID', 'This Avro file is finished; write further values to a new one')
    const start = this.pending.length
    try {
      this.encode(this.pending, value)
    } catch (error) {
      this.pending.truncate(start)
      throw error
    }
    this.pendingCount++
    if (this.pending.length >= this.blockBytes) this.endBlock()
  }

  /** Ends the block that is open, if one is. What it became may be given to writers of the same schema, codec and level. */
  endBlock(): AvroBlock | undefined {
    if (this.pendingCount === 0) return undefined
    const packed = compressBlock(this.codec, this.pending.bytes(), this.level)
    // The null codec hands back the buffer that the next block will overwrite.
    const block = { count: this.pendingCount, bytes: this.codec === 'null' ? packed.slice() : packed }
    this.rawBytes += this.pending.length
    this.packedBytes += packed.length
    this.pending.truncate(0)
    this.pendingCount = 0
    this.pushBlock(block)
    return block
  }

  /** Appends a block that a writer of the same schema, codec and level has made. */
  addBlock(block: AvroBlock): void {
    this.endBlock()
    this.pushBlock(block)
  }

  /** What {@link finish} would yield by now; the open block counts at the ratio of the blocks before it. */
  get estimatedBytes(): number {
    const ratio = this.rawBytes === 0 ? 1 : this.packedBytes / this.rawBytes
    return this.finishedBytes + Math.ceil(this.pending.length * ratio)
  }

  /** The whole file. Nothing can be added after it. */
  finish(): Uint8Array {
    this.endBlock()
    this.finished = true
    const file = new Uint8Array(this.finishedBytes)
    let position = 0
    for (const part of this.parts) {
      file.set(part, position)
      position += part.length
    }
    return file
  }

  private pushBlock(block: AvroBlock): void {
    const head = this.pending
    head.writeLong(block.count)
    head.writeLong(block.bytes.length)
    this.push(head.bytes().slice())
    head.truncate(0)
    this.push(block.bytes)
    this.push(this.sync)
  }

  private push(part: Uint8Array): void {
    this.parts.push(part)
    this.finishedBytes += part.length
  }
}

function compileSchema(schema: AvroSchema): CompiledSchema {
  const known = compiledSchemas.get(schema)
  if (known !== undefined) return known
  const compiled = { encode: compileEncoder(schema), text: encodeUtf8(printAvroSchema(schema)) }
  compiledSchemas.set(schema, compiled)
  return compiled
}

/** The bytes before the first sync marker. */
export function encodeContainerHeader(schemaText: Uint8Array, codec: AvroCodec, metadata: ReadonlyMap<string, string>): Uint8Array {
  const output = new AvroOutput()
  output.writeFixed(Uint8Array.of(0x4f, 0x62, 0x6a, 0x01))
  output.writeLong(metadata.size + 2)
  for (const [key, text] of metadata) {
    output.writeString(key)
    output.writeBytes(encodeUtf8(text))
  }
  output.writeString('avro.schema')
  output.writeBytes(schemaText)
  output.writeString('avro.codec')
  output.writeBytes(encodeUtf8(codec))
  output.writeInt(0)
  return output.bytes().slice()
}

/** The sync marker of a header: four FNV-1a hashes of it from different offsets, as good as random for telling blocks from data. */
export function deriveSync(header: Uint8Array): Uint8Array {
  const lane = (number: number): number => 0x811c9dc5 ^ Math.imul(number, 0x9e3779b1)
  let [a, b, c, d] = [lane(1), lane(2), lane(3), lane(4)]
  for (let i = 0; i < header.length; i++) {
    const byte = header[i]!
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b ^ byte, 0x01000193)
    c = Math.imul(c ^ byte, 0x01000193)
    d = Math.imul(d ^ byte, 0x01000193)
  }
  const sync = new Uint8Array(SYNC_BYTES)
  const view = new DataView(sync.buffer)
  for (const [i, hash] of [a, b, c, d].entries()) view.setInt32(4 * i, hash)
  return sync
}
