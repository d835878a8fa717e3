import { createWriteStream } from 'node:fs'
import type { WriteStream } from 'node:fs'
import { rename, stat, unlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { FloeError } from '../util/errors.js'
import { systemRuntime } from '../util/runtime.js'
import { Output } from './output.js'

/** A file that is written aside and takes its name when it is complete; pipes and devices are written as they are. */
export class OutputFile {
  /** Where the bytes go until {@link commit}. */
  readonly path: string
  readonly #target: string
  #stream: WriteStream | undefined

  private constructor(target: string, isSpecial: boolean) {
    this.#target = target
    this.path = isSpecial ? target : `${target}.${systemRuntime.uuid()}.tmp`
  }

  /** @throws FloeError `INVALID` for a folder */
  static async at(target: string): Promise<OutputFile> {
    const path = resolve(target)
    const status = await stat(path).catch(() => undefined)
    if (status?.isDirectory() === true) throw new FloeError('INVALID', 'The output is a folder: name a file', { file: path })
    return new OutputFile(path, status !== undefined && !status.isFile())
  }

  output(): Output {
    this.#stream = createWriteStream(this.path)
    return new Output(this.#stream)
  }

  async commit(): Promise<void> {
    await this.#end()
    if (this.path !== this.#target) await rename(this.path, this.#target)
  }

  async discard(): Promise<void> {
    await this.#end().catch(() => undefined)
    if (this.path !== this.#target) await unlink(this.path).catch(() => undefined)
  }

  async #end(): Promise<void> {
    if (this.#stream === undefined) return
    this.#stream.end()
    await finished(this.#stream)
  }
}
