import { corrupt, ThriftReader, ThriftWriter } from './thrift-compact.js'
import { binary, bool, empty, i16, i32, i64, i8, list, string, struct } from './thrift-codec.js'

/**
 * The footer of a Parquet file and the other Thrift structs of the format, named as in parquet.thrift. Numbers of enums are
 * kept as they are; unknown fields are skipped. Source: parquet-format/src/main/thrift/parquet.thrift
 */

/** Physical types. */
export const physicalType = { boolean: 0, int32: 1, int64: 2, int96: 3, float: 4, double: 5, byteArray: 6, fixedLenByteArray: 7 } as const
export const repetition = { required: 0, optional: 1, repeated: 2 } as const
export const codecId = { uncompressed: 0, snappy: 1, gzip: 2, lzo: 3, brotli: 4, lz4: 5, zstd: 6, lz4Raw: 7 } as const
export const pageType = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const
export const convertedType = {
  utf8: 0, map: 1, mapKeyValue: 2, list: 3, enum: 4, decimal: 5, date: 6, timeMillis: 7, timeMicros: 8, timestampMillis: 9,
  timestampMicros: 10, uint8: 11, uint16: 12, uint32: 13, uint64: 14, int8: 15, int16: 16, int32: 17, int64: 18, json: 19, bson: 20,
  interval: 21,
} as const

type Empty = Record<never, never>

export interface TimeUnit {
  readonly millis?: Empty
  readonly micros?: Empty
  readonly nanos?: Empty
}

export interface TemporalType {
  readonly isAdjustedToUTC: boolean
  readonly unit: TimeUnit
}

/** A union: one member is present. */
export interface LogicalType {
  readonly string?: Empty
  readonly map?: Empty
  readonly list?: Empty
  readonly enum?: Empty
  readonly decimal?: { readonly scale: number; readonly precision: number }
  readonly date?: Empty
  readonly time?: TemporalType
  readonly timestamp?: TemporalType
  readonly integer?: { readonly bitWidth: number; readonly isSigned: boolean }
  readonly unknown?: Empty
  readonly json?: Empty
  readonly bson?: Empty
  readonly uuid?: Empty
  readonly float16?: Empty
  readonly variant?: { readonly specificationVersion?: number }
  readonly geometry?: { readonly crs?: string }
  readonly geography?: { readonly crs?: string; readonly algorithm?: number }
}

export interface SchemaElement {
  readonly type?: number
  readonly typeLength?: number
  readonly repetitionType?: number
  readonly name: string
  readonly numChildren?: number
  readonly convertedType?: number
  readonly scale?: number
  readonly precision?: number
  readonly fieldId?: number
  readonly logicalType?: LogicalType
}

export interface Statistics {
  /** Deprecated: signed comparison whatever the type. */
  readonly max?: Uint8Array
  readonly min?: Uint8Array
  readonly nullCount?: number
  readonly distinctCount?: number
  readonly maxValue?: Uint8Array
  readonly minValue?: Uint8Array
  readonly isMaxValueExact?: boolean
  readonly isMinValueExact?: boolean
}

export interface PageEncodingStats {
  readonly pageType: number
  readonly encoding: number
  readonly count: number
}

export interface SizeStatistics {
  readonly unencodedByteArrayDataBytes?: number
  readonly repetitionLevelHistogram?: readonly number[]
  readonly definitionLevelHistogram?: readonly number[]
}

export interface ColumnMetaData {
  readonly type: number
  readonly encodings: readonly number[]
  readonly pathInSchema: readonly string[]
  readonly codec: number
  readonly numValues: number
  readonly totalUncompressedSize: number
  readonly totalCompressedSize: number
  readonly dataPageOffset: number
  readonly indexPageOffset?: number
  readonly dictionaryPageOffset?: number
  readonly statistics?: Statistics
  readonly encodingStats?: readonly PageEncodingStats[]
  readonly bloomFilterOffset?: number
  readonly bloomFilterLength?: number
  readonly sizeStatistics?: SizeStatistics
}

export interface ColumnChunk {
  readonly filePath?: string
  readonly fileOffset: number
  readonly metaData?: ColumnMetaData
  readonly offsetIndexOffset?: number
  readonly offsetIndexLength?: number
  readonly columnIndexOffset?: number
  readonly columnIndexLength?: number
  /** Present: the column is encrypted. */
  readonly cryptoMetadata?: Empty
}

export interface RowGroup {
  readonly columns: readonly ColumnChunk[]
  readonly totalByteSize: number
  readonly numRows: number
  readonly fileOffset?: number
  readonly totalCompressedSize?: number
  readonly ordinal?: number
}

export interface KeyValue {
  readonly key: string
  readonly value?: string
}

export interface FileMetaData {
  readonly version: number
  readonly schema: readonly SchemaElement[]
  readonly numRows: number
  readonly rowGroups: readonly RowGroup[]
  readonly keyValueMetadata?: readonly KeyValue[]
  readonly createdBy?: string
  readonly columnOrders?: readonly { readonly typeOrder?: Empty }[]
}

