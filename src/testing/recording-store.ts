import type { AbortOptions, ByteRange, ObjectStatus, ReadOptions, WriteOptions } from '../io/file-io.js'
import { asFolder } from '../io/location.js'
import { MemoryFileIO } from '../io/memory-file-io.js'
import type { Runtime } from '../util/runtime.js'

/** One effect that a store had. */
export type StoreEvent =
  | {
    readonly kind: 'put'
    readonly step: number
    readonly location: string
    readonly bytes: Uint8Array
    readonly isConditional: boolean
    /** Whether something was there before. */
    readonly replaced: boolean
  }
  | { readonly kind: 'delete'; readonly step: number; readonly location: string }

/** An object that is no more. */
export interface DeletedObject {
  readonly status: ObjectStatus
  readonly deletedMs: number
}

/** Is told of whatever reaches a store: looks and attempts before they happen, effects when they do. */
export interface StoreObserver {
  looksAt(location: string): void
  lists(folder: string): void
  changes(location: string): void
  deletes(location: string): void
}

/** Objects in memory, and a journal of everything that ever happened to them. */
export class RecordingStore extends MemoryFileIO {
  readonly journal: StoreEvent[] = []
  readonly objects = new Map<string, Uint8Array>()
  readonly #statuses = new Map<string, ObjectStatus>()
  readonly #deleted: DeletedObject[] = []
  readonly #clock: Pick<Runtime, 'now'>
  readonly #stepNow: () => number
  readonly #observer: StoreObserver | undefined

  /** `step` numbers the moments of a run. */
  constructor(clock: Pick<Runtime, 'now'>, step: () => number, observer?: StoreObserver) {
    super({ runtime: clock })
    this.#clock = clock
    this.#stepNow = step
    this.#observer = observer
  }

  override async read(location: string, options?: ReadOptions): Promise<Uint8Array> {
    this.#observer?.looksAt(location)
    return super.read(location, options)
  }

  override async readMany(location: string, ranges: readonly ByteRange[], options?: AbortOptions): Promise<Uint8Array[]> {
    this.#observer?.looksAt(location)
    return super.readMany(location, ranges, options)
  }

  override async head(location: string): Promise<ObjectStatus | undefined> {
    this.#observer?.looksAt(location)
    return super.head(location)
  }

  override async *list(prefix: string, options?: AbortOptions): AsyncGenerator<ObjectStatus> {
    this.#observer?.lists(asFolder(prefix))
    yield* super.list(prefix, options)
  }

  override async write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectStatus> {
    this.#observer?.looksAt(location)
    const replaced = this.objects.has(location)
    const status = await super.write(location, body, options)
    const bytes = await super.read(location)
    this.objects.set(location, bytes)
    this.#observer?.changes(location)
    this.#statuses.set(location, status)
    const isConditional = options.ifNoneMatch !== undefined || options.ifMatch !== undefined
    this.journal.push({ kind: 'put', step: this.#stepNow(), location, bytes, isConditional, replaced })
    return status
  }

  override async delete(locations: readonly string[]): Promise<void> {
    for (const location of locations) {
      this.#observer?.looksAt(location)
      const status = this.#statuses.get(location)
      if (status === undefined || !this.objects.delete(location)) continue
      this.#observer?.deletes(location)
      this.#deleted.push({ status, deletedMs: this.#clock.now() })
      this.journal.push({ kind: 'delete', step: this.#stepNow(), location })
    }
    await super.delete(locations)
  }

  /** A listing as it was at a moment in the past: what came later is missing, what was deleted since is there. */
  async *listAsOf(prefix: string, momentMs: number, options: AbortOptions = {}): AsyncGenerator<ObjectStatus> {
    const folder = asFolder(prefix)
    for await (const status of this.list(prefix, options)) if (status.lastModifiedMs <= momentMs) yield status
    for (const { status, deletedMs } of this.#deleted) {
      if (deletedMs > momentMs && status.lastModifiedMs <= momentMs && status.location.startsWith(folder)) yield status
    }
  }
}
