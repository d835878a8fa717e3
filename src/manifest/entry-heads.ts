import { Op, Slot, SLOT_COUNT, type EntryPlan } from './entry-plan.js'
import type { EntryColumns } from './entry-walker.js'

const STATISTICS: ReadonlySet<number> = new Set([
  Slot.columnSizes,
  Slot.valueCounts,
  Slot.nullValueCounts,
  Slot.nanValueCounts,
  Slot.lowerBounds,
  Slot.upperBounds,
])

/** Whether a slot is a map of statistics, which make up most of an entry. */
export function isStatistics(slot: number): boolean {
  return STATISTICS.has(slot)
}

/** Some entries of a manifest, and what they need of its blocks but for statistics. */
export interface EntryHeads {
  /** Slots that are no statistics are positions in {@link bytes}. */
  readonly columns: EntryColumns
  readonly bytes: Uint8Array
}

/** Copies the given rows, ascending, together. When they are all rows their columns are taken over, and changed. */
export function entryHeads(plan: EntryPlan, columns: EntryColumns, blocks: readonly Uint8Array[], rows: Uint32Array): EntryHeads {
  const order = slotOrder(plan)
  const ends = entryEnds(columns, blocks, order[0] ?? 0, rows)
  const kept = rows.length === columns.count ? columns : columns.take(rows)
  const bytes = new Uint8Array(headBytes(kept.slots, order, ends))
  let at = 0
  for (let row = 0; row < rows.length; row++) {
    const block = blocks[kept.blocks[row]!]!
    let start = 0
    const flush = (end: number): void => {
      if (start === 0) return
      bytes.set(block.subarray(start - 1, end), at)
      at += end - start + 1
      start = 0
    }
    for (const slot of order) {
      const index = row * SLOT_COUNT + slot
      const position = kept.slots[index]!
      if (position === 0) continue
      if (isStatistics(slot)) flush(position - 1)
      else {
        if (start === 0) start = position
        kept.slots[index] = at + position - start + 1
      }
    }
    flush(ends[row]!)
  }
  return { columns: kept, bytes }
}

/** Slots in the order in which a writer put the fields. */
function slotOrder({ program }: EntryPlan): number[] {
  const order: number[] = []
  for (let pc = 0; pc < program.length; pc += 3) if (program[pc] === Op.Slot) order.push(program[pc + 1]!)
  return order
}

/** Where rows end, or a little later: at the first slot of the next one. */
function entryEnds(columns: EntryColumns, blocks: readonly Uint8Array[], firstSlot: number, rows: Uint32Array): Uint32Array {
  return rows.map((row) => {
    const next = row + 1
    const isLast = next === columns.count || columns.blocks[next] !== columns.blocks[row]
    const position = isLast ? 0 : columns.slots[next * SLOT_COUNT + firstSlot]!
    return position === 0 ? blocks[columns.blocks[row]!]!.length : position - 1
  })
}

function headBytes(slots: Uint32Array, order: readonly number[], ends: Uint32Array): number {
  let bytes = 0
  for (let row = 0; row < ends.length; row++) {
    let start = 0
    for (const slot of order) {
      const position = slots[row * SLOT_COUNT + slot]!
      if (position === 0) continue
      if (!isStatistics(slot)) start ||= position
      else if (start !== 0) {
        bytes += position - start
        start = 0
      }
    }
    if (start !== 0) bytes += ends[row]! + 1 - start
  }
  return bytes
}
