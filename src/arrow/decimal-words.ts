/** Decimals in Arrow: two's-complement integers of little-endian 32-bit words. */

/** A two's-complement integer of `words` little-endian 32-bit words. */
export function readDecimal(source: Uint32Array, at: number, words = 4): bigint {
  let value = BigInt(source[at + words - 1]! | 0)
  for (let word = words - 2; word >= 0; word--) value = (value << 32n) | BigInt(source[at + word]!)
  return value
}

/** Writes a two's-complement 128-bit integer as four little-endian words. */
export function writeDecimal(target: Uint32Array, at: number, value: bigint): void {
  if (value >= -0x8000_0000_0000_0000n && value <= 0x7fff_ffff_ffff_ffffn) {
    const high = Number(value >> 32n)
    target[at] = Number(value & 0xffff_ffffn)
    target[at + 1] = high
    target[at + 2] = target[at + 3] = high < 0 ? -1 : 0
    return
  }
  for (let word = 0; word < 4; word++) target[at + word] = Number((value >> BigInt(32 * word)) & 0xffff_ffffn)
}

/** The unscaled value under another scale; undefined when digits would be lost. */
export function rescaleDecimal(unscaled: bigint, from: number, to: number): bigint | undefined {
  if (to >= from) return unscaled * 10n ** BigInt(to - from)
  const divisor = 10n ** BigInt(from - to)
  return unscaled % divisor === 0n ? unscaled / divisor : undefined
}
