import type { RecordBatch } from 'apache-arrow'
import { batchBytes } from '../../arrow/batch-bytes.js'
import { concatBatches } from '../../arrow/concat-batches.js'
import { filterBatch } from '../../arrow/row-mask.js'
import { HASH_LANES } from '../../arrow/row-hash.js'
import { takeBatch } from '../../arrow/take.js'
import { FloeError } from '../../util/errors.js'
import type { ChangeOrigin } from './change-output.js'
import type { ChangedRows } from './change-rows.js'
import { HashChains } from './hash-chains.js'
import type { RowHashes, RowIdentifier } from './row-identifier.js'

/** Changes of one snapshot. */
export interface CommittedRows extends ChangedRows {
  readonly origin: ChangeOrigin
}

/** Changes, each with the commit that it is of. */
export interface NetRows extends ChangedRows {
  readonly origins: readonly ChangeOrigin[]
}

export interface NetRequest {
  /** The changes of a range of snapshots in order; called again for every part of the keys when all do not fit into memory. */
  readonly changes: () => AsyncIterable<CommittedRows>
  readonly identifier: RowIdentifier
  readonly memoryBytes: number
  /** Whether rows that stayed were found to have other row ids than before, in what was read of the changes so far. */
  readonly hasNewIds: () => boolean
}

/** Rows of a batch that is told of. */
const OUTPUT_ROWS = 16_384
/** Parts of the keys at most: 2 to this power. */
const MAX_DEPTH = 12

/** Some of the keys: those whose hash starts with `bits` bits of `prefix`. */
interface KeyPart {
  readonly bits: number
  readonly prefix: number
}

const ALL_KEYS: KeyPart = { bits: 0, prefix: 0 }

/**
 * What is left of the changes of a range when those that undo each other are left out: of each row at most its first state and its
 * last, deletes and updates before inserts. Changes that exceed the memory are gathered part by part, and read again for each.
 *
 * @throws FloeError `UNSUPPORTED` when the changes of few keys exceed the memory
 */
export async function* netChanges(asked: NetRequest): AsyncGenerator<NetRows, void, undefined> {
  let whole = await gather(asked, ALL_KEYS)
  let request = asked
  // What stayed under another id undoes what it was under the first: then only values tell
  if (asked.identifier.identity === 'row-ids' && asked.hasNewIds()) {
    request = { ...asked, identifier: asked.identifier.byValues() }
    whole = await gather(request, ALL_KEYS)
  }
  const parts: KeyPart[] = [ALL_KEYS]
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const net = part === ALL_KEYS ? whole : await gather(request, part)
    if (net !== undefined) {
      yield* net.result()
      continue
    }
    const bits = part.bits + 1
    if (bits > MAX_DEPTH) {
      throw new FloeError('UNSUPPORTED', `Net changes of a few keys exceed the memory of ${request.memoryBytes} bytes: allow more, or ask for a shorter range`)
    }
    parts.unshift({ bits, prefix: part.prefix * 2 }, { bits, prefix: part.prefix * 2 + 1 })
  }
}

/** The net changes of a part of the keys; undefined when they exceed the memory. */
async function gather({ changes, identifier, memoryBytes }: NetRequest, part: KeyPart): Promise<NetState | undefined> {
  let net: NetState | undefined = new NetState(identifier)
  for await (const { kind, batch, origin } of changes()) {
    if (net === undefined) continue
    for (const [side, rows] of sidesOf(kind, batch)) {
      const mine = part.bits === 0 ? rows : inPart(rows, identifier.hash(rows), part)
      if (mine.numRows > 0) net.add(side, mine, origin)
    }
    if (net.bytes <= memoryBytes) continue
    const compacted = net.compacted()
    if (compacted.bytes <= memoryBytes / 2) net.replaceBy(compacted)
    // Of all keys, the changes are read to their end: they tell whether ids identify rows
    else if (part === ALL_KEYS) net = undefined
    else return undefined
  }
  return net
}

