import { FloeError } from '../util/errors.js'
import { decodeUtf8 } from '../util/utf8.js'
import { AvroInput } from './avro-input.js'
import { parseAvroSchema } from './avro-schema-json.js'
import { minEncodedBytes, type AvroSchema, type AvroValue } from './avro-schema.js'
import { avroCodec, decompressBlock, decompressBlockAsync, type AvroCodec } from './block-codec.js'
import { compileDecoder, type Decode, type DecoderOptions } from './decoder.js'

const MAGIC = [0x4f, 0x62, 0x6a, 0x01]
/** `AGS1`: an AES-GCM stream, in which encrypted tables keep their manifests. */
const ENCRYPTED_MAGIC = [0x41, 0x47, 0x53, 0x31]
/** Length of the marker behind the header and every block. */
export const SYNC_BYTES = 16
/** Most bytes that one block may inflate to, unless the caller says otherwise. Writers cut blocks at some 64 kB. */
const DEFAULT_MAX_BLOCK_BYTES = 2 ** 30
/** Enough to keep a pool of the usual four threads busy, without inflating a whole bomb at once. */
const BLOCKS_IN_FLIGHT = 8
const SMALL_BLOCK_BYTES = 16_384

/** One block as stored: still compressed. */
export interface AvroBlock {
  /** How many values it holds; not yet checked against its content. */
  readonly count: number
  /** A view into the file. */
  readonly bytes: Uint8Array
}

/** What stands before the first block. */
export interface AvroHeader {
  /** For errors. */
  readonly file: string | undefined
  /** Values are raw bytes, views into the file. */
  readonly metadata: ReadonlyMap<string, Uint8Array>
  /** The text of `avro.schema`. */
  readonly schemaText: string
  readonly codec: AvroCodec
  /** The marker that follows the header and every block. */
  readonly sync: Uint8Array
}

/** A container file taken apart, nothing decompressed. Source: Avro specification › Object Container Files */
export interface AvroContainer extends AvroHeader {
  readonly blocks: readonly AvroBlock[]
}

/**
 * Splits a container file into its compressed blocks, so that a caller may decompress them where and in what order it likes.
 * Every length is checked against the bytes that remain. Throws `CORRUPT`, or `UNSUPPORTED` for an unknown codec.
 */
export function readContainer(bytes: Uint8Array, file?: string): AvroContainer {
  const input = new AvroInput(bytes, file)
  const header = readContainerHeader(input)
  return { ...header, blocks: readBlocks(input, header.sync) }
}

/**
 * Reads the header at the start of a container file and leaves `input` at the first block. Throws `CORRUPT`, also when the bytes end
 * before the header does, or `UNSUPPORTED` for encryption and unknown codecs.
 */
export function readContainerHeader(input: AvroInput): AvroHeader {
  const { bytes, file } = input
  if (startsWith(bytes, ENCRYPTED_MAGIC)) throw new FloeError('UNSUPPORTED', 'The file is encrypted, which this version cannot read', { file })
  if (!startsWith(bytes, MAGIC)) throw input.corrupt('does not begin with the magic of an Avro file')
  input.take(MAGIC.length)
  const metadata = readMetadata(input)
  const schemaBytes = metadata.get('avro.schema')
  if (schemaBytes === undefined) throw input.corrupt('has no avro.schema')
  const codecBytes = metadata.get('avro.codec')
  const codec = avroCodec(codecBytes === undefined ? undefined : decodeUtf8(codecBytes), file)
  const sync = input.readFixed(SYNC_BYTES)
  return { file, metadata, schemaText: decodeUtf8(schemaBytes), codec, sync }
}

/** The text of one metadata entry; undefined when absent. */
export function metadataText(container: AvroContainer, key: string): string | undefined {
  const bytes = container.metadata.get(key)
  return bytes === undefined ? undefined : decodeUtf8(bytes)
}

export interface ReadRecordsOptions extends DecoderOptions {
  /** Default 1 GiB. */
  readonly maxBlockBytes?: number
}

/** Decodes every value of `container` in the shape of `reader` (default: as written), in order. */
export function readRecords(container: AvroContainer, reader?: AvroSchema, options: ReadRecordsOptions = {}): AvroValue[] {
  const { decode, minBytes } = compileReader(container, reader, options)
  const values: AvroValue[] = []
  for (const block of container.blocks) {
    const input = new AvroInput(inflateBlock(container, block, options.maxBlockBytes), container.file)
    input.checkCount(block.count, minBytes)
    for (let i = 0; i < block.count; i++) values.push(decode(input))
    if (input.remaining !== 0) throw input.corrupt(`has ${input.remaining} bytes after the last value of a block`)
  }
  return values
}

