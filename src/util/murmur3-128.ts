/**
 * The first 64 bits of MurmurHash3 x64 128, in 32-bit halves: bigints would take some ten times as long.
 * Source: Austin Appleby, github.com/aappleby/smhasher, MurmurHash3.cpp
 */

/** Halves of a 64-bit constant: low, high. */
const C1_LOW = 0x114253d5
const C1_HIGH = 0x87c37b91
const C2_LOW = 0x2745937f
const C2_HIGH = 0x4cf5ad43

/** What the last multiplication, and what the last hash came to; one at a time, as there are no threads in here. */
let low = 0
let high = 0
let h1Low = 0
let h1High = 0
let h2Low = 0
let h2High = 0

/** A hash, its halves as signed 32-bit numbers. The same object each time: read it before the next hash is made. */
export const hash128 = { low: 0, high: 0 }

/** Hashes `bytes[start, end)` into {@link hash128}. `seed`: an unsigned 32-bit number. */
export function murmur3Bytes(bytes: Uint8Array, start: number, end: number, seed: number): void {
  h1Low = h2Low = seed | 0
  h1High = h2High = 0
  let at = start
  for (; at + 16 <= end; at += 16) mixBlock(wordAt(bytes, at), wordAt(bytes, at + 4), wordAt(bytes, at + 8), wordAt(bytes, at + 12))
  const rest = end - at
  if (rest > 8) mixSecond(tailAt(bytes, at + 8, end), tailAt(bytes, at + 12, end))
  if (rest > 0) mixFirst(tailAt(bytes, at, end), tailAt(bytes, at + 4, end))
  finish(end - start)
}

/** Hashes the eight bytes of a little-endian number. */
export function murmur3Long(valueLow: number, valueHigh: number, seed: number): void {
  h1Low = h2Low = seed | 0
  h1High = h2High = 0
  mixFirst(valueLow, valueHigh)
  finish(8)
}

/** Hashes the four bytes of a little-endian number. */
export function murmur3Int(value: number, seed: number): void {
  h1Low = h2Low = seed | 0
  h1High = h2High = 0
  mixFirst(value, 0)
  finish(4)
}

function mixBlock(k1Low: number, k1High: number, k2Low: number, k2High: number): void {
  mixFirst(k1Low, k1High)
  rotateFirst(27)
  addToFirst(h2Low, h2High)
  multiply(h1Low, h1High, 5, 0)
  h1Low = low
  h1High = high
  addToFirst(0x52dce729, 0)
  mixSecond(k2Low, k2High)
  rotateSecond(31)
  addToSecond(h1Low, h1High)
  multiply(h2Low, h2High, 5, 0)
  h2Low = low
  h2High = high
  addToSecond(0x38495ab5, 0)
}

/** Mixes eight bytes into the first half of the state. */
function mixFirst(kLow: number, kHigh: number): void {
  multiply(kLow, kHigh, C1_LOW, C1_HIGH)
  multiply((low << 31) | (high >>> 1), (high << 31) | (low >>> 1), C2_LOW, C2_HIGH)
  h1Low ^= low
  h1High ^= high
}

function mixSecond(kLow: number, kHigh: number): void {
  multiply(kLow, kHigh, C2_LOW, C2_HIGH)
  multiply((high << 1) | (low >>> 31), (low << 1) | (high >>> 31), C1_LOW, C1_HIGH)
  h2Low ^= low
  h2High ^= high
}

function finish(length: number): void {
  h1Low ^= length
  h2Low ^= length
  addToFirst(h2Low, h2High)
  addToSecond(h1Low, h1High)
  avalanche(h2Low, h2High)
  h2Low = low
  h2High = high
  avalanche(h1Low, h1High)
  h1Low = low
  h1High = high
  addToFirst(h2Low, h2High)
  hash128.low = h1Low
  hash128.high = h1High
}

function avalanche(aLow: number, aHigh: number): void {
  multiply(aLow ^ (aHigh >>> 1), aHigh, 0xed558ccd, 0xff51afd7)
  multiply(low ^ (high >>> 1), high, 0x1a85ec53, 0xc4ceb9fe)
  low ^= high >>> 1
}

/** The low 64 bits of a product, into `low` and `high`. */
function multiply(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  const a0 = aLow & 0xffff
  const a1 = aLow >>> 16
  const b0 = bLow & 0xffff
  const b1 = bLow >>> 16
  const cross = Math.imul(a0, b1)
  const across = Math.imul(a1, b0)
  const middle = (Math.imul(a0, b0) >>> 16) + (cross & 0xffff) + (across & 0xffff)
  low = Math.imul(aLow, bLow)
  high = (Math.imul(a1, b1) + (cross >>> 16) + (across >>> 16) + (middle >>> 16) + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0
}

function addToFirst(bLow: number, bHigh: number): void {
  const sum = (h1Low >>> 0) + (bLow >>> 0)
  h1Low = sum | 0
  h1High = (h1High + bHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0
}

function addToSecond(bLow: number, bHigh: number): void {
  const sum = (h2Low >>> 0) + (bLow >>> 0)
  h2Low = sum | 0
  h2High = (h2High + bHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0
}

function rotateFirst(bits: number): void {
  const kept = h1Low
  h1Low = (h1Low << bits) | (h1High >>> (32 - bits))
  h1High = (h1High << bits) | (kept >>> (32 - bits))
}

function rotateSecond(bits: number): void {
  const kept = h2Low
  h2Low = (h2Low << bits) | (h2High >>> (32 - bits))
  h2High = (h2High << bits) | (kept >>> (32 - bits))
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** As {@link wordAt}, zeros from `end` on. */
function tailAt(bytes: Uint8Array, at: number, end: number): number {
  let word = 0
  for (let i = at, shift = 0; i < end && shift < 32; i++, shift += 8) word |= bytes[i]! << shift
  return word
}
