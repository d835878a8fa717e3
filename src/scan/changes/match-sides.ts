import type { RecordBatch } from 'apache-arrow'
import { batchBytes } from '../../arrow/batch-bytes.js'
import { concatBatches } from '../../arrow/concat-batches.js'
import { filterBatch, selectedRows, type RowMask } from '../../arrow/row-mask.js'
import { HASH_LANES } from '../../arrow/row-hash.js'
import { takeBatch } from '../../arrow/take.js'
import type { ChangedRows, ChangeSide } from './change-rows.js'
import { KeptBatches } from './kept-batches.js'
import { RemovedRows } from './removed-rows.js'
import type { RowHashes, RowIdentifier } from './row-identifier.js'

/** What the two states of some files have in common, and how they differ. */
export interface SidesToMatch {
  /** The rows that may have disappeared, in parts of which one fits into memory as hashes. */
  readonly removals: readonly ChangeSide[]
  /** The rows that may be new. */
  readonly additions: ChangeSide
  readonly identifier: RowIdentifier
  /** Bound on what is kept of rows besides their hashes. Rows that do not fit are read again. */
  readonly memoryBytes: number
  /** Called when a row that stayed has another row id than before, as after a rewrite that did not keep the ids. */
  readonly onNewIds?: (() => void) | undefined
}

/**
 * The rows of both sides without those that are on both: deletes and updates, then inserts, so that a consumer that applies them in
 * turn never deletes what it just inserted. Rows that were copied from file to file are told by their hashes; only changed ones are kept.
 */
export async function* matchSides(sides: SidesToMatch): AsyncGenerator<ChangedRows, void, undefined> {
  const { removals, additions } = sides
  if (additions.files === 0) for (const part of removals) yield* rowsOf(part, 'DELETE')
  else if (removals.length === 0) yield* rowsOf(additions, 'INSERT')
  else yield* new SideMatcher(sides).match()
}

async function* rowsOf(side: ChangeSide, kind: 'INSERT' | 'DELETE'): AsyncGenerator<ChangedRows, void, undefined> {
  for await (const { batch } of side.rows()) yield { kind, batch }
}

class SideMatcher {
  readonly #sides: SidesToMatch
  /** By the ordinal of an added row: whether it has been told of, or is no change. */
  readonly #settled = new BitList()
  #inserts: KeptBatches
  #insertCount = 0
  /** Rows that seemed to be changed ones, until those that they came from turned out to be elsewhere. */
  readonly #unpaired: RecordBatch[] = []

  constructor(sides: SidesToMatch) {
    this.#sides = sides
    this.#inserts = new KeptBatches(sides.memoryBytes / 2)
  }

