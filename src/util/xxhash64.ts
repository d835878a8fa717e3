/**
 * XXH64 with seed 0, in 32-bit halves: bigints would take some forty times as long.
 * Source: github.com/Cyan4973/xxHash, doc/xxhash_spec.md
 */

/** An unsigned 64-bit number: `[low, high]`, 32 bits each. */
export type Halves = Uint32Array<ArrayBuffer>

const P1 = [0x85ebca87, 0x9e3779b1] as const
const P2 = [0x27d4eb4f, 0xc2b2ae3d] as const
const P3 = [0x9e3779f9, 0x165667b1] as const
const P4 = [0xc2b2ae63, 0x85ebca77] as const
const P5 = [0x165667c5, 0x27d4eb2f] as const

/** The running hash; one at a time, as there are no threads in here. */
let low = 0
let high = 0

/** Hashes `bytes[start, end)` into `result`. */
export function xxhash64(bytes: Uint8Array, start: number, end: number, result: Halves): void {
  let position = start
  if (end - start >= 32) position = hashStripes(bytes, start, end)
  else [low, high] = P5
  add(end - start, 0)
  for (; position + 8 <= end; position += 8) mixLane(wordAt(bytes, position), wordAt(bytes, position + 4))
  if (position + 4 <= end) {
    mixHalfLane(wordAt(bytes, position))
    position += 4
  }
  for (; position < end; position++) mixByte(bytes[position]!)
  avalanche(result)
}

/** The hash of the eight bytes of a little-endian number. */
export function xxhash64OfLong(lowBits: number, highBits: number, result: Halves): void {
  [low, high] = P5
  add(8, 0)
  mixLane(lowBits, highBits)
  avalanche(result)
}

/** The hash of the four bytes of a little-endian number. */
export function xxhash64OfInt(bits: number, result: Halves): void {
  [low, high] = P5
  add(4, 0)
  mixHalfLane(bits)
  avalanche(result)
}

/** The four accumulators, low and high half of each in turn. */
const lanes = new Int32Array(8)

function hashStripes(bytes: Uint8Array, start: number, end: number): number {
  startLanes()
  let position = start
  for (; position + 32 <= end; position += 32) {
    for (let lane = 0; lane < 8; lane += 2) {
      low = lanes[lane]!
      high = lanes[lane + 1]!
      const at = position + lane * 4
      round(wordAt(bytes, at), wordAt(bytes, at + 4))
      lanes[lane] = low
      lanes[lane + 1] = high
    }
  }
  let sumLow = 0
  let sumHigh = 0
  for (const [i, turn] of [1, 7, 12, 18].entries()) {
    low = lanes[2 * i]!
    high = lanes[2 * i + 1]!
    rotate(turn)
    add(sumLow, sumHigh)
    sumLow = low
    sumHigh = high
  }
  for (let lane = 0; lane < 8; lane += 2) {
    low = 0
    high = 0
    round(lanes[lane]!, lanes[lane + 1]!)
    low ^= sumLow
    high ^= sumHigh
    multiply(P1)
    add(...P4)
    sumLow = low
    sumHigh = high
  }
  return position
}

function startLanes(): void {
  [low, high] = P1
  add(...P2)
  lanes[0] = low
  lanes[1] = high
  lanes[2] = P2[0]
  lanes[3] = P2[1]
  lanes[4] = 0
  lanes[5] = 0
  // Zero less the first prime
  low = ~P1[0]
  high = ~P1[1]
  add(1, 0)
  lanes[6] = low
  lanes[7] = high
}

/** One step of an accumulator, which is in `low` and `high`. */
function round(inputLow: number, inputHigh: number): void {
  const [keptLow, keptHigh] = [low, high]
  low = inputLow
  high = inputHigh
  multiply(P2)
  add(keptLow, keptHigh)
  rotate(31)
  multiply(P1)
}

function mixLane(laneLow: number, laneHigh: number): void {
  const keptLow = low
  const keptHigh = high
  low = laneLow
  high = laneHigh
  multiply(P2)
  rotate(31)
  multiply(P1)
  low ^= keptLow
  high ^= keptHigh
  rotate(27)
  multiply(P1)
  add(P4[0], P4[1])
}

function mixHalfLane(lane: number): void {
  const keptLow = low
  const keptHigh = high
  low = lane
  high = 0
  multiply(P1)
  low ^= keptLow
  high ^= keptHigh
  rotate(23)
  multiply(P2)
  add(P3[0], P3[1])
}

function mixByte(byte: number): void {
  const keptLow = low
  const keptHigh = high
  low = byte
  high = 0
  multiply(P5)
  low ^= keptLow
  high ^= keptHigh
  rotate(11)
  multiply(P1)
}

function avalanche(result: Halves): void {
  low ^= high >>> 1
  multiply(P2)
  low ^= (low >>> 29) | (high << 3)
  high ^= high >>> 29
  multiply(P3)
  low ^= high
  result[0] = low
  result[1] = high
}

function add(otherLow: number, otherHigh: number): void {
  const sum = (low >>> 0) + (otherLow >>> 0)
  high = (high + otherHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0
  low = sum | 0
}

/** To the left, by 1 to 31. */
function rotate(bits: number): void {
  const shifted = (low << bits) | (high >>> (32 - bits))
  high = (high << bits) | (low >>> (32 - bits))
  low = shifted
}

/** The low 64 bits of the product. */
function multiply([otherLow, otherHigh]: readonly [number, number]): void {
  const a0 = low & 0xffff
  const a1 = low >>> 16
  const b0 = otherLow & 0xffff
  const b1 = otherLow >>> 16
  const first = Math.imul(a0, b0)
  const second = (Math.imul(a1, b0) >>> 0) + (first >>> 16)
  const third = (Math.imul(a0, b1) >>> 0) + (second & 0xffff)
  const carry = (second >>> 16) + (third >>> 16)
  high = (Math.imul(a1, b1) + carry + Math.imul(low, otherHigh) + Math.imul(high, otherLow)) | 0
  low = (first & 0xffff) | (third << 16)
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}
