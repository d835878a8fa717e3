import { expect, it } from 'vitest'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { describeFileIO } from '../conformance/file-io.js'

describeFileIO('MemoryFileIO', () => ({ io: new MemoryFileIO(), root: 'memory:///root' }))

it('the clock is the one given', async () => {
  const io = new MemoryFileIO({ runtime: { now: () => 42 } })
  expect((await io.write('memory:/a', new Uint8Array(1))).lastModifiedMs).toBe(42)
})