  async *match(): AsyncGenerator<ChangedRows, void, undefined> {
    for (const part of this.#sides.removals) yield* this.#matchPart(part)
    for (const batch of this.#unpaired) yield { kind: 'INSERT', batch }
    if (this.#insertCount === 0) return
    if (this.#inserts.isComplete) for (const batch of this.#inserts.batches) yield { kind: 'INSERT', batch }
    else yield* this.#unsettledAdditions()
  }

  async *#matchPart(part: ChangeSide): AsyncGenerator<ChangedRows, void, undefined> {
    const { identifier, additions, memoryBytes } = this.#sides
    const removed = new RemovedRows(identifier.identity)
    const kept = new KeptBatches(memoryBytes / 4)
    for await (const { batch, isWholeFile } of part.rows()) {
      removed.add(identifier.hash(batch), batch.numRows, isWholeFile)
      kept.push(batch)
    }
    const removedBatches = (): AsyncIterable<RecordBatch> => (kept.isComplete ? asyncOf(kept.batches) : batchesOf(part))
    // Each part looks at what those before it have left
    this.#inserts = new KeptBatches(memoryBytes / 2)
    this.#insertCount = 0
    let changed = new ChangedCandidates()
    let first = 0
    for await (const { batch } of additions.rows()) {
      this.#matchBatch(batch, first, removed, changed)
      first += batch.numRows
      if (changed.bytes <= memoryBytes / 4) continue
      yield* this.#updates(removed, changed, removedBatches())
      changed = new ChangedCandidates()
    }
    if (removed.hasNewIds) this.#sides.onNewIds?.()
    yield* this.#updates(removed, changed, removed.left === 0 && changed.isEmpty ? asyncOf([]) : removedBatches(), 'and deletes')
  }

  #matchBatch(batch: RecordBatch, first: number, removed: RemovedRows, changed: ChangedCandidates): void {
    const hashes = this.#sides.identifier.hash(batch)
    const isInsert: RowMask = new Uint8Array(batch.numRows)
    const isChanged: RowMask = new Uint8Array(batch.numRows)
    for (let row = 0; row < batch.numRows; row++) {
      if (this.#settled.has(first + row)) continue
      const match = removed.match(hashes, row)
      if (match === 'new') {
        isInsert[row] = 1
        this.#insertCount++
        continue
      }
      this.#settled.add(first + row)
      if (match === 'changed') isChanged[row] = 1
    }
    changed.add(batch, isChanged, hashes)
    this.#inserts.push(filterBatch(batch, isInsert))
  }

  /** Tells of the rows that are there with other values, and in the end of those that are gone. */
  async *#updates(
    removed: RemovedRows,
    changed: ChangedCandidates,
    batches: AsyncIterable<RecordBatch>,
    deletes?: 'and deletes',
  ): AsyncGenerator<ChangedRows, void, undefined> {
    const { after, unpaired } = changed.pairWith(removed)
    if (unpaired !== undefined) this.#unpaired.push(unpaired)
    let entry = 0
    for await (const batch of batches) {
      const isDelete: RowMask = new Uint8Array(batch.numRows)
      const [rows, partners]: [number[], number[]] = [[], []]
      for (let row = 0; row < batch.numRows; row++, entry++) {
        const partner = removed.partnerOf(entry)
        if (partner >= 0) {
          rows.push(row)
          partners.push(partner)
          removed.forget(entry)
        } else if (deletes !== undefined && removed.isLeft(entry)) isDelete[row] = 1
      }
      const deleted = filterBatch(batch, isDelete)
      if (deleted.numRows > 0) yield { kind: 'DELETE', batch: deleted }
      const [before, later] = [takeBatch(batch, Uint32Array.from(rows)), takeBatch(after ?? batch, Uint32Array.from(partners))]
      if (rows.length > 0) yield { kind: 'UPDATE', batch: inTurn(before, later) }
    }
  }

  async *#unsettledAdditions(): AsyncGenerator<ChangedRows, void, undefined> {
    let first = 0
    for await (const { batch } of this.#sides.additions.rows()) {
      const mask = Uint8Array.from({ length: batch.numRows }, (_, row) => (this.#settled.has(first + row) ? 0 : 1))
      first += batch.numRows
      const inserted = filterBatch(batch, mask)
      if (inserted.numRows > 0) yield { kind: 'INSERT', batch: inserted }
    }
  }
}

/** Rows of the new state that have the identity of one that disappeared, and other values. */
class ChangedCandidates {
  readonly #batches: RecordBatch[] = []
  readonly #keys: Int32Array[] = []
  bytes = 0

  get isEmpty(): boolean {
    return this.#batches.length === 0
  }

  add(batch: RecordBatch, mask: RowMask, hashes: RowHashes): void {
    const rows = selectedRows(mask)
    if (rows.length === 0) return
    const taken = takeBatch(batch, rows)
    const keys = new Int32Array(rows.length * HASH_LANES)
    rows.forEach((row, i) => keys.set(hashes.keys.subarray(row * HASH_LANES, (row + 1) * HASH_LANES), i * HASH_LANES))
    this.#batches.push(taken)
    this.#keys.push(keys)
    this.bytes += batchBytes(taken) + keys.byteLength
  }

  /** All of them as one batch, by whose ordinals `removed` names them, and those that find no partner any more. */
  pairWith(removed: RemovedRows): { readonly after?: RecordBatch; readonly unpaired?: RecordBatch } {
    if (this.isEmpty) return {}
    const all = concatBatches(this.#batches)
    const isUnpaired: RowMask = new Uint8Array(all.numRows)
    let partner = 0
    for (const keys of this.#keys) {
      for (let at = 0; at < keys.length; at += HASH_LANES, partner++) if (!removed.pair(keys, at, partner)) isUnpaired[partner] = 1
    }
    const unpaired = filterBatch(all, isUnpaired)
    return unpaired.numRows > 0 ? { after: all, unpaired } : { after: all }
  }
}

/** The rows of two batches of the same length in turn. */
function inTurn(before: RecordBatch, after: RecordBatch): RecordBatch {
  const { numRows } = before
  const order = Uint32Array.from({ length: numRows * 2 }, (_, i) => (i >> 1) + (i & 1) * numRows)
  return takeBatch(concatBatches([before, after]), order)
}

async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  for (const item of items) yield item
}

async function* batchesOf(side: ChangeSide): AsyncGenerator<RecordBatch, void, undefined> {
  for await (const { batch } of side.rows()) yield batch
}

/** A growing set of small numbers. */
class BitList {
  #words = new Int32Array(1024)

  has(index: number): boolean {
    return ((this.#words[index >>> 5] ?? 0) >>> (index & 31) & 1) === 1
  }

  add(index: number): void {
    const word = index >>> 5
    if (word >= this.#words.length) {
      const larger = new Int32Array(Math.max(word + 1, this.#words.length * 2))
      larger.set(this.#words)
      this.#words = larger
    }
    this.#words[word]! |= 1 << (index & 31)
  }
}