function sidesOf(kind: ChangedRows['kind'], batch: RecordBatch): readonly (readonly ['gone' | 'added', RecordBatch])[] {
  if (kind === 'INSERT') return [['added', batch]]
  if (kind === 'DELETE') return [['gone', batch]]
  const turn = (odd: number): RecordBatch => takeBatch(batch, Uint32Array.from({ length: batch.numRows / 2 }, (_, i) => i * 2 + odd))
  return [
    ['gone', turn(0)],
    ['added', turn(1)],
  ]
}

function inPart(batch: RecordBatch, { keys }: RowHashes, { bits, prefix }: KeyPart): RecordBatch {
  const mask = Uint8Array.from({ length: batch.numRows }, (_, row) => (keys[row * HASH_LANES + 1]! >>> (32 - bits) === prefix ? 1 : 0))
  return filterBatch(batch, mask)
}

/** The first states of changed rows, and the last ones. */
class NetState {
  readonly #identifier: RowIdentifier
  #entries = new EntryList()
  #batches: RecordBatch[] = []
  #origins: ChangeOrigin[] = []
  #batchBytes = 0
  /** By what identifies a row and its values. */
  #gone = new HashChains()
  #added = new HashChains()
  /** Added rows by what identifies them. */
  #addedKeys = new HashChains()

  constructor(identifier: RowIdentifier) {
    this.#identifier = identifier
  }

  get bytes(): number {
    return this.#batchBytes + this.#gone.bytes + this.#added.bytes + this.#addedKeys.bytes + this.#entries.bytes
  }

