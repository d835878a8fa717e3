/**
 * Rows a second of each order, with the memory of the process. Rows are made as they are read: `none` is what that costs.
 *
 *     npx esbuild bench/ordering.ts --bundle --packages=external --platform=node --format=esm --outfile=node_modules/.bench/ordering.mjs
 *     node node_modules/.bench/ordering.mjs [rows, default 20000000] [budget in MiB, default 256] [orders, default all]
 */
import { execFileSync } from 'node:child_process'
import type { RecordBatch } from 'apache-arrow'
import { columnsOf, fixedChunk, fixedValues, makeBatch, variableChunk } from '../src/arrow/arrow-data.js'
import { arrowSchema, arrowType } from '../src/arrow/arrow-schema.js'
import { orderRows } from '../src/compaction/order/order-rows.js'
import type { RowOrder } from '../src/compaction/order/row-order.js'
import type { RowSource } from '../src/compaction/order/row-source.js'
import { SpillSpace } from '../src/compaction/order/spill-space.js'
import { buildSortOrder, asc, day, desc } from '../src/partition/spec-builder.js'
import { schema as buildSchema, t } from '../src/schema/schema-builder.js'
import { systemRuntime } from '../src/util/runtime.js'

const [rowsText = '20000000', budgetText = '256', names, child] = process.argv.slice(2)
const ROWS = Number(rowsText)
const MIB = 2 ** 20

const schema = buildSchema({
  id: t.long.required,
  ts: t.timestamptz,
  user: t.string,
  amount: t.double,
  kind: t.string,
  device: t.int,
})
const fieldIds = (...columns: string[]): number[] => columns.map((column) => schema.requireField(column).id)
const orders: Readonly<Record<string, RowOrder | undefined>> = {
  none: undefined,
  'sort by ts': { type: 'sort', order: buildSortOrder([asc('ts')], schema) },
  'sort by user': { type: 'sort', order: buildSortOrder([asc('user')], schema) },
  'sort by day(ts), kind, amount desc': { type: 'sort', order: buildSortOrder([asc(day('ts')), 'kind', desc('amount')], schema) },
  'zorder ts, id': { type: 'zorder', fieldIds: fieldIds('ts', 'id') },
  'hilbert ts, id': { type: 'hilbert', fieldIds: fieldIds('ts', 'id') },
  'zorder ts, user, amount': { type: 'zorder', fieldIds: fieldIds('ts', 'user', 'amount') },
  'hilbert ts, user, amount': { type: 'hilbert', fieldIds: fieldIds('ts', 'user', 'amount') },
}

/** Xorshift: quick, and good enough to leave no order in the rows. */
function generator(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

const kinds = ['click', 'view', 'purchase', 'refund', 'search', 'scroll', 'share', 'login'].map((kind) => new TextEncoder().encode(kind))
const BATCH_ROWS = 65_536

function makeRows(first: number, length: number, next: () => number): RecordBatch {
  const ids = new BigInt64Array(length)
  const [times, amounts, devices] = [new BigInt64Array(length), new Float64Array(length), new Int32Array(length)]
  const idWords = new Uint32Array(ids.buffer)
  const timeWords = new Uint32Array(times.buffer)
  const [users, userOffsets] = [new Uint8Array(length * 12), new Int32Array(length + 1)]
  const [kindBytes, kindOffsets] = [new Uint8Array(length * 8), new Int32Array(length + 1)]
  for (let row = 0; row < length; row++) {
    idWords[row * 2] = Math.imul(first + row, 0x9e37_79b1)
    idWords[row * 2 + 1] = (first + row) >>> 24
    timeWords[row * 2] = next()
    timeWords[row * 2 + 1] = 397_000 + (next() >>> 21)
    amounts[row] = (next() % 100_000) / 100
    devices[row] = next() % 5000
    const user = next() % 3_000_000
    users.set(prefix, row * 12)
    for (let i = 0, rest = user; i < 7; i++, rest = Math.floor(rest / 10)) users[row * 12 + 11 - i] = 48 + (rest % 10)
    userOffsets[row + 1] = (row + 1) * 12
    const kind = kinds[next() & 7]!
    kindBytes.set(kind, kindOffsets[row]!)
    kindOffsets[row + 1] = kindOffsets[row]! + kind.length
  }
  return makeBatch(arrow, length, [
    fixedChunk(arrowType({ kind: 'long' }), length, ids),
    fixedChunk(arrowType({ kind: 'timestamptz' }), length, times),
    variableChunk(arrowType({ kind: 'string' }), userOffsets, users),
    fixedChunk(arrowType({ kind: 'double' }), length, amounts),
    variableChunk(arrowType({ kind: 'string' }), kindOffsets, kindBytes),
    fixedChunk(arrowType({ kind: 'int' }), length, devices),
  ])
}

const arrow = arrowSchema(schema)
const prefix = new TextEncoder().encode('user-')

const source: RowSource = {
  schema,
  estimatedRows: ROWS,
  async *rows() {
    const next = generator(1)
    for (let at = 0; at < ROWS; at += BATCH_ROWS) yield makeRows(at, Math.min(BATCH_ROWS, ROWS - at), next)
  },
  async *sample(ids, rows) {
    const next = generator(2)
    const selected = schema.selectIds(ids)
    const columns = schema.fields.flatMap((field, i) => (ids.includes(field.id) ? [i] : []))
    for (let at = 0; at < rows; at += 8192) {
      const batch = makeRows(Math.floor((at * ROWS) / rows), 8192, next)
      yield makeBatch(arrowSchema(selected), batch.numRows, columns.map((i) => columnsOf(batch)[i]!))
    }
  },
}

async function run(name: string): Promise<void> {
  const order = orders[name]
  const spill = new SpillSpace(systemRuntime)
  const started = performance.now()
  const batches = order === undefined ? source.rows() : orderRows(source, order, { memoryBudgetBytes: Number(budgetText) * MIB, spill })
  let rows = 0
  let sum = 0
  let firstMs = 0
  for await (const batch of batches) {
    if (rows === 0) firstMs = performance.now() - started
    rows += batch.numRows
    sum += fixedValues<Int32Array>(columnsOf(batch)[5]!)[0]!
  }
  await spill.remove()
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage()
  const { maxRSS } = process.resourceUsage()
  if (rows !== ROWS || Number.isNaN(sum)) throw new Error(`${rows} rows came out`)
  const cells = [seconds, firstMs / 1000, (user + system) / 1e6, rows / seconds / 1e6, maxRSS / 1024]
  console.log(name.padEnd(36), ...cells.map((cell) => cell.toFixed(1).padStart(9)))
}

if (child !== undefined) await run(child)
else {
  console.log(`${ROWS} rows, budget ${budgetText} MiB`.padEnd(36), ...['seconds', 'first row', 'CPU s', 'M rows/s', 'RSS MiB'].map((title) => title.padStart(9)))
  const chosen = names === undefined || names === 'all' ? Object.keys(orders) : names.split(';')
  // A process each: its memory is that of one order
  for (const name of chosen) execFileSync(process.execPath, [process.argv[1]!, rowsText, budgetText, 'all', name], { stdio: 'inherit' })
}
