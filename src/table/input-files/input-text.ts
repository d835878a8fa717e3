import { FloeError } from '../../util/errors.js'
import { inputBytes } from './input-bytes.js'
import type { InputContext } from './input-file.js'

/** Characters of text that a schema is inferred from. */
const SAMPLE_LENGTH = 2 ** 20

/** A text file whose beginning can be looked at before it is read from the start. */
export class InputText {
  readonly location: string
  readonly #chunks: AsyncGenerator<string, void, undefined>
  readonly #head: string[] = []
  #ended = false

  constructor(location: string, context: InputContext) {
    this.location = location
    this.#chunks = decoded(location, inputBytes(location, context))
  }

  /** About the first 2²⁰ characters; `isWhole`: there are no more. */
  async sample(): Promise<{ readonly text: string; readonly isWhole: boolean }> {
    let length = this.#head.reduce((sum, chunk) => sum + chunk.length, 0)
    while (length < SAMPLE_LENGTH && !this.#ended) {
      const next = await this.#chunks.next()
      if (next.done === true) this.#ended = true
      else {
        this.#head.push(next.value)
        length += next.value.length
      }
    }
    return { text: this.#head.join(''), isWhole: this.#ended }
  }

  /** All of it, once. */
  async *chunks(): AsyncGenerator<string, void, undefined> {
    while (this.#head.length > 0) yield this.#head.shift()!
    yield* this.#chunks
  }

  async close(): Promise<void> {
    await this.#chunks.return()
  }
}

/** UTF-8 without its byte order mark. @throws FloeError `CORRUPT` for bytes that are no UTF-8: nothing is replaced silently */
async function* decoded(location: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (chunk: Uint8Array | undefined): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch (cause) {
      throw new FloeError('CORRUPT', 'The text is not UTF-8: convert it first', { file: location, cause })
    }
  }
  for await (const chunk of bytes) {
    const text = decode(chunk)
    if (text !== '') yield text
  }
  const rest = decode(undefined)
  if (rest !== '') yield rest
}
