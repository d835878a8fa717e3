/** Everything that happened in a run, in order, as one number: two runs are the same when their hashes are. */
export class EventLog {
  /** Only when asked for: they take memory. */
  readonly lines: string[] = []
  #low = 0x811c9dc5
  #high = 0x9dc5811c
  #count = 0

  constructor(private readonly keepsLines = false) {}

  get count(): number {
    return this.#count
  }

  add(line: string): void {
    this.#count++
    if (this.keepsLines) this.lines.push(line)
    for (let i = 0; i < line.length; i++) this.#mix(line.charCodeAt(i))
    this.#mix(10)
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }

  #mix(code: number): void {
    this.#low = Math.imul(this.#low ^ code, 0x01000193)
    this.#high = Math.imul(this.#high ^ this.#low ^ (this.#low >>> 15), 0x85ebca6b)
  }
}

/** Tells bytes apart in a log. Not for anything that somebody might forge. */
export function contentHash(bytes: Uint8Array): string {
  let [low, high] = [0x811c9dc5, 0x1b873593]
  for (let i = 0; i < bytes.length; i++) {
    low = Math.imul(low ^ bytes[i]!, 0x01000193)
    high = Math.imul(high + bytes[i]!, 0xcc9e2d51) ^ (high >>> 13)
  }
  return ((high >>> 0) * 2 ** 20 + ((low >>> 0) % 2 ** 20)).toString(36)
}
