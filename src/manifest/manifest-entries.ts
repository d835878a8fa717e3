import { AvroInput } from '../avro/avro-input.js'
import type { FileStats } from '../expression/expression.js'
import type { StructType, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { decodeUtf8 } from '../util/utf8.js'
import type { DataFile, EntryStatus, FileContent, FileFormat, ManifestEntry, ManifestFile } from './data-file.js'
import { CodeColumn, LongColumn, SizeColumn, Slot, SLOT_COUNT, type EntryPlan } from './entry-plan.js'
import { entryHeads } from './entry-heads.js'
import type { EntryColumns } from './entry-walker.js'
import { compileTupleDecoder, type DecodeTuple } from './partition-tuple.js'
import { findBytes, findCount, readBounds, readCounts } from './stat-map.js'

const STATUSES: readonly EntryStatus[] = ['existing', 'added', 'deleted']
const CONTENTS: readonly FileContent[] = ['data', 'position-deletes', 'equality-deletes']
const FORMATS: ReadonlySet<string> = new Set(['parquet', 'avro', 'orc', 'puffin'])

/** {@link ManifestEntries.status}: the file was added by an earlier snapshot. */
export const STATUS_EXISTING = 0
/** {@link ManifestEntries.status}: the file was added by the manifest's own snapshot. */
export const STATUS_ADDED = 1
/** {@link ManifestEntries.status}: the file was removed, by the snapshot in `snapshotId`. */
export const STATUS_DELETED = 2

/** What {@link ManifestEntries} is made of. */
export interface DecodedManifest {
  readonly manifest: ManifestFile
  readonly plan: EntryPlan
  readonly columns: EntryColumns
  readonly blocks: readonly Uint8Array[]
  readonly partitionType: StructType
  /** The blocks again, should {@link ManifestEntries.compact} have given them up. */
  readonly inflate: (block: number) => Uint8Array
  /** Called when the blocks are given up. */
  readonly release?: ((blocks: readonly Uint8Array[]) => void) | undefined
}

/**
 * The entries of one manifest as columns, after inheritance. Row `i` of every column is entry `i` of the file. Fixed-size
 * fields are typed arrays; everything else stays in the inflated bytes until it is asked for.
 */
export class ManifestEntries {
  readonly manifest: ManifestFile
  readonly count: number
  /** {@link STATUS_EXISTING}, {@link STATUS_ADDED} or {@link STATUS_DELETED}. */
  readonly status: Uint8Array
  /** 0 data, 1 position deletes, 2 equality deletes. */
  readonly content: Uint8Array
  /** Negative where an old writer did not know it. */
  readonly recordCount: Float64Array
  readonly fileSizeBytes: Float64Array
  /** The snapshot that added the file, or removed it where the status is deleted. */
  readonly snapshotId: BigInt64Array
  /** Data sequence numbers; 0 for a deleted entry of an old writer that stored none. */
  readonly sequenceNumber: BigInt64Array
  private readonly present: Uint8Array
  private readonly fileSequenceNumbers: BigInt64Array
  private readonly firstRowIds: BigInt64Array
  private readonly slots: Uint32Array
  private readonly blockOf: Uint32Array
  private readonly decoded: DecodedManifest
  /** Of compact entries: all that is no statistics. */
  private readonly heads: AvroInput | undefined
  /** Of compact entries: the block that was needed last. */
  private inflated: { readonly block: number; readonly bytes: Uint8Array } | undefined
  private readonly plan: EntryPlan
  private readonly partitionType: StructType
  private readonly inputs: (AvroInput | undefined)[] = []
  private decodeTuple: DecodeTuple | undefined
  private cursor: StatsCursor | undefined

  /** `heads`: see {@link compact}. */
  constructor(decoded: DecodedManifest, heads?: Uint8Array) {
    const { manifest, columns, plan, partitionType } = decoded
    this.decoded = decoded
    this.heads = heads && new AvroInput(heads, manifest.manifestPath)
    this.manifest = manifest
    this.count = columns.count
    this.status = columns.codes[CodeColumn.status]!
    this.content = columns.codes[CodeColumn.content]!
    this.recordCount = columns.sizes[SizeColumn.recordCount]!
    this.fileSizeBytes = columns.sizes[SizeColumn.fileSizeBytes]!
    this.snapshotId = columns.longs[LongColumn.snapshotId]!
    this.sequenceNumber = columns.longs[LongColumn.sequenceNumber]!
    this.fileSequenceNumbers = columns.longs[LongColumn.fileSequenceNumber]!
    this.firstRowIds = columns.longs[LongColumn.firstRowId]!
    this.present = columns.present
    this.slots = columns.slots
    this.blockOf = columns.blocks
    this.plan = plan
    this.partitionType = partitionType
  }

  /**
   * Some entries in ascending order, renumbered from 0, in a fraction of the memory: without the inflated blocks. Statistics are
   * inflated again where they are asked for, from the compressed bytes that `keepsStats` keeps; else they are gone, and asking for them
   * throws `INVALID`. These entries must not be used any more.
   */
  compact(rows: Uint32Array, options: { readonly keepsStats: boolean } = { keepsStats: true }): ManifestEntries {
    const { plan, columns, blocks } = this.decoded
    const heads = entryHeads(plan, columns, blocks, rows)
    this.decoded.release?.(blocks)
    const decoded = { ...this.decoded, columns: heads.columns, blocks: [] }
    if (options.keepsStats) return new ManifestEntries(decoded, heads.bytes)
    const { manifestPath } = this.manifest
    const inflate = (): never => {
      throw new FloeError('INVALID', 'The column statistics of this plan were not kept: plan with includeColumnStats', { file: manifestPath })
    }
    return new ManifestEntries({ ...decoded, inflate, release: undefined }, heads.bytes)
  }

  /** The id of the partition spec that all tuples are of. */
  get specId(): number {
    return this.manifest.partitionSpecId
  }

  /** Whether entry `i` is part of the snapshot. */
  isLive(i: number): boolean {
    return this.status[i] !== STATUS_DELETED
  }

  filePath(i: number): string {
    return this.text(i, Slot.filePath)!
  }

  /** Throws `UNSUPPORTED` for a format that the spec does not name. */
  fileFormat(i: number): FileFormat {
    const format = this.text(i, Slot.fileFormat)!.toLowerCase()
    if (FORMATS.has(format)) return format as FileFormat
    throw new FloeError('UNSUPPORTED', `Entry ${i} has the unknown file format ${JSON.stringify(format)}`, { file: this.manifest.manifestPath })
  }

  /** The partition tuple, in the order of the spec's fields. */
  partition(i: number): readonly Value[] {
    if (this.partitionType.fields.length === 0) return []
    this.decodeTuple ??= compileTupleDecoder(this.plan.partition, this.partitionType)
    const input = this.at(i, Slot.partition)
    // A writer may leave out the record of a tuple that is all null.
    return input === undefined ? this.partitionType.fields.map(() => null) : this.decodeTuple(input)
  }

  /** The sequence number of the snapshot that added the file; `undefined` where an old writer did not store it. */
  fileSequenceNumber(i: number): bigint | undefined {
    return this.has(i, LongColumn.fileSequenceNumber) ? this.fileSequenceNumbers[i] : undefined
  }

  /** The `_row_id` of the first row; `undefined` where rows have none. */
  firstRowId(i: number): bigint | undefined {
    return this.has(i, LongColumn.firstRowId) ? this.firstRowIds[i] : undefined
  }

  /** Ascending byte offsets at which the file may be split; `undefined` when not recorded. */
  splitOffsets(i: number): readonly number[] | undefined {
    const offsets = this.longs(i, Slot.splitOffsets)
    // Some writers store an empty list for «not recorded».
    return offsets === undefined || offsets.length === 0 ? undefined : offsets
  }

  /** The data file that a delete file names as the one it is for. */
  referencedDataFile(i: number): string | undefined {
    return this.text(i, Slot.referencedDataFile)
  }

  /** Where the content of a deletion vector lies in its file, in bytes; both `undefined` for other files. */
  contentRange(i: number): Pick<DataFile, 'contentOffset' | 'contentSizeBytes'> {
    return { contentOffset: this.long(i, Slot.contentOffset), contentSizeBytes: this.long(i, Slot.contentSize) }
  }

  sortOrderId(i: number): number | undefined {
    return this.at(i, Slot.sortOrderId)?.readInt()
  }

  /**
   * The statistics of entry `i`. It is one object per manifest, moved by the next call: use it before asking for another.
   */
  stats(i: number): FileStats {
    this.cursor ??= new StatsCursor(this.recordCount, this.slots)
    return this.cursor.move(i, this.block(this.blockOf[i]!))
  }

  /** Entry `i` as a value. `stats: false` leaves out the maps of counts, sizes and bounds. */
  entry(i: number, options: { readonly stats?: boolean } = {}): ManifestEntry {
    return {
      status: STATUSES[this.status[i]!]!,
      snapshotId: this.snapshotId[i]!,
      sequenceNumber: this.sequenceNumber[i]!,
      fileSequenceNumber: this.fileSequenceNumber(i),
      dataFile: this.dataFile(i, options),
    }
  }

  /** The file of entry `i` as a value; byte strings are views. `stats: false` as in {@link entry}. */
  dataFile(i: number, options: { readonly stats?: boolean } = {}): DataFile {
    const stats = options.stats !== false
    // One literal: putting it together from parts takes five times as long, and commits rewrite whole manifests.
    return {
      content: CONTENTS[this.content[i]!]!,
      filePath: this.filePath(i),
      fileFormat: this.fileFormat(i),
      specId: this.specId,
      partition: this.partition(i),
      recordCount: this.recordCount[i]!,
      fileSizeBytes: this.fileSizeBytes[i]!,
      keyMetadata: this.at(i, Slot.keyMetadata)?.readBytes(),
      splitOffsets: this.splitOffsets(i),
      equalityIds: this.longs(i, Slot.equalityIds),
      sortOrderId: this.sortOrderId(i),
      firstRowId: this.firstRowId(i),
      referencedDataFile: this.referencedDataFile(i),
      contentOffset: this.long(i, Slot.contentOffset),
      contentSizeBytes: this.long(i, Slot.contentSize),
      columnSizes: stats ? this.map(i, Slot.columnSizes, readCounts) : undefined,
      valueCounts: stats ? this.map(i, Slot.valueCounts, readCounts) : undefined,
      nullValueCounts: stats ? this.map(i, Slot.nullValueCounts, readCounts) : undefined,
      nanValueCounts: stats ? this.map(i, Slot.nanValueCounts, readCounts) : undefined,
      lowerBounds: stats ? this.map(i, Slot.lowerBounds, readBounds) : undefined,
      upperBounds: stats ? this.map(i, Slot.upperBounds, readBounds) : undefined,
    }
  }

  private map<T>(i: number, slot: number, read: (bytes: Uint8Array, offset: number) => T): T | undefined {
    const start = this.slots[i * SLOT_COUNT + slot]!
    return start === 0 ? undefined : read(this.block(this.blockOf[i]!), start - 1)
  }

  private block(block: number): Uint8Array {
    if (this.heads === undefined) return this.decoded.blocks[block]!
    if (this.inflated?.block !== block) this.inflated = { block, bytes: this.decoded.inflate(block) }
    return this.inflated.bytes
  }

  private text(i: number, slot: number): string | undefined {
    const bytes = this.at(i, slot)?.readBytes()
    return bytes === undefined ? undefined : decodeUtf8(bytes)
  }

  private long(i: number, slot: number): number | undefined {
    const input = this.at(i, slot)
    return input === undefined ? undefined : this.exact(input)
  }

  private longs(i: number, slot: number): number[] | undefined {
    const input = this.at(i, slot)
    if (input === undefined) return undefined
    const values: number[] = []
    for (let count = input.readBlockCount(1); count > 0; count = input.readBlockCount(1)) {
      for (let k = 0; k < count; k++) values.push(this.exact(input))
    }
    return values
  }

  private exact(input: AvroInput): number {
    const value = input.readSafeLong()
    if (typeof value === 'number') return value
    throw new FloeError('CORRUPT', `Corrupt manifest: it has the offset or size ${value}, over 2^53`, { file: this.manifest.manifestPath })
  }

  private has(i: number, column: number): boolean {
    return (this.present[i]! & (1 << column)) !== 0
  }

  /** The input at the value of `slot`, which is none of the statistics; undefined for null. */
  private at(i: number, slot: number): AvroInput | undefined {
    const start = this.slots[i * SLOT_COUNT + slot]!
    if (start === 0) return undefined
    const input = this.heads ?? this.inputOf(this.blockOf[i]!)
    input.position = start - 1
    return input
  }

  private inputOf(block: number): AvroInput {
    return (this.inputs[block] ??= new AvroInput(this.decoded.blocks[block]!, this.manifest.manifestPath))
  }
}

class StatsCursor implements FileStats {
  private row = 0
  private base = 0
  private bytes: Uint8Array = new Uint8Array(0)

  constructor(
    private readonly recordCounts: Float64Array,
    private readonly slots: Uint32Array,
  ) {}

  move(row: number, bytes: Uint8Array): this {
    this.row = row
    this.base = row * SLOT_COUNT
    this.bytes = bytes
    return this
  }

  get recordCount(): number {
    return this.recordCounts[this.row]!
  }

  valueCount(fieldId: number): number | undefined {
    return this.count(Slot.valueCounts, fieldId)
  }

  nullCount(fieldId: number): number | undefined {
    return this.count(Slot.nullValueCounts, fieldId)
  }

  nanCount(fieldId: number): number | undefined {
    return this.count(Slot.nanValueCounts, fieldId)
  }

  lowerBound(fieldId: number): Uint8Array | undefined {
    return this.bound(Slot.lowerBounds, fieldId)
  }

  upperBound(fieldId: number): Uint8Array | undefined {
    return this.bound(Slot.upperBounds, fieldId)
  }

  private count(slot: number, fieldId: number): number | undefined {
    const start = this.slots[this.base + slot]!
    return start === 0 ? undefined : findCount(this.bytes, start - 1, fieldId)
  }

  private bound(slot: number, fieldId: number): Uint8Array | undefined {
    const start = this.slots[this.base + slot]!
    return start === 0 ? undefined : findBytes(this.bytes, start - 1, fieldId)
  }
}
