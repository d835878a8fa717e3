import { decodePageHeader, pageType } from './file-metadata.js'
import type { PageHeader } from './file-metadata.js'
import { corrupt } from './thrift-compact.js'

/** One page of a column chunk. Offsets count from the start of the bytes that were walked. */
export interface Page {
  readonly header: PageHeader
  readonly headerStart: number
  readonly dataStart: number
  readonly dataEnd: number
  /** Values and nulls; of a dictionary its entries. */
  readonly numValues: number
}

/** No writer makes such pages; a page that claims more is taken for damage. */
const MAX_PAGE_BYTES = 2 ** 30

/**
 * The pages of a chunk: its dictionary page, if any, first. Stops after `numValues` values.
 * @throws FloeError `CORRUPT` when a header is damaged, a size leaves the chunk or exceeds 1 GiB, or pages are missing.
 */
export function walkPages(chunk: Uint8Array, numValues: number): Page[] {
  const pages: Page[] = []
  let position = 0
  let values = 0
  while (values < numValues) {
    if (position >= chunk.length) throw corrupt(`promises ${numValues} values where the pages hold ${values}`)
    const page = pageAt(chunk, position)
    const { header } = page
    position = page.dataEnd
    if (header.type === pageType.index) continue
    if (header.type === pageType.dictionary && pages.length > 0) throw corrupt('has a dictionary page after other pages')
    if (header.type !== pageType.dictionary) values += page.numValues
    pages.push(page)
  }
  if (values > numValues) throw corrupt(`promises ${numValues} values where the pages hold ${values}`)
  return pages
}

/**
 * The page whose header is at `position`.
 * @throws FloeError `CORRUPT` when the header is damaged, or a size leaves the bytes or exceeds 1 GiB.
 */
export function pageAt(bytes: Uint8Array, position: number): Page {
  const { header, end } = decodePageHeader(bytes, position)
  checkSizes(header, bytes.length - end)
  return { header, headerStart: position, dataStart: end, dataEnd: end + header.compressedPageSize, numValues: valuesOf(header) }
}

function checkSizes(header: PageHeader, available: number): void {
  const { compressedPageSize: compressed, uncompressedPageSize: uncompressed } = header
  if (compressed < 0 || compressed > available) throw corrupt(`declares a page of ${compressed} bytes where ${available} remain`)
  if (uncompressed < 0 || uncompressed > MAX_PAGE_BYTES) throw corrupt(`declares a page of ${uncompressed} bytes when decompressed`)
  const levels = header.dataPageHeaderV2
  if (levels === undefined) return
  const { repetitionLevelsByteLength: repetition, definitionLevelsByteLength: definition } = levels
  if (repetition < 0 || definition < 0 || repetition + definition > Math.min(compressed, uncompressed)) {
    throw corrupt(`declares levels of ${repetition} and ${definition} bytes in a page of ${compressed}`)
  }
}

function valuesOf(header: PageHeader): number {
  const branch =
    header.type === pageType.data
      ? header.dataPageHeader
      : header.type === pageType.dataV2
        ? header.dataPageHeaderV2
        : header.type === pageType.dictionary
          ? header.dictionaryPageHeader
          : { numValues: 0 }
  if (branch === undefined) throw corrupt(`has a page of type ${header.type} without its header`)
  if (branch.numValues < 0) throw corrupt(`declares a page of ${branch.numValues} values`)
  return branch.numValues
}
