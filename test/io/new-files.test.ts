import { describe, expect, it } from 'vitest'
import type { FileIO } from '../../src/io/file-io.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { newFiles } from '../../src/io/new-files.js'
import { FloeError, isFloeError } from '../../src/util/errors.js'

const location = 'memory:///t/data/00000-0-6b1f.parquet'
const bytes = Uint8Array.of(1, 2, 3, 4)

async function* inParts(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes.subarray(0, 3))
  yield bytes.subarray(3)
}

/** A store that does what `write` says. */
function storeWith(write: (io: MemoryFileIO, body: Uint8Array) => Promise<void>): { readonly io: FileIO; readonly memory: MemoryFileIO } {
  const memory = new MemoryFileIO()
  const io = Object.create(memory) as FileIO
  io.write = async (_location, body) => {
    const parts: number[] = []
    for await (const part of body instanceof Uint8Array ? [body] : body) parts.push(...part)
    await write(memory, Uint8Array.from(parts))
    throw new Error('not reached')
  }
  io.head = (asked) => memory.head(asked)
  io.delete = (locations) => memory.delete(locations)
  return { io, memory }
}

const taken = new FloeError('ALREADY_EXISTS', 'The object exists already', { file: location })
const lost = new FloeError('COMMIT_STATE_UNKNOWN', 'the answer was lost', { file: location })

describe('a new file', () => {
  it.each([['taken, by the same request sent twice', taken], ['written, and the answer lost', lost]])('whose name is %s is there', async (_, error) => {
    for (const body of [bytes, inParts()]) {
      const { io } = storeWith(async (memory, whole) => {
        await memory.write(location, whole)
        throw error
      })
      expect((await newFiles(io).write(location, body, { ifNoneMatch: '*' })).sizeBytes).toBe(4)
    }
  })

  it.each([['taken', taken], ['lost', lost]])('that is %s and not to be found is no doubt about a commit', async (_, error) => {
    const { io } = storeWith(() => Promise.reject(error))
    const write = newFiles(io).write(location, inParts(), { ifNoneMatch: '*' })
    await expect(write).rejects.toSatisfy((thrown) => isFloeError(thrown, 'UNAVAILABLE') && thrown.file === location && thrown.cause === error)
  })

  it('is not taken for one of another size, which stays', async () => {
    const { io, memory } = storeWith(async (store) => {
      await store.write(location, Uint8Array.of(9))
      throw taken
    })
    await expect(newFiles(io).write(location, bytes, { ifNoneMatch: '*' })).rejects.toBe(taken)
    expect((await memory.head(location))!.sizeBytes).toBe(1)
  })

  it('of which a part was sent is not taken for the whole', async () => {
    const memory = new MemoryFileIO()
    const io = Object.create(memory) as FileIO
    io.head = (asked) => memory.head(asked)
    io.write = async (_location, body) => {
      for await (const part of body as AsyncIterable<Uint8Array>) {
        await memory.write(location, part)
        throw taken
      }
      throw new Error('not reached')
    }
    await expect(newFiles(io).write(location, inParts(), { ifNoneMatch: '*' })).rejects.toBe(taken)
  })
})
