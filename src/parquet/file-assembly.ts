import { concatenate } from '../util/concatenate.js'
import { fileTail, magic } from './file-frame.js'
import type { EncodedColumn } from './engine-job.js'
import { encodeFileMetaData, encodeOffsetIndex } from './file-metadata.js'
import type { ColumnChunk, RowGroup } from './file-metadata.js'
import type { ParquetWriteResult } from './parquet-engine.js'
import type { WriteSchema, WrittenLeaf } from './write-schema.js'
import { FloeError } from '../util/errors.js'

const NONE = new Uint8Array(0)
const CREATED_BY = 'floe version 0.1.0'

interface PlacedChunk {
  readonly column: EncodedColumn
  readonly start: number
  readonly bloomFilter: { readonly bloomFilterOffset: number; readonly bloomFilterLength: number } | undefined
}

interface PlacedRowGroup {
  readonly rows: number
  readonly chunks: readonly PlacedChunk[]
}

/** Lays out a file: row groups as they come, the bloom filters of each behind it, then the indexes and the footer. */
export class FileAssembly {
  readonly leaves: readonly WrittenLeaf[]
  /** Where the next byte goes. */
  offset = 0
  private readonly schema: WriteSchema
  private readonly keyValueMetadata: ReadonlyMap<string, string>
  private readonly rowGroups: PlacedRowGroup[] = []

  constructor(schema: WriteSchema, options: { readonly keyValueMetadata?: ReadonlyMap<string, string> | undefined }) {
    this.schema = schema
    this.leaves = schema.leaves
    this.keyValueMetadata = options.keyValueMetadata ?? new Map()
  }

  /** The bytes of a row group and its bloom filters, in order. */
  addRowGroup(columns: readonly EncodedColumn[], rows: number): Uint8Array[] {
    const parts: Uint8Array[] = this.offset === 0 ? [magic] : []
    this.offset += this.offset === 0 ? magic.length : 0
    if (columns.length !== this.leaves.length) throw new FloeError('CORRUPT', `${this.leaves.length} columns were encoded as ${columns.length}`)
    const chunks = columns.map((column, i) => {
      const leaf = this.leaves[i]!
      if (column.metaData.type !== leaf.type) {
        throw new FloeError('CORRUPT', `a column was encoded as Parquet type ${column.metaData.type} where ${leaf.type} belongs`, { column: leaf.path.join('.') })
      }
      const start = this.offset
      parts.push(column.bytes)
      this.offset += column.bytes.length
      const kept = leaf.isOrdered ? column : withoutBounds(column)
      return { column: { ...kept, bytes: NONE }, start }
    })
    const placed = chunks.map(({ column, start }): PlacedChunk => {
      const { bloomFilter, ...kept } = column
      return { column: { ...kept, bloomFilter: undefined }, start, bloomFilter: this.placeFilter(parts, bloomFilter) }
    })
    this.rowGroups.push({ rows, chunks: placed })
    return parts
  }

  /** Everything after the row groups. */
  finish(rows: number): Uint8Array {
    const parts: Uint8Array[] = this.offset === 0 ? [magic] : []
    this.offset += this.offset === 0 ? magic.length : 0
    const columnIndexes = this.place(parts, (chunk) => chunk.column.columnIndex)
    const offsetIndexes = this.place(parts, (chunk) => chunk.column.pageLocations && encodeOffsetIndex({ pageLocations: absolute(chunk) }))
    const footer = encodeFileMetaData({
      version: 1,
      schema: this.schema.elements,
      numRows: rows,
      rowGroups: this.rowGroups.map((group, i) => this.rowGroup(group, i, columnIndexes, offsetIndexes)),
      keyValueMetadata: [...this.keyValueMetadata].map(([key, value]) => ({ key, value })),
      createdBy: CREATED_BY,
      columnOrders: this.leaves.map(() => ({ typeOrder: {} })),
    })
    parts.push(...fileTail(footer))
    this.offset += footer.length + 8
    return concatenate(parts)
  }

