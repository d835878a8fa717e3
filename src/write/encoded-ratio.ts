/**
 * How many bytes in a file a byte in memory becomes, learned from the files of one operation. It tells when a file is full
 * before anything of it has been encoded.
 */
export class EncodedRatio {
  #memoryBytes = 0
  #encodedBytes = 0

  /** `undefined` before anything was learned. */
  get value(): number | undefined {
    return this.#memoryBytes === 0 ? undefined : this.#encodedBytes / this.#memoryBytes
  }

  learn(memoryBytes: number, encodedBytes: number): void {
    this.#memoryBytes += memoryBytes
    this.#encodedBytes += encodedBytes
  }
}