export interface PageHeader {
  readonly type: number
  readonly uncompressedPageSize: number
  readonly compressedPageSize: number
  readonly crc?: number
  readonly dataPageHeader?: {
    readonly numValues: number
    readonly encoding: number
    readonly definitionLevelEncoding: number
    readonly repetitionLevelEncoding: number
  }
  readonly dictionaryPageHeader?: { readonly numValues: number; readonly encoding: number; readonly isSorted?: boolean }
  readonly dataPageHeaderV2?: {
    readonly numValues: number
    readonly numNulls: number
    readonly numRows: number
    readonly encoding: number
    readonly definitionLevelsByteLength: number
    readonly repetitionLevelsByteLength: number
    readonly isCompressed?: boolean
  }
}

export interface OffsetIndex {
  readonly pageLocations: readonly { readonly offset: number; readonly compressedPageSize: number; readonly firstRowIndex: number }[]
}

/** Bounds and null counts of the pages of a chunk. Bounds of a null page mean nothing. */
export interface ColumnIndex {
  readonly nullPages: readonly boolean[]
  readonly minValues: readonly Uint8Array[]
  readonly maxValues: readonly Uint8Array[]
  readonly boundaryOrder: number
  readonly nullCounts?: readonly number[]
}

const timeUnit = struct<TimeUnit>('TimeUnit', [[1, 'millis', empty], [2, 'micros', empty], [3, 'nanos', empty]])
const temporal = struct<TemporalType>('TimestampType', [[1, 'isAdjustedToUTC', bool, 'required'], [2, 'unit', timeUnit, 'required']])
const decimal = struct<NonNullable<LogicalType['decimal']>>('DecimalType', [[1, 'scale', i32, 'required'],
[2, 'precision', i32, 'required']])
const integer = struct<NonNullable<LogicalType['integer']>>('IntType', [[1, 'bitWidth', i8, 'required'], [2, 'isSigned', bool, 'required']])

const logicalType = struct<LogicalType>('LogicalType', [
  [1, 'string', empty], [2, 'map', empty], [3, 'list', empty], [4, 'enum', empty], [5, 'decimal', decimal], [6, 'date', empty],
  [7, 'time', temporal], [8, 'timestamp', temporal], [10, 'integer', integer], [11, 'unknown', empty], [12, 'json', empty],
  [13, 'bson', empty], [14, 'uuid', empty], [15, 'float16', empty],
  [16, 'variant', struct<NonNullable<LogicalType['variant']>>('VariantType', [[1, 'specificationVersion', i8]])],
  [17, 'geometry', struct<NonNullable<LogicalType['geometry']>>('GeometryType', [[1, 'crs', string]])],
  [18, 'geography', struct<NonNullable<LogicalType['geography']>>('GeographyType', [[1, 'crs', string], [2, 'algorithm', i32]])],
])

const schemaElement = struct<SchemaElement>('SchemaElement', [
  [1, 'type', i32], [2, 'typeLength', i32], [3, 'repetitionType', i32], [4, 'name', string, 'required'], [5, 'numChildren', i32],
  [6, 'convertedType', i32], [7, 'scale', i32], [8, 'precision', i32], [9, 'fieldId', i32], [10, 'logicalType', logicalType],
], 3)

const statistics = struct<Statistics>('Statistics', [
  [1, 'max', binary], [2, 'min', binary], [3, 'nullCount', i64], [4, 'distinctCount', i64], [5, 'maxValue', binary],
  [6, 'minValue', binary],
  [7, 'isMaxValueExact', bool], [8, 'isMinValueExact', bool],
])

const pageEncodingStats = struct<PageEncodingStats>('PageEncodingStats', [
  [1, 'pageType', i32, 'required'], [2, 'encoding', i32, 'required'], [3, 'count', i32, 'required'],
], 7)

const sizeStatistics = struct<SizeStatistics>('SizeStatistics', [
  [1, 'unencodedByteArrayDataBytes', i64], [2, 'repetitionLevelHistogram', list(i64)], [3, 'definitionLevelHistogram', list(i64)],
])

const columnMetaData = struct<ColumnMetaData>('ColumnMetaData', [
  [1, 'type', i32, 'required'], [2, 'encodings', list(i32), 'required'], [3, 'pathInSchema', list(string), 'required'],
  [4, 'codec', i32, 'required'],
  [5, 'numValues', i64, 'required'], [6, 'totalUncompressedSize', i64, 'required'], [7, 'totalCompressedSize', i64, 'required'],
  [9, 'dataPageOffset', i64, 'required'], [10, 'indexPageOffset', i64], [11, 'dictionaryPageOffset', i64], [12, 'statistics', statistics],
  [13, 'encodingStats', list(pageEncodingStats)], [14, 'bloomFilterOffset', i64], [15, 'bloomFilterLength', i32],
  [16, 'sizeStatistics', sizeStatistics],
], 17)

const columnChunk = struct<ColumnChunk>('ColumnChunk', [
  [1, 'filePath', string], [2, 'fileOffset', i64, 'required'], [3, 'metaData', columnMetaData], [4, 'offsetIndexOffset', i64],
  [5, 'offsetIndexLength', i32], [6, 'columnIndexOffset', i64], [7, 'columnIndexLength', i32], [8, 'cryptoMetadata', empty],
], 3)

