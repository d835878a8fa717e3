import { encodeUtf8 } from '../../util/utf8.js'
import { xxhash64, type Halves } from '../../util/xxhash64.js'

/** Whether a file is one of the share `rate` whose rows are read: by its name, so that it is the same ones in every run. */
export function isSampled(location: string, rate: number): boolean {
  const halves: Halves = new Uint32Array(2)
  const bytes = encodeUtf8(location)
  xxhash64(bytes, 0, bytes.length, halves)
  return halves[0]! < rate * 2 ** 32
}
