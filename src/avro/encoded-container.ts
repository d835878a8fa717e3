import { concatenate } from '../util/concatenate.js'
import { encodeUtf8 } from '../util/utf8.js'
import { AvroOutput } from './avro-output.js'
import { printAvroSchema } from './avro-schema-json.js'
import type { AvroSchema } from './avro-schema.js'
import { compressBlockAsync, type AvroCodec } from './block-codec.js'
import { DEFAULT_BLOCK_BYTES, deriveSync, encodeContainerHeader, type ContainerWriterOptions } from './container-writer.js'

/** Blocks that are compressed at once: enough for the usual four threads of the pool. */
const BLOCKS_IN_FLIGHT = 4

/**
 * Writes a container file of values that are encoded already, and compresses its blocks on the libuv pool. The bytes are those that
 * a `ContainerWriter` makes of the same values.
 */
export class EncodedContainerWriter {
  /** Uncompressed bytes of all values so far. */
  rawBytes = 0
  /** What the blocks that were compressed so far took before and after that. */
  readonly compressed = { rawBytes: 0, packedBytes: 0 }
  private readonly header: Uint8Array
  private readonly sync: Uint8Array
  private readonly codec: AvroCodec
  private readonly level: number | undefined
  private readonly blockBytes: number
  private readonly parts: Promise<Uint8Array>[] = []
  private readonly inFlight = new Set<Promise<Uint8Array>>()
  private pending = new AvroOutput()
  private pendingCount = 0

  constructor(schema: AvroSchema, options: ContainerWriterOptions = {}) {
    this.codec = options.codec ?? 'deflate'
    this.level = options.level
    this.blockBytes = options.blockBytes ?? DEFAULT_BLOCK_BYTES
    this.header = encodeContainerHeader(encodeUtf8(printAvroSchema(schema)), this.codec, options.metadata ?? new Map<string, string>())
    this.sync = options.syncMarker ?? deriveSync(this.header)
  }

  /**
   * Appends one encoded value. A promise is to be waited for before the next value: too many blocks are being compressed.
   */
  add(value: Uint8Array): Promise<unknown> | undefined {
    this.pending.writeFixed(value)
    this.pendingCount++
    this.rawBytes += value.length
    if (this.pending.length >= this.blockBytes) this.endBlock()
    return this.inFlight.size < BLOCKS_IN_FLIGHT ? undefined : Promise.race(this.inFlight)
  }

  /** The whole file. Nothing can be added after it. */
  finish(): Promise<Uint8Array> {
    if (this.pendingCount > 0) this.endBlock()
    return Promise.all(this.parts).then((parts) => concatenate([this.header, this.sync, ...parts]))
  }

  private endBlock(): void {
    const raw = this.pending.bytes()
    const count = this.pendingCount
    // The bytes belong to the compressor until it is done.
    this.pending = new AvroOutput()
    this.pendingCount = 0
    const packing = compressBlockAsync(this.codec, raw, this.level)
    this.inFlight.add(packing)
    const framed = packing.then((packed) => {
      this.compressed.rawBytes += raw.length
      this.compressed.packedBytes += packed.length
      const head = new AvroOutput()
      head.writeLong(count)
      head.writeLong(packed.length)
      return concatenate([head.bytes(), packed, this.sync])
    })
    const settle = (): void => {
      this.inFlight.delete(packing)
    }
    // A failure is thrown by `finish`.
    framed.then(settle, settle)
    this.parts.push(framed)
  }
}
