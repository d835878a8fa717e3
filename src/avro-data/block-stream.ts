import { AvroInput } from '../avro/avro-input.js'
import { decompressBlockAsync } from '../avro/block-codec.js'
import { readContainerHeader, sameSync, SYNC_BYTES } from '../avro/container.js'
import type { AvroHeader } from '../avro/container.js'
import { throwIfAborted } from '../io/aborted.js'
import { FloeError } from '../util/errors.js'
import { SequentialBytes } from './sequential-bytes.js'
import type { SequentialSource } from './sequential-bytes.js'

/** The rows of one block, inflated. */
export interface StoredBlock {
  /** How many rows it claims; not yet checked against the content. */
  readonly count: number
  readonly content: Uint8Array
  /** Ordinal of its first row in the file. */
  readonly firstPosition: number
}

/** The same, still compressed. */
interface PackedBlock extends Omit<StoredBlock, 'content'> {
  readonly stored: Uint8Array
}

interface ByteSplit {
  readonly offset: number
  readonly length: number
}

/** A header is a schema and little more; what has not ended by then is no header. */
const MAX_HEADER_BYTES = 16 * 2 ** 20
const FIRST_HEADER_BYTES = 64 * 2 ** 10
/** Two varints. */
const BLOCK_HEADER_BYTES = 20
/** Most bytes that a block may have or inflate to. Writers cut blocks at some 64 kB, or at the row that crosses it. */
const MAX_BLOCK_BYTES = 256 * 2 ** 20
/** Blocks that are inflated ahead of the one in use, and the stored bytes of them. */
const BLOCKS_AHEAD = 3
const AHEAD_BYTES = 2 ** 20

/** A container file read from its start to its end, a few blocks at a time. */
export class BlockStream {
  readonly header: AvroHeader
  readonly #bytes: SequentialBytes
  readonly #signal: AbortSignal | undefined
  /** Where the first block starts. */
  readonly #start: number

  private constructor(header: AvroHeader, start: number, bytes: SequentialBytes, signal: AbortSignal | undefined) {
    this.header = header
    this.#start = start
    this.#bytes = bytes
    this.#signal = signal
  }

  /** @throws FloeError `CORRUPT` or `UNSUPPORTED` for a header that is none, or of an encrypted file */
  static async open(source: SequentialSource): Promise<BlockStream> {
    throwIfAborted(source.signal)
    const bytes = new SequentialBytes(source)
    for (let length = FIRST_HEADER_BYTES; ; length *= 4) {
      const available = Math.min(length, source.fileSizeBytes)
      const input = new AvroInput(await bytes.view(0, available), source.location)
      try {
        const header = readContainerHeader(input)
        return new BlockStream(header, input.position, bytes, source.signal)
      } catch (error) {
        // Too few bytes look like a damaged header
        const isWhole = available === source.fileSizeBytes || available >= MAX_HEADER_BYTES
        if (isWhole || !(error instanceof FloeError) || error.code !== 'CORRUPT') throw error
      }
    }
  }

  /** The blocks whose preceding sync marker starts in `split`, in order; those before it are counted, not inflated. */
  async *blocks(split?: ByteSplit): AsyncGenerator<StoredBlock, void, undefined> {
    const waiting: (Promise<StoredBlock> & { storedBytes?: number })[] = []
    let ahead = 0
    for await (const { stored, count, firstPosition } of this.#storedBlocks(split)) {
      const inflating = decompressBlockAsync(this.header.codec, stored, MAX_BLOCK_BYTES)
      const inflated = inflating.then((content) => ({ content, count, firstPosition }))
      // It is awaited in its turn, if at all
      inflated.catch(() => undefined)
      waiting.push(Object.assign(inflated, { storedBytes: stored.length }))
      ahead += stored.length
      while (waiting.length > BLOCKS_AHEAD || (ahead > AHEAD_BYTES && waiting.length > 0)) {
        const next = waiting.shift()!
        ahead -= next.storedBytes!
        yield await next
        throwIfAborted(this.#signal)
      }
    }
    for (const block of waiting) yield await block
  }

  // Source: the reference's `AvroIO.findStartingRowPos`
  async *#storedBlocks(split: ByteSplit | undefined): AsyncGenerator<PackedBlock, void, undefined> {
    const { size } = this.#bytes
    const first = split?.offset ?? 0
    const end = split === undefined ? Infinity : split.offset + split.length
    let firstPosition = 0
    for (let at = this.#start; at < size && at - SYNC_BYTES < end; ) {
      throwIfAborted(this.#signal)
      const head = new AvroInput(await this.#bytes.view(at, Math.min(BLOCK_HEADER_BYTES, size - at)), this.header.file)
      const count = head.readSize()
      const length = head.readSize()
      const content = at + head.position
      const remaining = size - content
      if (length + SYNC_BYTES > remaining) throw head.corrupt(`has a block of ${length} bytes where ${remaining} remain at offset ${content}`)
      if (length > MAX_BLOCK_BYTES) throw tooLarge(length)
      const isWanted = at - SYNC_BYTES >= first
      const tail = isWanted ? await this.#bytes.view(content, length + SYNC_BYTES) : await this.#bytes.view(content + length, SYNC_BYTES)
      const stored = tail.subarray(0, tail.length - SYNC_BYTES)
      if (!sameSync(tail.subarray(stored.length), this.header.sync)) throw head.corrupt(`has no sync marker at offset ${content + length}`)
      if (isWanted) yield { stored, count, firstPosition }
      firstPosition += count
      if (!Number.isSafeInteger(firstPosition)) throw head.corrupt('claims more rows than there can be')
      at = content + length + SYNC_BYTES
    }
  }
}

function tooLarge(length: number): FloeError {
  const message = `An Avro block of ${length} bytes is larger than the ${MAX_BLOCK_BYTES} that are read at once`
  return new FloeError('UNSUPPORTED', `${message}; rewrite the file with smaller blocks`)
}
