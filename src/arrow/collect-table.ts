import { Table } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import type { Schema } from '../schema/schema.js'
import { arrowSchema } from './arrow-schema.js'

/** One Arrow table of all batches; without any, an empty one of the schema's canonical types. */
export async function collectTable(batches: AsyncIterable<RecordBatch>, schema: Schema): Promise<Table> {
  const collected: RecordBatch[] = []
  for await (const batch of batches) collected.push(batch)
  return collected.length === 0 ? new Table(arrowSchema(schema)) : new Table(collected)
}