  result(location: string, recordCount: number): ParquetWriteResult {
    const columnSizes = new Map<number, number>()
    for (const { chunks } of this.rowGroups) {
      chunks.forEach(({ column }, i) => {
        const id = this.leaves[i]!.fieldId
        columnSizes.set(id, (columnSizes.get(id) ?? 0) + column.metaData.totalCompressedSize)
      })
    }
    const splitOffsets = this.rowGroups.flatMap((group) => (group.chunks.length === 0 ? [] : [group.chunks[0]!.start]))
    return { location, recordCount, fileSizeBytes: this.offset, splitOffsets, columnSizes }
  }

  /** At once, not before the footer: filters are not held while the file grows. */
  private placeFilter(parts: Uint8Array[], filter: Uint8Array | undefined): PlacedChunk['bloomFilter'] {
    if (filter === undefined) return undefined
    parts.push(filter)
    this.offset += filter.length
    return { bloomFilterOffset: this.offset - filter.length, bloomFilterLength: filter.length }
  }

  private place(parts: Uint8Array[], bytesOf: (chunk: PlacedChunk) => Uint8Array | undefined): Placed {
    const placed = new Map<PlacedChunk, { offset: number; length: number }>()
    for (const chunk of this.rowGroups.flatMap((group) => group.chunks)) {
      const bytes = bytesOf(chunk)
      if (bytes === undefined) continue
      placed.set(chunk, { offset: this.offset, length: bytes.length })
      parts.push(bytes)
      this.offset += bytes.length
    }
    return placed
  }

  private rowGroup(group: PlacedRowGroup, ordinal: number, columnIndexes: Placed, offsetIndexes: Placed): RowGroup {
    const columns = group.chunks.map((chunk, i): ColumnChunk => {
      const { metaData } = chunk.column
      const [columnIndex, offsetIndex] = [columnIndexes.get(chunk), offsetIndexes.get(chunk)]
      return {
        fileOffset: 0,
        metaData: {
          ...metaData,
          pathInSchema: this.leaves[i]!.path,
          dataPageOffset: chunk.start + metaData.dataPageOffset,
          ...(metaData.dictionaryPageOffset !== undefined && { dictionaryPageOffset: chunk.start + metaData.dictionaryPageOffset }),
          ...chunk.bloomFilter,
        },
        ...(offsetIndex && { offsetIndexOffset: offsetIndex.offset, offsetIndexLength: offsetIndex.length }),
        ...(columnIndex && { columnIndexOffset: columnIndex.offset, columnIndexLength: columnIndex.length }),
      }
    })
    const sum = (size: 'totalUncompressedSize' | 'totalCompressedSize'): number =>
      group.chunks.reduce((total, chunk) => total + chunk.column.metaData[size], 0)
    return {
      columns,
      totalByteSize: sum('totalUncompressedSize'),
      numRows: group.rows,
      fileOffset: group.chunks[0]?.start ?? magic.length,
      totalCompressedSize: sum('totalCompressedSize'),
      ...(ordinal < 2 ** 15 && { ordinal }),
    }
  }
}

/** Bounds of values that have no order would mislead readers. */
function withoutBounds(column: EncodedColumn): EncodedColumn {
  const { statistics, ...metaData } = column.metaData
  const nullCount = statistics?.nullCount === undefined ? {} : { statistics: { nullCount: statistics.nullCount } }
  return { ...column, metaData: { ...metaData, ...nullCount }, columnIndex: undefined }
}

type Placed = ReadonlyMap<PlacedChunk, { readonly offset: number; readonly length: number }>

function absolute(chunk: PlacedChunk): NonNullable<EncodedColumn['pageLocations']> {
  return chunk.column.pageLocations!.map((location) => ({ ...location, offset: chunk.start + location.offset }))
}
