/** Runs asynchronous work a bounded number of items ahead, and hands the results over in order. */

/**
 * Maps `items` with at most `ahead + 1` calls of `map` under way; yields results in the items' order.
 * When the consumer stops early, started work is awaited and its failures ignored; nothing new is started.
 */
export async function* mapOrdered<T, R>(items: Iterable<T>, ahead: number, map: (item: T, index: number) => Promise<R>): AsyncGenerator<R> {
  const pending: Promise<R>[] = []
  const iterator = items[Symbol.iterator]()
  let index = 0
  const startNext = (): void => {
    const next = iterator.next()
    if (next.done === true) return
    const started = map(next.value, index++)
    started.catch(() => undefined)
    pending.push(started)
  }
  try {
    for (let i = 0; i <= ahead; i++) startNext()
    while (pending.length > 0) {
      const result = await pending.shift()!
      startNext()
      yield result
    }
  } finally {
    await Promise.allSettled(pending)
  }
}

/**
 * Concatenates the streams that `open` makes of `items`, in order. While one is consumed, up to `ahead` more are opened
 * and their first element is fetched, so that the next one is ready. Early exit closes every opened stream.
 */
export async function* concatPrefetched<T, R>(items: Iterable<T>, ahead: number, open: (item: T) => AsyncIterable<R>): AsyncGenerator<R> {
  interface Opened {
    readonly iterator: AsyncIterator<R>
    readonly first: Promise<IteratorResult<R>>
  }
  const opened: Opened[] = []
  const source = items[Symbol.iterator]()
  const openNext = (): void => {
    const next = source.next()
    if (next.done === true) return
    const iterator = open(next.value)[Symbol.asyncIterator]()
    const first = iterator.next()
    first.catch(() => undefined)
    opened.push({ iterator, first })
  }
  try {
    for (let i = 0; i <= ahead; i++) openNext()
    while (opened.length > 0) {
      const { iterator, first } = opened[0]!
      let result = await first
      while (result.done !== true) {
        yield result.value
        result = await iterator.next()
      }
      opened.shift()
      openNext()
    }
  } finally {
    await Promise.allSettled(opened.map(async ({ iterator }) => iterator.return?.()))
  }
}
