/** A writer as the budget sees it. */
export interface Buffering {
  readonly bufferedBytes: number
  /** Starts to encode what is buffered. */
  flush(): Promise<void>
}

/**
 * Bounds the memory that all open writers of an engine hold together, as the reference's memory manager does by smaller row groups: with
 * many files open at once, the writer that holds most ends its row group early.
 */
export class WriteBudget {
  private readonly limitBytes: number
  private readonly writers = new Set<Buffering>()
  private readonly slots: number
  private encoding = 0
  private encodingBytes = 0
  private readonly waiting: { readonly bytes: number; readonly granted: () => void }[] = []

  /** `slots`: row groups that are encoded at once. */
  constructor(limitBytes: number, slots: number) {
    this.limitBytes = limitBytes
    this.slots = slots
  }

  add(writer: Buffering): void {
    this.writers.add(writer)
  }

  remove(writer: Buffering): void {
    this.writers.delete(writer)
  }

  /** Makes the writers that hold most flush until all fit. */
  async enforce(): Promise<void> {
    let total = 0
    for (const writer of this.writers) total += writer.bufferedBytes
    while (total > this.limitBytes) {
      const largest = [...this.writers].reduce((a, b) => (b.bufferedBytes > a.bufferedBytes ? b : a))
      if (largest.bufferedBytes === 0) return
      total -= largest.bufferedBytes
      await largest.flush()
    }
  }

  /**
   * What one of the open writers may buffer: few have large row groups, and many still such as are worth having. A lone one gets half,
   * because what it buffered last is being encoded meanwhile.
   */
  get shareBytes(): number {
    return Math.max(this.limitBytes / 2 / Math.max(1, this.writers.size), Math.min(this.limitBytes, SMALLEST_SHARE_BYTES))
  }

  /** Waits until so many raw bytes may be encoded beside those that are, in the order of the calls; call the result when done. */
  async slot(bytes: number): Promise<() => void> {
    await new Promise<void>((granted) => {
      this.waiting.push({ bytes, granted })
      this.grant()
    })
    return () => {
      this.encoding--
      this.encodingBytes -= bytes
      this.grant()
    }
  }

  private grant(): void {
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      if (this.encoding >= this.slots || (this.encoding > 0 && this.encodingBytes + next.bytes > this.limitBytes)) return
      this.waiting.shift()
      this.encoding++
      this.encodingBytes += next.bytes
      next.granted()
    }
  }
}

const SMALLEST_SHARE_BYTES = 16 * 2 ** 20
