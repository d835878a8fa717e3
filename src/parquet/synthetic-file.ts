import { fileTail, magic } from './file-frame.js'
import { ReusedBuffer } from './reused-buffer.js'
import { codecId, convertedType, encodeFileMetaData, encodePageHeader, pageType, physicalType, repetition } from './file-metadata.js'
import type { ColumnChunk, LogicalType, PageHeader, SchemaElement } from './file-metadata.js'
import type { DecodeField, DecodeLeaf } from './engine-job.js'
import { logicalOfConverted } from './leaf-annotation.js'
import { walkPages } from './page-walk.js'
import type { Page } from './page-walk.js'
import { decompressPageInto, isDecompressedHere, pageCrc } from './page-codec.js'
import type { ParquetNode } from './parquet-schema.js'
import { corrupt } from './thrift-compact.js'

/**
 * The schema elements of a column in pre-order, in the canonical list and map layouts. The levels are those of the file, so
 * the pages fit; names and annotations are chosen so that the engine decodes to the type that `leafArrowType` names.
 */
export function syntheticElements(node: ParquetNode, name: string): SchemaElement[] {
  const repetitionType = node.optional ? repetition.optional : repetition.required
  const group = (numChildren: number, logicalType?: LogicalType): SchemaElement => {
    return { name, repetitionType, numChildren, ...(logicalType && { logicalType }) }
  }
  switch (node.kind) {
    case 'leaf':
      return [{ ...leafElement(node.element), name, repetitionType }]
    case 'struct':
      return [group(node.fields.length), ...node.fields.flatMap((field, i) => syntheticElements(field, `c${i}`))]
    case 'list': {
      const repeated = { name: 'list', repetitionType: repetition.repeated, numChildren: 1 }
      return [group(1, { list: {} }), repeated, ...syntheticElements(node.element, 'element')]
    }
    case 'map': {
      const entries = { name: 'key_value', repetitionType: repetition.repeated, numChildren: 2 }
      return [group(1, { map: {} }), entries, ...syntheticElements(node.key, 'key'), ...syntheticElements(node.value, 'value')]
    }
  }
}

function leafElement(element: SchemaElement): Omit<SchemaElement, 'name'> {
  const type = element.type!
  if (type === physicalType.int96) return { type: physicalType.fixedLenByteArray, typeLength: 12 }
  const { uuid: _uuid, json, enum: enumeration, ...others } = element.logicalType ?? logicalOfConverted(element) ?? {}
  const logical: LogicalType = json !== undefined || enumeration !== undefined ? { string: {} } : others
  const typeLength = type === physicalType.fixedLenByteArray ? element.typeLength : undefined
  const keep = isMeaningful(type, logical, typeLength)
  return { type, ...(typeLength !== undefined && { typeLength }), ...(keep && { logicalType: logical, ...legacyDecimal(logical) }) }
}

/** Engines look for the precision beside the logical type, too. */
function legacyDecimal(logical: LogicalType): Partial<SchemaElement> {
  return logical.decimal === undefined ? {} : { convertedType: convertedType.decimal, ...logical.decimal }
}

/** Whether an annotation belongs to the physical type; another is ignored, as `leafArrowType` does. */
function isMeaningful(type: number, logical: LogicalType, typeLength: number | undefined): boolean {
  switch (type) {
    case physicalType.int32:
      return Boolean(logical.integer ?? logical.date ?? logical.time?.unit.millis ?? logical.decimal)
    case physicalType.int64:
      return Boolean(logical.integer ?? logical.timestamp ?? (logical.time && !logical.time.unit.millis) ?? logical.decimal)
    case physicalType.byteArray:
      return Boolean(logical.string ?? logical.decimal)
    case physicalType.fixedLenByteArray:
      return Boolean((logical.decimal && typeLength! <= 16) || (logical.float16 && typeLength === 2))
    default:
      return false
  }
}

const output = new ReusedBuffer()

