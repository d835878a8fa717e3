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
  private readonly waiting: (() => void)[] = []

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

  /** Waits for a free slot; call the result when done. */
  async slot(): Promise<() => void> {
    while (this.encoding >= this.slots) await new Promise<void>((resolve) => this.waiting.push(resolve))
    this.encoding++
    return () => {
      this.encoding--
      this.waiting.shift()?.()
    }
  }
}
