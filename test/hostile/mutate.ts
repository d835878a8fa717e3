/** Seeded damage to bytes: what a bad disk, a bad proxy or a bad person may hand to a decoder. */

/** A generator of whole numbers in [0, below): the same from the same seed. Source: xorshift32. */
export function seeded(seed: number): (below: number) => number {
  let state = seed | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

type Random = ReturnType<typeof seeded>

const INTERESTING = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x22, 0x7b, 0x5b]
/** Varints that declare absurd lengths: zig-zag of 2^31 - 1, 2^40, -1, and the largest 64-bit value. */
const VARINTS = [
  [0xfe, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x40],
  [0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
]

const damages: readonly ((bytes: Buffer, random: Random) => Buffer)[] = [
  function flipBit(bytes, random) {
    const copy = Buffer.from(bytes)
    copy[random(copy.length)]! ^= 1 << random(8)
    return copy
  },
  function setByte(bytes, random) {
    const copy = Buffer.from(bytes)
    copy[random(copy.length)] = INTERESTING[random(INTERESTING.length)]!
    return copy
  },
  function cutShort(bytes, random) {
    return bytes.subarray(0, random(bytes.length))
  },
  function dropRange(bytes, random) {
    const start = random(bytes.length)
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + random(16))])
  },
  function repeatRange(bytes, random) {
    const start = random(bytes.length)
    const end = start + 1 + random(64)
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)])
  },
  function declareAbsurdLength(bytes, random) {
    const at = random(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(VARINTS[random(VARINTS.length)]!), bytes.subarray(at + 1)])
  },
  function fillRange(bytes, random) {
    const copy = Buffer.from(bytes)
    const start = random(copy.length)
    return copy.fill(INTERESTING[random(INTERESTING.length)]!, start, Math.min(copy.length, start + 1 + random(32)))
  },
]

/** One to three damages; never the same bytes as before. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let damaged = bytes
  for (let times = 1 + random(3); times > 0 && damaged.length > 0; times -= 1) damaged = damages[random(damages.length)]!(damaged, random)
  return damaged.equals(bytes) ? Buffer.concat([bytes, Buffer.of(random(256))]) : damaged
}
