import type { RecordBatch } from 'apache-arrow'
import { columnsOf, type Chunk } from '../../arrow/arrow-data.js'
import { columnByPath } from '../../arrow/column-by-path.js'
import { columnReader } from '../../arrow/column-reader.js'
import { inflateBlock, readContainer } from '../../avro/container.js'
import type { FileIO } from '../../io/file-io.js'
import { MemoryFileIO } from '../../io/memory-file-io.js'
import { throwIfAborted } from '../../io/aborted.js'
import { codecId, pageType, type FileMetaData } from '../../parquet/file-metadata.js'
import { decompressPage } from '../../parquet/page-codec.js'
import { chunkRange } from '../../parquet/page-index.js'
import { walkPages, type Page } from '../../parquet/page-walk.js'
import { parseFileSchema, type LeafNode } from '../../parquet/parquet-schema.js'
import { readFooter } from '../../parquet/read-footer.js'
import { decodePuffinBlob, decodePuffinFile } from '../../puffin/puffin-file.js'
import type { PuffinBlob } from '../../puffin/puffin-footer.js'
import { decodeThetaSketch, THETA_BLOB_TYPE, THETA_SEED } from '../../puffin/theta-sketch.js'
import type { Schema } from '../../schema/schema.js'
import { decompressSnappy, gunzip } from '../../util/compression.js'
import { FloeError } from '../../util/errors.js'
import { hash128, murmur3Bytes } from '../../util/murmur3-128.js'
import { compareBytes } from '../../util/utf8.js'
import type { FsckTable } from '../fsck/fsck-context.js'
import { readFileColumns } from '../fsck/measure-file.js'
import { boundOf } from './purge-keys.js'
import type { PurgeTarget } from './purge-target.js'

/** An object to look into. */
export interface ScannedObject {
  readonly location: string
  readonly sizeBytes: number
  /** Where it is read from, in any location it has. */
  readonly io: FileIO
}

export interface ScanTotals {
  objects: number
  bytes: number
  decodedBytes: number
  rows: number
  versions: number
}

const PIECE_BYTES = 8 * 2 ** 20
const MAX_INFLATED_BYTES = 2 ** 30

/**
 * Looks for purged rows and their keys in single objects: in the bytes as they are, and in what each format makes of them. An
 * object is told by its first bytes, not by its name.
 */
export class ObjectScanner {
  readonly totals: ScanTotals = { objects: 0, bytes: 0, decodedBytes: 0, rows: 0, versions: 0 }
  readonly undecoded: { location: string; reason: string }[] = []

  constructor(
    private readonly table: FsckTable,
    private readonly target: PurgeTarget,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Where the object holds a row or key; undefined when it holds none. */
  async scan(object: ScannedObject): Promise<string | undefined> {
    throwIfAborted(this.signal)
    this.totals.objects++
    this.totals.bytes += object.sizeBytes
    if (this.#grep(Buffer.from(object.location))) return 'its name'
    const raw = await this.#scanRaw(object)
    if (raw !== undefined || object.sizeBytes < 4) return raw
    try {
      return await this.#decode(object, await object.io.read(object.location, { range: { offset: 0, length: 4 }, signal: this.signal }))
    } catch (error) {
      throwIfAborted(this.signal)
      if (!(error instanceof FloeError) || error.code === 'UNAVAILABLE' || error.code === 'UNAUTHORIZED') throw error
      this.undecoded.push({ location: this.target.keys.mask(object.location), reason: error.message })
      return undefined
    }
  }

  /** The same for bytes that are no object of their own. */
  scanBytes(location: string, bytes: Uint8Array): Promise<string | undefined> {
    const io = new MemoryFileIO()
    const place = 'memory:///version'
    return io.write(place, bytes).then(() => this.scan({ location: place, sizeBytes: bytes.length, io })).then((seen) => {
      return seen ?? (this.#grep(Buffer.from(location)) ? 'its name' : undefined)
    })
  }

  #grep(bytes: Uint8Array): boolean {
    return this.target.keys.needles.isIn(bytes)
  }

  /** Piece by piece, each with the end of the one before. */
  async #scanRaw({ io, location, sizeBytes }: ScannedObject): Promise<string | undefined> {
    const { needles } = this.target.keys
    if (needles.size === 0) return undefined
    const overlap = Math.max(0, needles.maxBytes - 1)
    for (let offset = 0; offset < sizeBytes; offset += PIECE_BYTES) {
      throwIfAborted(this.signal)
      const start = Math.max(0, offset - overlap)
      const length = Math.min(sizeBytes, offset + PIECE_BYTES) - start
      if (needles.isIn(await io.read(location, { range: { offset: start, length }, signal: this.signal }))) return 'its bytes'
    }
    return undefined
  }

  async #decode(object: ScannedObject, head: Uint8Array): Promise<string | undefined> {
    const magic = String.fromCharCode(...head)
    if (magic === 'PAR1') return this.#parquet(object)
    if (magic === 'ORC') throw new FloeError('UNSUPPORTED', 'ORC files are not decoded by this version')
    if (magic !== 'Obj\u0001' && magic !== 'PFA1' && !(head[0] === 0x1f && head[1] === 0x8b)) return undefined
    const bytes = await object.io.read(object.location, { signal: this.signal })
    if (magic === 'PFA1') return this.#puffin(object, bytes)
    if (magic === 'Obj\u0001') return this.#avro(object, bytes)
    return this.#decoded(gunzip(bytes, MAX_INFLATED_BYTES)) ? 'its text' : undefined
  }

