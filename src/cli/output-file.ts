import { createWriteStream } from 'node:fs'
import type { WriteStream } from 'node:fs'
import { access, constants, rename, stat, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { FloeError } from '../util/errors.js'
import { systemRuntime } from '../util/runtime.js'
import { Output } from './output.js'
import { systemFailure } from './system-failure.js'

/** A file that is written aside and takes its name when it is complete; pipes and devices are written as they are. */
export class OutputFile {
  /** Where the bytes go until they are complete. */
  readonly path: string
  readonly #target: string
  #stream: WriteStream | undefined

  private constructor(target: string, isSpecial: boolean) {
    this.#target = target
    this.path = isSpecial ? target : `${target}.${systemRuntime.uuid()}.tmp`
  }

  /**
   * Called before the work is done, so that it is not done for nothing. Writes nothing yet.
   * @throws FloeError `INVALID` for a folder; `NOT_FOUND` when its folder is missing, `UNAUTHORIZED` when that may not be written
   */
  static async at(target: string): Promise<OutputFile> {
    const path = resolve(target)
    const status = await stat(path).catch(() => undefined)
    if (status?.isDirectory() === true) throw new FloeError('INVALID', 'The output is a folder: name a file', { file: path })
    const isSpecial = status !== undefined && !status.isFile()
    if (!isSpecial) await checkFolder(dirname(path))
    return new OutputFile(path, isSpecial)
  }

  /** Has the file written; it takes its name when `write` is done, and nothing is left when that fails. */
  async fill(write: (file: OutputFile) => Promise<void>): Promise<void> {
    try {
      await write(this)
      await this.#commit()
    } catch (error) {
      await this.#discard()
      throw systemFailure(error, 'write the output', this.#target) ?? error
    }
  }

  output(): Output {
    this.#stream = createWriteStream(this.path)
    return new Output(this.#stream)
  }

  async #commit(): Promise<void> {
    await this.#end()
    if (this.path !== this.#target) await rename(this.path, this.#target)
  }

  async #discard(): Promise<void> {
    await this.#end().catch(() => undefined)
    if (this.path !== this.#target) await unlink(this.path).catch(() => undefined)
  }

  async #end(): Promise<void> {
    if (this.#stream === undefined) return
    this.#stream.end()
    await finished(this.#stream)
  }
}

async function checkFolder(folder: string): Promise<void> {
  try {
    await access(`${folder}/.`, constants.W_OK)
  } catch (error) {
    throw systemFailure(error, 'write the output into this folder', folder) ?? error
  }
}
