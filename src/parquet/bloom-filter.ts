import type { BoundExpression, BoundPredicate } from '../expression/expression.js'
import { predicateText } from '../expression/print.js'
import { compileSkipTest } from '../expression/skip-test.js'
import type { SkipTest } from '../expression/skip-test.js'
import { throwIfAborted } from '../io/aborted.js'
import type { ByteRange } from '../io/file-io.js'
import { FloeError } from '../util/errors.js'
import type { Halves } from '../util/xxhash64.js'
import { BLOCK_BYTES, blockHolds, blockOf } from './block-split-filter.js'
import { decodeBloomHeader, MAX_HEADER_BYTES } from './bloom-header.js'
import { bloomHashes } from './bloom-values.js'
import type { RowGroup } from './file-metadata.js'
import type { FooterLocation } from './read-footer.js'
import type { FilterColumns } from './row-group-stats.js'

/** Filters up to this size are fetched in one request; of larger ones the header, and then the blocks that matter. */
const WHOLE_BYTES = 64 * 1024

interface Question {
  readonly columnIndex: number
  /** Of all values that would satisfy the predicate. */
  readonly hashes: readonly Halves[]
}

/**
 * Asks the bloom filters of a file whether row groups may hold what a filter selects: its `=` and `in` predicates, where the
 * column has a filter. One that is damaged or of another kind excludes nothing.
 */
export class BloomPruning {
  private readonly file: FooterLocation
  private readonly questions = new Map<BoundPredicate, Question>()
  private readonly test: SkipTest<ReadonlySet<BoundPredicate>>

  constructor(filter: BoundExpression, columns: FilterColumns, file: FooterLocation) {
    this.file = file
    this.test = compileSkipTest(filter, (predicate) => {
      const question = questionOf(predicate, columns)
      if (question === undefined) return { mayMatch: () => true, explain: () => undefined }
      this.questions.set(predicate, question)
      const explain = (absent: ReadonlySet<BoundPredicate>): string | undefined =>
        absent.has(predicate) ? `${predicateText(predicate)}: the bloom filter has no such value` : undefined
      return { mayMatch: (absent) => !absent.has(predicate), explain }
    })
  }

  /** Why a row group has no match; undefined when it may have. Reads nothing when its filters cannot change the answer. */
  async skipReason(rowGroup: RowGroup): Promise<string | undefined> {
    const placeOf = (columnIndex: number): ByteRange | undefined => filterRange(rowGroup, columnIndex, this.file.fileSizeBytes)
    const asked = [...this.questions].filter(([, { columnIndex }]) => placeOf(columnIndex) !== undefined)
    if (asked.length === 0 || this.test.mayMatch(new Set(asked.map(([predicate]) => predicate)))) return undefined
    const absent = new Set<BoundPredicate>()
    for (const [predicate, { columnIndex, hashes }] of asked) {
      throwIfAborted(this.file.signal)
      const held = await heldHashes(placeOf(columnIndex)!, hashes, this.file)
      if (held !== undefined && !held.includes(true)) absent.add(predicate)
    }
    return this.test.explain(absent)
  }
}

function questionOf(predicate: BoundPredicate, { leaves }: FilterColumns): Question | undefined {
  if ((predicate.op !== 'eq' && predicate.op !== 'in') || predicate.term.transform !== undefined) return undefined
  const found = leaves.get(predicate.term.field.id)
  if (found === undefined) return undefined
  const values = 'literal' in predicate ? [predicate.literal] : predicate.literals
  const hashes: Halves[] = []
  for (const value of values) {
    const ofValue = bloomHashes(found.type, value, found.leaf.element)
    if (ofValue === undefined) return undefined
    hashes.push(...ofValue)
  }
  return { columnIndex: found.leaf.columnIndex, hashes }
}

/** Where a filter is said to be; files of older writers do not say how long it is. */
function filterRange(rowGroup: RowGroup, columnIndex: number, fileSizeBytes: number): ByteRange | undefined {
  const { bloomFilterOffset: offset, bloomFilterLength: length } = rowGroup.columns[columnIndex]?.metaData ?? {}
  if (offset === undefined) return undefined
  const available = fileSizeBytes - 8 - offset
  if (offset < 4 || available <= BLOCK_BYTES || (length !== undefined && (length <= BLOCK_BYTES || length > available))) return undefined
  return { offset, length: length ?? available }
}

async function heldHashes(range: ByteRange, hashes: readonly Halves[], file: FooterLocation): Promise<boolean[] | undefined> {
  const isWhole = range.length <= WHOLE_BYTES
  const start = { offset: range.offset, length: isWhole ? range.length : MAX_HEADER_BYTES }
  const bytes = await file.io.read(file.location, { range: start, signal: file.signal })
  const bits = headerOf(bytes)
  if (bits === undefined || bits.start + bits.length > range.length) return undefined
  const blocks = hashes.map((hash) => blockOf(hash, bits.length / BLOCK_BYTES))
  const blockAt = isWhole
    ? (block: number): Uint8Array => bytes.subarray(bits.start + block * BLOCK_BYTES)
    : await fetchBlocks({ offset: range.offset + bits.start, length: bits.length }, blocks, file)
  return hashes.map((hash, i) => blockHolds(wordsOf(blockAt(blocks[i]!)), 0, hash))
}

function headerOf(bytes: Uint8Array): ReturnType<typeof decodeBloomHeader> {
  try {
    return decodeBloomHeader(bytes)
  } catch (error) {
    if (error instanceof FloeError) return undefined
    throw error
  }
}

async function fetchBlocks(bits: ByteRange, blocks: readonly number[], file: FooterLocation): Promise<(block: number) => Uint8Array> {
  const distinct = [...new Set(blocks)]
  const ranges = distinct.map((block) => ({ offset: bits.offset + block * BLOCK_BYTES, length: BLOCK_BYTES }))
  const fetched = await file.io.readMany(file.location, ranges, { signal: file.signal })
  const found = new Map(distinct.map((block, i) => [block, fetched[i]!]))
  return (block) => found.get(block)!
}

/** A copy: the bits need not lie at a multiple of four. */
function wordsOf(block: Uint8Array): Uint32Array {
  return new Uint32Array(new Uint8Array(block.subarray(0, BLOCK_BYTES)).buffer)
}