  add(side: 'gone' | 'added', batch: RecordBatch, origin: ChangeOrigin | readonly ChangeOrigin[]): void {
    const hashes = this.#identifier.hash(batch)
    const exact = exactHashes(hashes)
    const [own, opposite] = side === 'gone' ? [this.#gone, this.#added] : [this.#added, this.#gone]
    const isSingle = 'ordinal' in origin
    const firstOrigin = this.#origins.length
    this.#origins.push(...(isSingle ? [origin] : origin))
    const batchIndex = this.#batches.push(batch) - 1
    let kept = 0
    for (let row = 0, at = 0; row < batch.numRows; row++, at += HASH_LANES) {
      const undone = opposite.first(exact, at, this.#isLeft)
      if (undone >= 0) {
        this.#entries.drop(undone)
        continue
      }
      kept++
      const entry = this.#entries.add({ isGone: side === 'gone', batch: batchIndex, row, origin: isSingle ? firstOrigin : firstOrigin + row })
      own.insert(entry, exact, at)
      if (side === 'added') this.#addedKeys.insert(entry, hashes.keys, at)
    }
    if (kept > 0) this.#batchBytes += batchBytes(batch)
    else this.#batches[batchIndex] = batch.slice(0, 0)
  }

  /** The same without what was undone. */
  compacted(): NetState {
    const net = new NetState(this.#identifier)
    for (const side of ['gone', 'added'] as const) {
      const entries = this.#entries.left().filter((entry) => this.#entries.isGone(entry) === (side === 'gone'))
      for (const chunk of chunksOf(entries)) net.add(side, this.#rows(chunk), chunk.map((entry) => this.#originOf(entry)))
    }
    return net
  }

  replaceBy(other: NetState): void {
    this.#entries = other.#entries
    this.#batches = other.#batches
    this.#origins = other.#origins
    this.#batchBytes = other.#batchBytes
    this.#gone = other.#gone
    this.#added = other.#added
    this.#addedKeys = other.#addedKeys
  }

  *result(): Generator<NetRows, void, undefined> {
    const [deleted, updated]: [number[], number[]] = [[], []]
    for (const entry of this.#entries.left().filter((candidate) => this.#entries.isGone(candidate))) {
      const partner = this.#identifier.identity === 'values' ? -1 : this.#partnerOf(entry)
      if (partner < 0) deleted.push(entry)
      else {
        updated.push(entry, partner)
        this.#entries.drop(partner)
      }
    }
    const inserted = this.#entries.left().filter((entry) => !this.#entries.isGone(entry))
    yield* this.#told('DELETE', deleted)
    yield* this.#told('UPDATE', updated)
    yield* this.#told('INSERT', inserted)
  }

  #partnerOf(entry: number): number {
    const batch = this.#batches[this.#entries.batchOf(entry)]!
    const { keys } = this.#hashesOf(batch)
    return this.#addedKeys.first(keys, this.#entries.rowOf(entry) * HASH_LANES, this.#isLeft)
  }

  /** Entries of one batch follow each other. */
  #lastHashes: { readonly batch: RecordBatch; readonly hashes: RowHashes } | undefined
  #hashesOf(batch: RecordBatch): RowHashes {
    if (this.#lastHashes?.batch !== batch) this.#lastHashes = { batch, hashes: this.#identifier.hash(batch) }
    return this.#lastHashes.hashes
  }

  *#told(kind: ChangedRows['kind'], entries: readonly number[]): Generator<NetRows, void, undefined> {
    for (const chunk of chunksOf(entries)) yield { kind, batch: this.#rows(chunk), origins: chunk.map((entry) => this.#originOf(entry)) }
  }

  #originOf(entry: number): ChangeOrigin {
    return this.#origins[this.#entries.originOf(entry)]!
  }

  /** The rows of some entries, in their order. */
  #rows(entries: readonly number[]): RecordBatch {
    const byBatch = new Map<number, { readonly rows: number[]; readonly places: number[] }>()
    entries.forEach((entry, place) => {
      const batch = this.#entries.batchOf(entry)
      let group = byBatch.get(batch)
      if (group === undefined) byBatch.set(batch, (group = { rows: [], places: [] }))
      group.rows.push(this.#entries.rowOf(entry))
      group.places.push(place)
    })
    const groups = [...byBatch]
    const joined = concatBatches(groups.map(([batch, { rows }]) => takeBatch(this.#batches[batch]!, Uint32Array.from(rows))))
    const order = new Uint32Array(entries.length)
    let next = 0
    for (const [, { places }] of groups) for (const place of places) order[place] = next++
    return takeBatch(joined, order)
  }

  readonly #isLeft = (entry: number): boolean => this.#entries.isLeft(entry)
}

/** Of what identifies a row and its values together. */
function exactHashes({ keys, values }: RowHashes): Int32Array {
  if (keys === values) return values
  const exact = new Int32Array(values.length)
  for (let at = 0; at < exact.length; at++) exact[at] = Math.imul(values[at]!, 0x9e37_79b1) ^ keys[at]!
  return exact
}

function* chunksOf(entries: readonly number[]): Generator<readonly number[], void, undefined> {
  for (let start = 0; start < entries.length; start += OUTPUT_ROWS) yield entries.slice(start, start + OUTPUT_ROWS)
}

interface Entry {
  readonly isGone: boolean
  readonly batch: number
  readonly row: number
  readonly origin: number
}

const WORDS = 4
const DROPPED = 2

/** Rows of batches by number. */
class EntryList {
  /** Four words an entry: its state, its batch, its row, its origin. */
  #words = new Int32Array(WORDS * 64)
  #size = 0

  get bytes(): number {
    return this.#words.byteLength
  }

  add({ isGone, batch, row, origin }: Entry): number {
    const at = this.#size * WORDS
    if (at === this.#words.length) {
      const larger = new Int32Array(at * 2)
      larger.set(this.#words)
      this.#words = larger
    }
    this.#words[at] = isGone ? 1 : 0
    this.#words[at + 1] = batch
    this.#words[at + 2] = row
    this.#words[at + 3] = origin
    return this.#size++
  }

  drop(entry: number): void {
    this.#words[entry * WORDS]! |= DROPPED
  }

  isLeft(entry: number): boolean {
    return (this.#words[entry * WORDS]! & DROPPED) === 0
  }

  isGone(entry: number): boolean {
    return (this.#words[entry * WORDS]! & 1) === 1
  }

  batchOf(entry: number): number {
    return this.#words[entry * WORDS + 1]!
  }

  rowOf(entry: number): number {
    return this.#words[entry * WORDS + 2]!
  }

  originOf(entry: number): number {
    return this.#words[entry * WORDS + 3]!
  }

  left(): number[] {
    const entries: number[] = []
    for (let entry = 0; entry < this.#size; entry++) if (this.isLeft(entry)) entries.push(entry)
    return entries
  }
}
