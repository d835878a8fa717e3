import { FloeError } from '../../util/errors.js'
import { sortKeyEncoder } from './sort-key-encoder.js'
import type { RowOrder } from './row-order.js'
import type { RowSource } from './row-source.js'
import type { KeyEncoder } from './sort-keys.js'

export async function keyEncoder(source: RowSource, order: RowOrder): Promise<KeyEncoder> {
  if (order.type === 'sort') return sortKeyEncoder(source.schema, order.order)
  await Promise.resolve()
  throw new FloeError('UNSUPPORTED', `Rows cannot be ordered by ${order.type}`)
}
