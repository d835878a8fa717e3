import { mkdir, open, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'

/**
 * A folder of this machine's disk for data that does not fit into memory, gone when the operation ends. Every file is a
 * sequence of frames; frames are appended, then read in order, any number of times.
 */
export class SpillFolder {
  readonly #path: string
  readonly #files = new Map<number, SpillFile>()
  #isMade = false

  /** `parent`: an existing folder, default that of the system for temporary files. Nothing is made before the first write. */
  constructor(runtime: Runtime, parent: string = tmpdir()) {
    this.#path = join(parent, `floe-spill-${runtime.uuid()}`)
  }

  /** Appends a frame to file `number`. @throws FloeError `UNAVAILABLE` when the disk is full or the folder is missing */
  async append(number: number, frame: Uint8Array): Promise<void> {
    try {
      if (!this.#isMade) await mkdir(this.#path, { mode: 0o700 })
      this.#isMade = true
      let file = this.#files.get(number)
      if (file === undefined) {
        file = { handle: await open(this.#pathOf(number), 'wx+', 0o600), ends: [], size: 0 }
        this.#files.set(number, file)
      }
      await writeAll(file.handle, frame, file.size)
      file.size += frame.length
      file.ends.push(file.size)
    } catch (cause) {
      throw new FloeError('UNAVAILABLE', `Rows that exceed the memory budget could not be written to ${this.#path}: free space there, name another folder, or raise the budget`, { cause })
    }
  }

  /** The frames of file `number`, in order; none when nothing was appended. */
  async *read(number: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let index = 0; index < this.frameCount(number); index++) yield await this.readFrame(number, index)
  }

  /** How many frames file `number` has. */
  frameCount(number: number): number {
    return this.#files.get(number)?.ends.length ?? 0
  }

  /** One of the frames of file `number`, in memory of its own. */
  async readFrame(number: number, index: number): Promise<Uint8Array> {
    const { handle, ends } = this.#files.get(number)!
    const start = index === 0 ? 0 : ends[index - 1]!
    return readExactly(handle, start, ends[index]! - start, this.#path)
  }

  /** Removes file `number`, so that its space is free at once. Never fails. */
  async removeFile(number: number): Promise<void> {
    const file = this.#files.get(number)
    if (file === undefined) return
    this.#files.delete(number)
    await Promise.allSettled([file.handle.close(), rm(this.#pathOf(number), { force: true })])
  }

  /** Removes everything. Never fails: what cannot be removed is the system's to clean. */
  async remove(): Promise<void> {
    const files = [...this.#files.values()]
    this.#files.clear()
    await Promise.allSettled(files.map((file) => file.handle.close()))
    if (this.#isMade) await rm(this.#path, { recursive: true, force: true }).catch(() => undefined)
    this.#isMade = false
  }

  #pathOf(number: number): string {
    return join(this.#path, String(number))
  }
}

interface SpillFile {
  readonly handle: FileHandle
  /** Where each frame ends. */
  readonly ends: number[]
  size: number
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

async function readExactly(handle: FileHandle, position: number, length: number, folder: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled)
    if (bytesRead === 0) throw new FloeError('UNAVAILABLE', `A temporary file in ${folder} was cut while it was in use: try again`)
    filled += bytesRead
  }
  return bytes
}
