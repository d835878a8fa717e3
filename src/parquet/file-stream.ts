/** Bytes that one side pushes and another takes as an async iterable; pushing waits while more than a limit is not taken. */
export class FileStream implements AsyncIterable<Uint8Array> {
  private readonly chunks: Uint8Array[] = []
  private readonly limitBytes: number
  private queuedBytes = 0
  private ended = false
  private failure: { readonly error: unknown } | undefined
  private wakeReader: (() => void) | undefined
  private wakeWriter: (() => void) | undefined

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  /** Resolves when there is room for more. Rejects once the stream has failed. */
  async push(bytes: Uint8Array): Promise<void> {
    this.throwFailure()
    if (bytes.length === 0) return
    this.chunks.push(bytes)
    this.queuedBytes += bytes.length
    this.wakeReader?.()
    while (this.queuedBytes > this.limitBytes && this.failure === undefined) {
      await new Promise<void>((resolve) => (this.wakeWriter = resolve))
    }
    this.throwFailure()
  }

  end(): void {
    this.ended = true
    this.wakeReader?.()
  }

  /** Both sides fail with `error` from now on. */
  fail(error: unknown): void {
    this.failure ??= { error }
    this.wakeReader?.()
    this.wakeWriter?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      this.throwFailure()
      const next = this.chunks.shift()
      if (next !== undefined) {
        this.queuedBytes -= next.length
        this.wakeWriter?.()
        yield next
      } else if (this.ended) return
      else await new Promise<void>((resolve) => (this.wakeReader = resolve))
    }
  }

  private throwFailure(): void {
    if (this.failure) throw this.failure.error
  }
}