/**
 * A Parquet file in memory that holds one row group with nothing but the pages of one column. Valid until the next call.
 * @throws FloeError `CORRUPT` when a page is damaged: wrong checksum, sizes or compressed bytes.
 */
export function syntheticFile(field: DecodeField): Uint8Array {
  output.start()
  output.append(magic)
  const columns = field.leaves.map(appendLeaf)
  const rowGroup = { columns, numRows: field.pageRows, totalByteSize: output.length - magic.length }
  const schema = [{ name: 'root', numChildren: 1 }, ...field.schema]
  const footer = encodeFileMetaData({ version: 2, schema, numRows: field.pageRows, rowGroups: [rowGroup] })
  for (const part of fileTail(footer)) output.append(part)
  return output.finish()
}

function appendLeaf(leaf: DecodeLeaf): ColumnChunk {
  const start = output.length
  const pages = walkPages(leaf.pages, leaf.numValues)
  output.reserve(pages.reduce((sum, page) => sum + page.header.uncompressedPageSize + MAX_HEADER_BYTES, 0))
  let dataStart = start
  for (const page of pages) {
    appendPage(leaf, page)
    if (page.header.type === pageType.dictionary) dataStart = output.length
  }
  return chunkOf(leaf, start, dataStart, output.length)
}

/** Of the page headers written here, without statistics. */
const MAX_HEADER_BYTES = 64

function chunkOf(leaf: DecodeLeaf, start: number, dataPageOffset: number, end: number): ColumnChunk {
  const size = end - start
  return {
    fileOffset: 0,
    metaData: {
      type: leaf.type === physicalType.int96 ? physicalType.fixedLenByteArray : leaf.type,
      encodings: [0, 3],
      pathInSchema: leaf.path,
      codec: isDecompressedHere(leaf.codec) ? codecId.uncompressed : leaf.codec,
      numValues: leaf.numValues,
      totalUncompressedSize: size,
      totalCompressedSize: size,
      dataPageOffset,
      ...(dataPageOffset > start && { dictionaryPageOffset: start }),
    },
  }
}

function appendPage(leaf: DecodeLeaf, page: Page): void {
  const body = leaf.pages.subarray(page.dataStart, page.dataEnd)
  const { header } = page
  if (header.crc !== undefined && header.crc !== pageCrc(body)) throw corrupt('has a page whose checksum does not match')
  if (!isDecompressedHere(leaf.codec)) {
    if (leaf.codec === codecId.uncompressed && header.compressedPageSize !== header.uncompressedPageSize) {
      throw corrupt(`has an uncompressed page of ${header.compressedPageSize} bytes that declares ${header.uncompressedPageSize}`)
    }
    output.append(leaf.pages.subarray(page.headerStart, page.dataEnd))
    return
  }
  const v2 = header.dataPageHeaderV2
  const rewritten: PageHeader = {
    type: header.type,
    uncompressedPageSize: header.uncompressedPageSize,
    compressedPageSize: header.uncompressedPageSize,
    ...(header.dataPageHeader && { dataPageHeader: header.dataPageHeader }),
    ...(header.dictionaryPageHeader && { dictionaryPageHeader: header.dictionaryPageHeader }),
    ...(v2 && { dataPageHeaderV2: { ...v2, isCompressed: false } }),
  }
  output.append(encodePageHeader(rewritten))
  appendPlain(leaf.codec, header, body)
}

/** The uncompressed bytes of a page; levels of version 2 are never compressed. */
function appendPlain(codec: number, header: PageHeader, body: Uint8Array): void {
  const v2 = header.dataPageHeaderV2
  if (v2?.isCompressed === false) {
    if (header.compressedPageSize !== header.uncompressedPageSize) throw corrupt('has an uncompressed page with two sizes')
    output.append(body)
    return
  }
  const levels = v2 === undefined ? 0 : v2.repetitionLevelsByteLength + v2.definitionLevelsByteLength
  output.append(body.subarray(0, levels))
  decompressPageInto(codec, body.subarray(levels), output.take(header.uncompressedPageSize - levels))
}