interface CompiledReader {
  readonly schemaText: string
  readonly longs: DecoderOptions['longs']
  readonly decode: Decode
  readonly minBytes: number
}

/** The decoder that was used last with each shape to read in: files of one table are written with one schema. */
const lastReaders = new WeakMap<AvroSchema, CompiledReader>()

function compileReader({ schemaText, file }: AvroContainer, reader: AvroSchema | undefined, options: DecoderOptions): CompiledReader {
  const last = reader === undefined ? undefined : lastReaders.get(reader)
  if (last?.schemaText === schemaText && last.longs === options.longs) return last
  const writer = parseAvroSchema(schemaText, file)
  const decode = compileDecoder(writer, reader ?? writer, options)
  const compiled = { schemaText, longs: options.longs, decode, minBytes: minEncodedBytes(writer) }
  if (reader !== undefined) lastReaders.set(reader, compiled)
  return compiled
}

/** The content of one block; errors name the file. */
export function inflateBlock(container: AvroContainer, block: AvroBlock, maxBlockBytes = DEFAULT_MAX_BLOCK_BYTES): Uint8Array {
  try {
    return decompressBlock(container.codec, block.bytes, maxBlockBytes)
  } catch (error) {
    throw located(error, container)
  }
}

/**
 * The contents of all blocks, in their order, inflated on the libuv pool a few at a time. Together they may have at most
 * `maxInflatedBytes` (default 1 GiB). A file of one small block is not worth the detour and is inflated at once.
 */
export function inflateBlocksAsync(container: AvroContainer, maxInflatedBytes = DEFAULT_MAX_BLOCK_BYTES): Promise<Uint8Array[]> {
  const { blocks, codec } = container
  const contents = new Array<Uint8Array>(blocks.length)
  let remaining = maxInflatedBytes
  let next = 0
  const store = (index: number, content: Uint8Array): void => {
    if (content.length > remaining) throw new FloeError('CORRUPT', `The file inflates to more than ${maxInflatedBytes} bytes`)
    remaining -= content.length
    contents[index] = content
  }
  const pull = (): Promise<void> => {
    if (next === blocks.length) return Promise.resolve()
    const index = next++
    return decompressBlockAsync(codec, blocks[index]!.bytes, remaining).then((content) => {
      store(index, content)
      return pull()
    })
  }
  const small = blocks.length === 1 && blocks[0]!.bytes.length < SMALL_BLOCK_BYTES
  const pulled = small
    ? Promise.resolve().then(() => { store(0, decompressBlock(codec, blocks[0]!.bytes, remaining)) })
    : Promise.all(Array.from({ length: BLOCKS_IN_FLIGHT }, pull))
  return pulled.then(
    () => contents,
    (error: unknown) => {
      // Whatever is queued behind a failure is not worth inflating.
      next = blocks.length
      throw located(error, container)
    },
  )
}

function located(error: unknown, { file }: AvroContainer): unknown {
  if (!(error instanceof FloeError) || file === undefined) return error
  return new FloeError(error.code, error.message, { file, cause: error })
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte)
}

function readMetadata(input: AvroInput): Map<string, Uint8Array> {
  const metadata = new Map<string, Uint8Array>()
  for (let count = input.readBlockCount(2); count > 0; count = input.readBlockCount(2)) {
    for (let i = 0; i < count; i++) {
      const key = input.readString()
      metadata.set(key, input.readBytes())
    }
  }
  return metadata
}

function readBlocks(input: AvroInput, sync: Uint8Array): AvroBlock[] {
  const blocks: AvroBlock[] = []
  while (input.remaining > 0) {
    const count = input.readSize()
    const bytes = input.readBytes()
    const marker = input.readFixed(SYNC_BYTES)
    if (!sameSync(marker, sync)) {
      throw input.corrupt(`has no sync marker at offset ${input.position - SYNC_BYTES}, after block ${blocks.length}`)
    }
    blocks.push({ count, bytes })
  }
  return blocks
}

/** Whether the bytes after a block are the file's marker. */
export function sameSync(marker: Uint8Array, sync: Uint8Array): boolean {
  for (let i = 0; i < SYNC_BYTES; i++) if (marker[i] !== sync[i]) return false
  return true
}
