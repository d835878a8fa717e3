import { describe, expect, it } from 'vitest'
import { releaseBuffer, settleReleases } from '../../src/parquet/release-buffer.js'

describe('releasing buffers', () => {
  it('leaves their views empty, and their memory free once it has settled', async () => {
    const before = process.memoryUsage().arrayBuffers
    const views = Array.from({ length: 4 }, () => new Uint8Array(16 * 2 ** 20))
    for (const view of views) releaseBuffer(view.buffer)
    await settleReleases()
    expect(views.map((view) => view.length)).toEqual([0, 0, 0, 0])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20)
  })
})