  #decoded(bytes: Uint8Array): boolean {
    this.totals.decodedBytes += bytes.length
    return this.#grep(bytes)
  }

  async #avro(object: ScannedObject, bytes: Uint8Array): Promise<string | undefined> {
    const container = readContainer(bytes, object.location)
    for (const block of container.blocks) if (this.#decoded(inflateBlock(container, block, MAX_INFLATED_BYTES))) return 'a block'
    // Data and equality deletes in Avro; manifests have none of these columns.
    return container.schemaText.includes('manifest_entry') || container.schemaText.includes('manifest_file') ? undefined : this.#rows(object, 'avro', undefined)
  }

  #puffin({ location }: ScannedObject, bytes: Uint8Array): string | undefined {
    for (const blob of decodePuffinFile(bytes, location).blobs) {
      const content = decodePuffinBlob(blob, bytes.subarray(blob.offset, blob.offset + blob.length), MAX_INFLATED_BYTES)
      if (this.#decoded(content)) return `a blob of type ${blob.type}`
      if (blob.type === THETA_BLOB_TYPE && this.#isSketched(blob, content, location)) return 'a theta sketch'
    }
    return undefined
  }

  /** Whether a sketch has kept the hash of a key. Spec: Puffin › apache-datasketches-theta-v1 */
  #isSketched(blob: PuffinBlob, content: Uint8Array, location: string): boolean {
    const hashes = new Set(decodeThetaSketch(content, location).hashes)
    for (const fieldId of blob.fields) {
      for (const key of this.target.keys.keysOf(fieldId)) {
        const bytes = boundOf(key)
        if (bytes === undefined || bytes.length === 0) continue
        murmur3Bytes(bytes, 0, bytes.length, THETA_SEED)
        if (hashes.has(((BigInt(hash128.high >>> 0) << 32n) | BigInt(hash128.low >>> 0)) >> 1n)) return true
      }
    }
    return false
  }

  async #parquet(object: ScannedObject): Promise<string | undefined> {
    const { io, location, sizeBytes: fileSizeBytes } = object
    const footer = await readFooter({ io, location, fileSizeBytes, signal: this.signal })
    const { leaves } = parseFileSchema(footer.schema)
    if (this.#inStatistics(footer, leaves)) return 'statistics of a row group'
    const pages = await this.#pages(object, footer)
    return pages ?? this.#rows(object, 'parquet', new Set(leaves.flatMap(({ fieldId }) => fieldId ?? [])))
  }

  #inStatistics({ rowGroups }: FileMetaData, leaves: readonly LeafNode[]): boolean {
    return rowGroups.some(({ columns }) =>
      leaves.some(({ fieldId, columnIndex }) => {
        const statistics = columns[columnIndex]?.metaData?.statistics
        if (fieldId === undefined || statistics === undefined) return false
        const bounds = [statistics.minValue, statistics.maxValue, statistics.min, statistics.max].filter((bound) => bound !== undefined)
        return [...this.target.keys.keysOf(fieldId)].some((key) => {
          const bytes = boundOf(key)
          return bytes !== undefined && bounds.some((bound) => compareBytes(bound, bytes) === 0)
        })
      }),
    )
  }

  /** Dictionaries and pages, also of columns that the table does not know. */
  async #pages({ io, location }: ScannedObject, { rowGroups }: FileMetaData): Promise<string | undefined> {
    if (this.target.keys.needles.size === 0) return undefined
    for (const { columns } of rowGroups) {
      for (const { metaData } of columns) {
        throwIfAborted(this.signal)
        // What is not compressed was in the bytes; what only the engine decompresses is in the rows.
        if (metaData === undefined || !DECOMPRESSED.has(metaData.codec)) continue
        const { start, end } = chunkRange(metaData)
        const chunk = await io.read(location, { range: { offset: start, length: end - start }, signal: this.signal })
        for (const page of walkPages(chunk, metaData.numValues)) {
          if (this.#decoded(pageContent(metaData.codec, chunk, page))) return page.header.type === pageType.dictionary ? 'a dictionary page' : 'a data page'
        }
      }
    }
    return undefined
  }

  /** The rows, if the file has columns of the table at all. */
  async #rows(object: ScannedObject, fileFormat: 'parquet' | 'avro', present: ReadonlySet<number> | undefined): Promise<string | undefined> {
    const { target, table } = this
    const ids = [...(present ?? [])].filter((id) => target.all.fieldById(id) !== undefined)
    const known = present === undefined ? target.all : target.all.projectIds(ids)
    if (known.fields.length === 0) return undefined
    const test = [...target.fieldIds].every((id) => known.fieldById(id) !== undefined) ? target.rowTest(known) : undefined
    const file = { content: 'equality-deletes', filePath: object.location, fileFormat, fileSizeBytes: object.sizeBytes, specId: 0, partition: [] } as const
    const reading: FsckTable = { ...table, loaded: { ...table.loaded, io: object.io } }
    for await (const { batch } of readFileColumns(reading, file, known, this.signal)) {
      this.totals.rows += batch.numRows
      if (test?.(batch).includes(1) === true) return 'a row'
      if (this.#inColumns(known, batch)) return 'a column'
    }
    return undefined
  }

  #inColumns(schema: Schema, batch: RecordBatch): boolean {
    for (const id of this.target.keys.fieldIds) {
      const field = schema.fieldById(id)
      if (field === undefined || schema.ancestorsOf(id).some(({ type }) => type.kind !== 'struct')) continue
      const read = columnReader(columnByPath(schema, id)(batch), field.type)
      for (let row = 0; row < batch.numRows; row++) if (this.target.keys.has(id, read(row))) return true
    }
    return columnsOf(batch).some((chunk) => this.#inChunk(chunk))
  }

  /** Texts and bytes at any depth. */
  #inChunk(chunk: Chunk): boolean {
    const values = chunk.values as Uint8Array | undefined
    if (values instanceof Uint8Array && values.length > 0 && this.#decoded(values)) return true
    return chunk.children.some((child) => this.#inChunk(child as Chunk))
  }
}

const DECOMPRESSED: ReadonlySet<number> = new Set([codecId.zstd, codecId.gzip, codecId.brotli, codecId.snappy])

function pageContent(codec: number, chunk: Uint8Array, { header, dataStart, dataEnd }: Page): Uint8Array {
  const levels = header.dataPageHeaderV2
  const prefix = levels === undefined ? 0 : levels.repetitionLevelsByteLength + levels.definitionLevelsByteLength
  const stored = chunk.subarray(dataStart + prefix, dataEnd)
  const size = header.uncompressedPageSize - prefix
  if (levels?.isCompressed === false || stored.length === 0) return stored
  return codec === codecId.snappy ? decompressSnappy(stored, size) : decompressPage(codec, stored, size)
}
