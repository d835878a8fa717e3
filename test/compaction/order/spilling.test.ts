import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordBatch } from 'apache-arrow'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Row } from '../../../src/arrow/row-values.js'
import { rowReader } from '../../../src/arrow/row-values.js'
import { sliceBatch } from '../../../src/arrow/take.js'
import { decodeFrame, encodeFrame } from '../../../src/compaction/order/batch-frame.js'
import { orderRows } from '../../../src/compaction/order/order-rows.js'
import type { RowOrder } from '../../../src/compaction/order/row-order.js'
import { SpillSpace } from '../../../src/compaction/order/spill-space.js'
import { Schema } from '../../../src/schema/schema.js'
import { systemRuntime } from '../../../src/util/runtime.js'
import { everyRow, everyType } from '../../arrow/every-type.js'
import { batchOf, orderedRows, sourceOf } from './ordered-rows.js'

const schema = new Schema([
  { id: 1, name: 'n', type: { kind: 'long' }, required: true },
  { id: 2, name: 'text', type: { kind: 'string' }, required: false },
])
const rows = Array.from({ length: 20_000 }, (_, i): Row => ({ n: BigInt((i * 7919) % 20_011), text: i % 3 === 0 ? null : `text ${i % 100}` }))
const byNumber: RowOrder = {
  type: 'sort',
  order: { orderId: 1, fields: [{ sourceIds: [1], transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' }] },
}
const budget = 64 * 2 ** 10

let parent: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'floe-order-'))
})
afterEach(async () => {
  await rm(parent, { recursive: true, force: true })
})

/** Every file below the parent, with its size. */
async function filesOf(): Promise<number[]> {
  const names = await readdir(parent, { recursive: true, withFileTypes: true })
  return Promise.all(names.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size))
}

async function drain(batches: AsyncIterable<RecordBatch>): Promise<void> {
  for await (const batch of batches) expect(batch.numRows).toBeGreaterThan(0)
}

describe('rows that do not fit into memory', () => {
  it('wait in many runs, none larger than the budget, and are gone from the disk in the end', async () => {
    const spill = new SpillSpace(systemRuntime, parent)
    const read = rowReader(schema)
    const found: Row[] = []
    let sizes: number[] = []
    for await (const batch of orderRows(sourceOf(schema, rows, 512), byNumber, { memoryBudgetBytes: budget, spill })) {
      if (found.length === 0) sizes = await filesOf()
      found.push(...read(batch))
    }
    expect(found).toEqual([...rows].sort((a, b) => Number(a.n as bigint) - Number(b.n as bigint)))
    expect(sizes.length).toBeGreaterThan(5)
    expect(sizes.filter((size) => size > budget * 16)).toEqual([])
    expect(await filesOf()).toEqual([])
    await spill.remove()
    expect(await readdir(parent)).toEqual([])
  })

  it('come out in batches that the budget allows, also when they are wide', async () => {
    const wide = Array.from({ length: 300 }, (_, i): Row => ({ n: BigInt((i * 7) % 300), text: 'x'.repeat(5000) }))
    const spill = new SpillSpace(systemRuntime, parent)
    let [most, count] = [0, 0]
    for await (const batch of orderRows(sourceOf(schema, wide, 20), byNumber, { memoryBudgetBytes: 200_000, spill })) {
      most = Math.max(most, batch.numRows)
      count += batch.numRows
    }
    expect(count).toBe(300)
    expect(most).toBeLessThanOrEqual(40)
    await spill.remove()
  })

  it('leave nothing behind when the consumer stops early', async () => {
    const spill = new SpillSpace(systemRuntime, parent)
    for await (const batch of orderRows(sourceOf(schema, rows, 512), byNumber, { memoryBudgetBytes: budget, spill })) {
      expect(batch.numRows).toBeGreaterThan(0)
      expect(await filesOf()).not.toEqual([])
      break
    }
    expect(await filesOf()).toEqual([])
    await spill.remove()
  })

  it.each([0, 3000, 15_000])('leave nothing behind when the caller aborts after %i rows', async (after) => {
    const spill = new SpillSpace(systemRuntime, parent)
    const controller = new AbortController()
    const source = sourceOf(schema, rows, 512)
    let seen = 0
    const watched = {
      ...source,
      async *rows(): AsyncGenerator<RecordBatch> {
        for await (const batch of source.rows()) {
          if ((seen += batch.numRows) > after) controller.abort()
          yield batch
        }
      },
    }
    const all = orderRows(watched, byNumber, { memoryBudgetBytes: budget, spill, signal: controller.signal })
    await expect(drain(all)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await filesOf()).toEqual([])
    await spill.remove()
  })

  it('leave nothing behind when the source fails, and its error is the one that is thrown', async () => {
    const spill = new SpillSpace(systemRuntime, parent)
    const source = sourceOf(schema, rows, 512)
    const failing = {
      ...source,
      async *rows(): AsyncGenerator<RecordBatch> {
        yield* source.rows()
        throw new RangeError('of the source')
      },
    }
    const all = orderRows(failing, byNumber, { memoryBudgetBytes: budget, spill })
    await expect(all.next()).rejects.toThrow(new RangeError('of the source'))
    expect(await filesOf()).toEqual([])
    await spill.remove()
  })

  it('fail with a typed error where there is no disk to wait on', async () => {
    const spill = new SpillSpace(systemRuntime, join(parent, 'missing'))
    const all = orderRows(sourceOf(schema, rows, 512), byNumber, { memoryBudgetBytes: budget, spill })
    await expect(all.next()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('missing') as string })
  })

  it('never touch the disk when they fit', async () => {
    const spill = new SpillSpace(systemRuntime, join(parent, 'missing'))
    expect(await orderedRows(sourceOf(schema, rows, 512), byNumber, { memoryBudgetBytes: 2 ** 24, spill })).toHaveLength(rows.length)
  })

  it('need a budget that is more than nothing', async () => {
    const all = orderRows(sourceOf(schema, rows, 512), byNumber, { memoryBudgetBytes: 0, spill: new SpillSpace(systemRuntime, parent) })
    await expect(all.next()).rejects.toMatchObject({ code: 'INVALID' })
  })
})

describe('a frame', () => {
  it.each([[0, 20], [3, 14], [9, 1], [5, 0]])('keeps rows of every type, from row %i %i of them', (start, length) => {
    const whole = batchOf(everyType, [...Array.from({ length: 18 }, (_, i) => everyRow(i)), {}, {}])
    const batch = sliceBatch(whole, start, length)
    const frame = encodeFrame(batch, (size) => new Uint8Array(size + 64))
    const read = rowReader(everyType)
    expect(read(decodeFrame(frame, batch.schema))).toEqual(read(batch))
  })
})
