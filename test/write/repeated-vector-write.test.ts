import { expect, it } from 'vitest'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { writeDeletionVectors } from '../../src/write/deletion-vector-writer.js'
import { InterceptedFileIO } from '../support/intercepted-file-io.js'
import { table } from '../support/metadata-builders.js'
import { TestRuntime } from '../support/scripted-backend.js'

it('a vector whose write was repeated on the way, so that its name is taken by itself, is written under the next name', async () => {
  const io = new InterceptedFileIO(new MemoryFileIO())
  let writes = 0
  io.hook = async (call, effect) => {
    if (call.operation === 'write' && ++writes === 1) await effect()
    return effect()
  }
  const target = { dataFile: { filePath: 'a', specId: 0, partition: [] }, positions: PositionBitmap.of([1, 2]) }
  const [vector] = await writeDeletionVectors([target], { io, metadata: table({ formatVersion: 3 }), runtime: new TestRuntime() })
  expect(vector?.recordCount).toBe(2)
  expect(await io.head(vector!.filePath)).toBeDefined()
  expect(new Set(io.calls.filter(({ operation }) => operation === 'write').map(({ location }) => location)).size).toBe(2)
})
