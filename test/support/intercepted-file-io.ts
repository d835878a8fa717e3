/** A FileIO whose every call passes a hook first: to count, delay, break off before or after the effect. */
import type { AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ReadOptions, WriteOptions } from '../../src/io/file-io.js'

export type IoOperation = 'read' | 'write' | 'head' | 'list' | 'delete'

export interface IoCall {
  readonly operation: IoOperation
  readonly location: string
  readonly options?: WriteOptions | undefined
  readonly sizeBytes?: number | undefined
}

/** Does the call's effect; throwing before or after it is what a fault is. */
export type IoHook = (call: IoCall, effect: () => Promise<unknown>) => Promise<unknown>

export class InterceptedFileIO implements FileIO {
  readonly calls: IoCall[] = []
  hook: IoHook = (_, effect) => effect()
  readonly #io: FileIO

  constructor(io: FileIO) {
    this.#io = io
  }

  read(location: string, options?: ReadOptions): Promise<Uint8Array> {
    return this.#call({ operation: 'read', location }, () => this.#io.read(location, options))
  }

  readMany(location: string, ranges: readonly ByteRange[], options?: AbortOptions): Promise<Uint8Array[]> {
    return this.#call({ operation: 'read', location }, () => this.#io.readMany(location, ranges, options))
  }

  write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectStatus> {
    const sizeBytes = body instanceof Uint8Array ? body.length : undefined
    return this.#call({ operation: 'write', location, options, sizeBytes }, () => this.#io.write(location, body, options))
  }

  head(location: string): Promise<ObjectStatus | undefined> {
    return this.#call({ operation: 'head', location }, () => this.#io.head(location))
  }

  async *list(prefix: string, options?: AbortOptions): AsyncGenerator<ObjectStatus> {
    await this.#call({ operation: 'list', location: prefix }, () => Promise.resolve())
    yield* this.#io.list(prefix, options)
  }

  async *listFolder(folder: string, options?: AbortOptions): AsyncGenerator<FolderEntry> {
    await this.#call({ operation: 'list', location: folder }, () => Promise.resolve())
    yield* this.#io.listFolder!(folder, options)
  }

  async delete(locations: readonly string[]): Promise<void> {
    for (const location of locations) await this.#call({ operation: 'delete', location }, () => this.#io.delete([location]))
  }

  #call<T>(call: IoCall, effect: () => Promise<T>): Promise<T> {
    this.calls.push(call)
    return this.hook(call, effect) as Promise<T>
  }
}
