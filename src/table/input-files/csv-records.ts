import { FloeError } from '../../util/errors.js'

/** Fields of one record: `null` for an empty field, `''` for a quoted empty one. */
export type CsvRecord = readonly (string | null)[]

export interface CsvOptions {
  /** One character. Default `,`. */
  readonly delimiter?: string | undefined
  /** A record without its end is refused at this length. Default 16 Mi characters. */
  readonly maxRecordLength?: number | undefined
}

/** A record, and where the text goes on. */
interface Parsed {
  readonly record: CsvRecord
  readonly next: number
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const MAX_RECORD_LENGTH = 16 * 2 ** 20

/**
 * Splits CSV into records as it arrives: RFC 4180, with any of the three line ends. Empty lines are skipped. Time is linear
 * in the text.
 *
 * Source: RFC 4180
 */
export class CsvParser {
  readonly #delimiter: string
  readonly #maxLength: number
  #text = ''
  #retryAt = 0
  /** Records handed out so far, header included; for messages. */
  #count = 0

  constructor(options: CsvOptions = {}) {
    this.#delimiter = options.delimiter ?? ','
    this.#maxLength = options.maxRecordLength ?? MAX_RECORD_LENGTH
    if (this.#delimiter.length !== 1 || /["\r\n]/.test(this.#delimiter)) {
      throw new FloeError('INVALID', `A CSV delimiter is one character other than a quote or line end, not ${JSON.stringify(this.#delimiter)}`)
    }
  }

  /** The records that `chunk` completes. */
  *push(chunk: string): Generator<CsvRecord, void, undefined> {
    this.#text += chunk
    // A record that fills many chunks is scanned again only when it has doubled.
    if (this.#text.length < this.#retryAt) return
    yield* this.#records(false)
    this.#retryAt = 2 * this.#text.length
    if (this.#text.length > this.#maxLength) throw this.#problem(`is longer than ${this.#maxLength} characters; is a quote left open?`)
  }

  /** The last record, where the text does not end in a line end. */
  *finish(): Generator<CsvRecord, void, undefined> {
    yield* this.#records(true)
  }

  *#records(isLast: boolean): Generator<CsvRecord, void, undefined> {
    let at = 0
    const text = this.#text
    while (at < text.length) {
      const parsed = this.#record(at, isLast)
      if (parsed === undefined) break
      at = parsed.next
      if (parsed.record.length === 1 && parsed.record[0] === null) continue
      this.#count++
      yield parsed.record
    }
    this.#text = text.slice(at)
  }

  /** The record that starts at `start`; undefined when its end is not there yet. */
  #record(start: number, isLast: boolean): Parsed | undefined {
    const text = this.#text
    const fields: (string | null)[] = []
    for (let at = start; ; at++) {
      const quoted = text[at] === '"'
      const end = quoted ? this.#quotedEnd(at + 1) : this.#fieldEnd(at)
      // Up to the very end of the text more may follow: a second quote, the other half of a line end.
      if (end < 0 || end >= text.length - 1) {
        if (!isLast) return undefined
        if (end < 0) throw this.#problem('opens a quote that is never closed')
      }
      fields.push(quoted ? text.slice(at + 1, end - 1).replaceAll('""', '"') : at === end ? null : text.slice(at, end))
      if (end >= text.length) return { record: fields, next: end }
      if (text[end] === '\n') return { record: fields, next: end + 1 }
      if (text[end] === '\r') return { record: fields, next: text[end + 1] === '\n' ? end + 2 : end + 1 }
      if (text[end] !== this.#delimiter) throw this.#problem('has text after a closing quote')
      at = end
    }
  }

  /** Behind the closing quote; negative when it is not there. */
  #quotedEnd(start: number): number {
    for (let at = this.#text.indexOf('"', start); at >= 0; at = this.#text.indexOf('"', at + 2)) {
      if (this.#text[at + 1] !== '"') return at + 1
    }
    return -1
  }

  #fieldEnd(start: number): number {
    const text = this.#text
    const delimiter = this.#delimiter.charCodeAt(0)
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === delimiter || code === LINE_FEED || code === CARRIAGE_RETURN) return at
    }
    return text.length
  }

  #problem(what: string): FloeError {
    return new FloeError('INVALID', `CSV record ${this.#count + 1} ${what}`)
  }
}
