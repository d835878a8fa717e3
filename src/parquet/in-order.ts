/**
 * Starts up to `ahead` tasks at once and yields their results in the order of the tasks. When the consumer stops or a task fails,
 * no further task is started; those under way are left to end.
 */
export async function* inOrder<T>(tasks: AsyncIterable<() => Promise<T>>, ahead: number): AsyncGenerator<T> {
  const running: Promise<T>[] = []
  const iterator = tasks[Symbol.asyncIterator]()
  try {
    for (let done = false; !done || running.length > 0; ) {
      while (!done && running.length < ahead) {
        const next = await iterator.next()
        if (next.done === true) done = true
        else {
          const task = next.value()
          // Observed below, in its turn
          task.catch(() => undefined)
          running.push(task)
        }
      }
      if (running.length > 0) yield await running.shift()!
    }
  } finally {
    await iterator.return?.()
  }
}
