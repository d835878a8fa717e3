import { FloeError } from '../util/errors.js'

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The integer of big-endian two's-complement bytes of any length; no bytes are 0. */
export function decodeUnscaled(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  if (bytes.length <= 6) {
    let small = bytes[0]! > 127 ? bytes[0]! - 256 : bytes[0]!
    for (let i = 1; i < bytes.length; i++) small = small * 256 + bytes[i]!
    return BigInt(small)
  }
  let digits = '0x'
  for (const byte of bytes) digits += HEX[byte]!
  return BigInt.asIntN(bytes.length * 8, BigInt(digits))
}

/** `value` as exactly `size` big-endian two's-complement bytes. Throws `INVALID` when it does not fit. */
export function encodeUnscaledFixed(value: bigint, size: number): Uint8Array {
  if (BigInt.asIntN(size * 8, value) !== value) throw new FloeError('INVALID', `The decimal with unscaled value ${value} does not fit ${size} bytes`)
  const bytes = new Uint8Array(size)
  let rest = value
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 255n)
    rest >>= 8n
  }
  return bytes
}

/** `value` as the fewest big-endian two's-complement bytes, at least one. */
export function encodeUnscaledMinimal(value: bigint): Uint8Array {
  let size = 1
  while (BigInt.asIntN(size * 8, value) !== value) size++
  return encodeUnscaledFixed(value, size)
}

/** The canonical lower-case text of a UUID's 16 bytes. */
export function decodeUuid(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < 16; i++) text += (i === 4 || i === 6 || i === 8 || i === 10 ? '-' : '') + HEX[bytes[i]!]!
  return text
}

/** The 16 bytes of a UUID's text. Throws `INVALID` when it is none. */
export function encodeUuid(text: string): Uint8Array {
  if (!UUID.test(text)) throw new FloeError('INVALID', `${JSON.stringify(text)} is not a UUID`)
  const digits = text.replaceAll('-', '')
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}