const rowGroup = struct<RowGroup>('RowGroup', [
  [1, 'columns', list(columnChunk), 'required'], [2, 'totalByteSize', i64, 'required'], [3, 'numRows', i64, 'required'],
  [5, 'fileOffset', i64], [6, 'totalCompressedSize', i64], [7, 'ordinal', i16],
], 6)

const keyValue = struct<KeyValue>('KeyValue', [[1, 'key', string, 'required'], [2, 'value', string]], 3)
const columnOrder = struct<{ readonly typeOrder?: Empty }>('ColumnOrder', [[1, 'typeOrder', empty]])

const fileMetaData = struct<FileMetaData>('FileMetaData', [
  [1, 'version', i32, 'required'], [2, 'schema', list(schemaElement), 'required'], [3, 'numRows', i64, 'required'],
  [4, 'rowGroups', list(rowGroup), 'required'], [5, 'keyValueMetadata', list(keyValue)], [6, 'createdBy', string],
  [7, 'columnOrders', list(columnOrder)],
])

const pageHeader = struct<PageHeader>('PageHeader', [
  [1, 'type', i32, 'required'], [2, 'uncompressedPageSize', i32, 'required'], [3, 'compressedPageSize', i32, 'required'], [4, 'crc', i32],
  [5, 'dataPageHeader', struct<NonNullable<PageHeader['dataPageHeader']>>('DataPageHeader', [
    [1, 'numValues', i32, 'required'], [2, 'encoding', i32, 'required'], [3, 'definitionLevelEncoding', i32, 'required'],
    [4, 'repetitionLevelEncoding', i32, 'required'],
  ])],
  [7, 'dictionaryPageHeader', struct<NonNullable<PageHeader['dictionaryPageHeader']>>('DictionaryPageHeader', [
    [1, 'numValues', i32, 'required'], [2, 'encoding', i32, 'required'], [3, 'isSorted', bool],
  ])],
  [8, 'dataPageHeaderV2', struct<NonNullable<PageHeader['dataPageHeaderV2']>>('DataPageHeaderV2', [
    [1, 'numValues', i32, 'required'], [2, 'numNulls', i32, 'required'], [3, 'numRows', i32, 'required'], [4, 'encoding', i32, 'required'],
    [5, 'definitionLevelsByteLength', i32, 'required'], [6, 'repetitionLevelsByteLength', i32, 'required'], [7, 'isCompressed', bool],
  ])],
])

const offsetIndex = struct<OffsetIndex>('OffsetIndex', [
  [1, 'pageLocations', list(struct<OffsetIndex['pageLocations'][number]>('PageLocation', [
    [1, 'offset', i64, 'required'], [2, 'compressedPageSize', i32, 'required'], [3, 'firstRowIndex', i64, 'required'],
  ], 7)), 'required'],
])

const columnIndex = struct<ColumnIndex>('ColumnIndex', [
  [1, 'nullPages', list(bool), 'required'], [2, 'minValues', list(binary), 'required'], [3, 'maxValues', list(binary), 'required'],
  [4, 'boundaryOrder', i32, 'required'], [5, 'nullCounts', list(i64)],
])

/** Decodes a footer without its length and magic. Byte members are views of `bytes`. */
export function decodeFileMetaData(bytes: Uint8Array): FileMetaData {
  const metadata = fileMetaData.read(new ThriftReader(bytes))
  if (metadata.numRows < 0 || metadata.rowGroups.some((group) => group.numRows < 0)) throw corrupt('has a negative number of rows')
  return metadata
}

export function encodeFileMetaData(metadata: FileMetaData): Uint8Array {
  const writer = new ThriftWriter()
  fileMetaData.write(writer, metadata)
  return writer.finish()
}

/** Decodes the page header at `position`; `end` is where the page's bytes start. */
export function decodePageHeader(bytes: Uint8Array, position: number): { readonly header: PageHeader; readonly end: number } {
  const reader = new ThriftReader(bytes, position)
  const header = pageHeader.read(reader)
  return { header, end: reader.position }
}

export function encodePageHeader(header: PageHeader): Uint8Array {
  const writer = new ThriftWriter()
  pageHeader.write(writer, header)
  return writer.finish()
}

export function decodeOffsetIndex(bytes: Uint8Array): OffsetIndex {
  return offsetIndex.read(new ThriftReader(bytes))
}

export function encodeOffsetIndex(index: OffsetIndex): Uint8Array {
  const writer = new ThriftWriter()
  offsetIndex.write(writer, index)
  return writer.finish()
}

/** Decodes a column index. Bounds are views of `bytes`. */
export function decodeColumnIndex(bytes: Uint8Array): ColumnIndex {
  return columnIndex.read(new ThriftReader(bytes))
}

export function encodeColumnIndex(index: ColumnIndex): Uint8Array {
  const writer = new ThriftWriter()
  columnIndex.write(writer, index)
  return writer.finish()
}
