import type { RecordBatch } from 'apache-arrow'
import { filterBatch } from '../arrow/row-mask.js'
import { FloeError } from '../util/errors.js'
import { firstNull, type EventReader } from './change-events.js'
import { orderColumns } from './event-order.js'
import type { KeyReader } from './key-reader.js'

/**
 * Events that do something, each with a key and an order.
 * @throws FloeError `INVALID` naming row and column of the first that lacks one
 */
export async function* checkedEvents(reader: EventReader, keys: KeyReader): AsyncGenerator<RecordBatch, void, undefined> {
  const operations = reader.readOperations()
  const orders = orderColumns(reader.schema, reader.orderIds)
  let before = 0
  for await (const all of reader.batches) {
    const kept = Uint8Array.from(operations(all), (operation) => (operation === 'ignore' ? 0 : 1))
    const rowOf = (row: number): number => before + nthSelected(kept, row)
    const batch = filterBatch(all, kept)
    const nullKey = keys.read(batch).nulls?.indexOf(1) ?? -1
    if (nullKey >= 0) {
      const column = keys.paths[keys.values(batch, nullKey).findIndex((value) => value === null)]!
      throw new FloeError('INVALID', `row ${rowOf(nullKey)}: the event has no key`, { column })
    }
    orders(batch).forEach((chunk, i) => {
      const row = firstNull(chunk)
      if (row < 0) return
      const column = reader.schema.pathOf(reader.orderIds[i]!)!
      throw new FloeError('INVALID', `row ${rowOf(row)}: the event has no order, so it is not known which came last`, { column })
    })
    before += all.numRows
    if (batch.numRows > 0) yield batch
  }
}

function nthSelected(mask: Uint8Array, n: number): number {
  let left = n
  for (let row = 0; row < mask.length; row++) if (mask[row] === 1 && left-- === 0) return row
  return mask.length
}
