import type { Writable } from 'node:stream'

/** The reader of a pipe went away: not a failure, there is just nobody left to tell. */
export class ClosedPipe extends Error {
  override readonly name = 'ClosedPipe'
}

interface TerminalLike {
  readonly isTTY?: boolean
  readonly columns?: number
}

/** A stream to print to, that waits while its reader is slow. */
export class Output {
  readonly #stream: Writable & TerminalLike
  #error: Error | undefined

  constructor(stream: Writable & TerminalLike) {
    this.#stream = stream
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error.code === 'EPIPE' ? new ClosedPipe('The reader of the output is gone') : error
    })
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true
  }

  /** Width in columns of a terminal; `undefined` for anything else. */
  get columns(): number | undefined {
    return this.isTerminal ? (this.#stream.columns ?? 80) : undefined
  }

  /** @throws ClosedPipe when nobody reads any more */
  async write(content: string | Uint8Array): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    if (content.length === 0) return
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(content, (error) => {
        if (error === null || error === undefined) resolve()
        else reject((error as NodeJS.ErrnoException).code === 'EPIPE' ? new ClosedPipe(error.message) : error)
      })
    })
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`)
  }
}
