interface Entry {
  readonly value: Promise<unknown>
  bytes: number
}

/**
 * Keeps what is loaded once for many readers, least recently used first out, within a bound of bytes. Whoever asks while a value
 * is being loaded waits for the same load; a load that fails is forgotten. What a reader still holds lives on after it is dropped here.
 */
export class LoadCache {
  readonly #maxBytes: number
  /** In the order of use. */
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes of the values that are kept now. */
  get bytes(): number {
    return this.#bytes
  }

  /** The value of a key, which `load` makes when it is not there; `sizeOf` says what it takes. */
  get<T>(key: string, load: () => Promise<T>, sizeOf: (value: T) => number): Promise<T> {
    const found = this.#entries.get(key)
    if (found !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, found)
      return found.value as Promise<T>
    }
    const value = this.replace(key, load)
    value.then((loaded) => this.resize(key, value, sizeOf(loaded))).catch(() => undefined)
    return value
  }

  /** Puts a new value in the place of the one that is kept, if any. */
  replace<T>(key: string, load: () => Promise<T>): Promise<T> {
    const value = load()
    const old = this.#entries.get(key)
    if (old !== undefined) this.drop(key, old.value)
    this.#entries.set(key, { value, bytes: 0 })
    value.catch(() => this.drop(key, value))
    return value
  }

  /** Says what a value takes by now, if it is still the one that is kept. */
  resize(key: string, value: Promise<unknown>, bytes: number): void {
    const entry = this.#entries.get(key)
    if (entry?.value !== value) return
    this.#bytes += bytes - entry.bytes
    entry.bytes = bytes
    for (const [oldest, { bytes: freed }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return
      if (freed === 0) continue
      this.#entries.delete(oldest)
      this.#bytes -= freed
    }
  }

  /** Forgets a value, if it is still the one that is kept. */
  drop(key: string, value: Promise<unknown>): void {
    const entry = this.#entries.get(key)
    if (entry?.value !== value) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }
}
