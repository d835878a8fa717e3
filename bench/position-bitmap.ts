/**
 * The bitmap of deleted positions against roaring-wasm and native `roaring`, in one run, at 1 and 10 million positions of three
 * shapes: dense (every third row or so), sparse (one row in 400 or so) and run-like (stretches of some hundred rows).
 *
 *     npx esbuild bench/position-bitmap.ts --bundle --packages=external --platform=node --format=esm --outfile=bench/bitmap.tmp.mjs
 *     node bench/bitmap.tmp.mjs [positions …]; rm bench/bitmap.tmp.mjs
 *
 * Native `roaring` needs a compiler or a prebuilt binary and an install script, so it is no dependency: `npm install --no-save roaring`,
 * or name its folder in ROARING. Without it, its column stays empty. The peers hold 32-bit numbers and read 32-bit bitmaps; ours is
 * a 64-bit bitmap, and checks every byte it reads.
 */
import { PositionBitmap } from '../src/deletes/position-bitmap.js'

/** What the peers have in common. */
interface PeerBitmap {
  readonly size: number
  has(value: number): boolean
  iterator(): Iterable<number>
  [Symbol.iterator](): Iterator<number>
  /** Not in roaring-wasm. */
  forEach?(callback: (value: number) => void): unknown
  serialize(format: string): Uint8Array
  clone(): PeerBitmap
  orInPlace(other: PeerBitmap): unknown
  runOptimize(): boolean
  dispose?(): void
}
interface PeerClass {
  new (values?: Iterable<number>): PeerBitmap
  deserialize(bytes: Uint8Array, format: string): PeerBitmap
  or(a: PeerBitmap, b: PeerBitmap): PeerBitmap
}

const sizes = process.argv.slice(2).map(Number)
const COUNTS = sizes.length > 0 ? sizes : [1e6, 1e7]
const MIN_ROUNDS = 7
/** So many that the fastest work is measured as compiled in the end, for all alike. */
const MAX_ROUNDS = 50_000
const MIN_MS = 1000
const PROBES = 1_000_000

const wasm = await loadPeer('roaring-wasm')
const native = await loadPeer(process.env['ROARING'] ?? 'roaring')
if (wasm === undefined) throw new Error('roaring-wasm is a development dependency: run npm ci')
if (native === undefined) console.log('native roaring is not installed: its figures are left out (npm install --no-save roaring)')

let seed = 7
const random = (below: number): number => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 4) % below

const shapes: Readonly<Record<string, (count: number) => Uint32Array>> = {
  dense: (count) => ascending(count, () => 1 + random(5)),
  sparse: (count) => ascending(count, () => 1 + random(799)),
  runs: (count) => {
    let left = 0
    return ascending(count, () => (left-- > 0 ? 1 : ((left = 50 + random(500)), 1 + random(2000))))
  },
}

console.log(`node ${process.version}; best of at least ${MIN_ROUNDS} rounds in ms; ratio: peer / ours, above 1 is faster than the peer`)
for (const count of COUNTS) {
  for (const [shape, make] of Object.entries(shapes)) benchShape(`${shape} ${count / 1e6}M`, make(count), make(count))
}

function benchShape(title: string, a: Uint32Array, b: Uint32Array): void {
  const [bytes, otherBytes] = [PositionBitmap.of(a).encode(), PositionBitmap.of(b).encode()]
  const [left, right] = [PositionBitmap.decode(bytes), PositionBitmap.decode(otherBytes)]
  const peerBytes = bytes.subarray(12)
  const peers = [wasm, native].map((Peer) => Peer && { Peer, left: Peer.deserialize(peerBytes, 'portable'), right: Peer.deserialize(otherBytes.subarray(12), 'portable') })
  const last = a.at(-1)! + 1
  const probes = Uint32Array.from({ length: PROBES }, () => random(last))
  console.log(`\n${title}: ${(bytes.length / 1e6).toFixed(2)} MB`)
  const row = (name: string, ours: () => number, theirs: (peer: NonNullable<(typeof peers)[number]>) => number): void =>
    report(name, [ours, ...peers.map((peer) => peer && (() => theirs(peer)))])
  row('decode', () => PositionBitmap.decode(bytes).cardinality, ({ Peer }) => released(Peer.deserialize(peerBytes, 'portable'), a.length))
  row('contains', () => countHits(probes, left), ({ left: peer }) => countPeerHits(probes, peer))
  row('iterate, for of', () => sumOf(left), ({ left: peer }) => sumOf(peer))
  report('iterate, forEach', [() => sumEach(left), ...peers.map((peer) => peer?.left.forEach && (() => sumEach(peer.left as Required<PeerBitmap>)))])
  row('union', () => left.union(right).cardinality, ({ Peer, left: x, right: y }) => sized(Peer.or(x, y)))
  row('encode', () => left.encode().length - 12, ({ left: peer }) => peer.serialize('portable').length)
  report('add one by one', [() => PositionBitmap.of(a).cardinality, ...peers.map((peer) => peer && (() => built(peer.Peer, a)))])
  for (const peer of peers) for (const bitmap of peer === undefined ? [] : [peer.left, peer.right]) bitmap.dispose?.()
}

function report(name: string, works: readonly ((() => number) | undefined)[]): void {
  const times: number[][] = works.map(() => [])
  let expected: number | undefined
  // Rounds interleave, so that what else the machine does hits all alike
  const started = performance.now()
  for (let round = 0; round < MIN_ROUNDS || (round < MAX_ROUNDS && performance.now() - started < MIN_MS); round++) {
    for (const [i, work] of works.entries()) {
      if (work === undefined) continue
      const start = performance.now()
      const result = work()
      times[i]!.push(performance.now() - start)
      expected ??= result
      if (result !== expected) throw new Error(`${name}: ${result}, and ours says ${expected}`)
    }
  }
  const [ours, ...peers] = times.map((each) => (each.length === 0 ? undefined : Math.min(...each)))
  const cell = (time: number | undefined): string => (time === undefined ? '-'.padStart(18) : `${print(time)} (${(time / ours!).toFixed(2)}×)`.padStart(18))
  console.log(`  ${name.padEnd(18)} floe ${print(ours!).padStart(8)}   wasm ${cell(peers[0])}   native ${cell(peers[1])}`)
}

function print(ms: number): string {
  return ms.toFixed(ms < 0.1 ? 4 : 2)
}

function ascending(count: number, step: () => number): Uint32Array {
  let value = -1
  return Uint32Array.from({ length: count }, () => (value += step()))
}

function countHits(probes: Uint32Array, bitmap: PositionBitmap): number {
  let hits = 0
  for (let i = 0; i < probes.length; i++) if (bitmap.contains(probes[i]!)) hits++
  return hits
}

function countPeerHits(probes: Uint32Array, bitmap: PeerBitmap): number {
  let hits = 0
  for (let i = 0; i < probes.length; i++) if (bitmap.has(probes[i]!)) hits++
  return hits
}

function sumOf(bitmap: Iterable<number>): number {
  let sum = 0
  for (const value of bitmap) sum += value
  return sum
}

function sumEach(bitmap: { forEach(callback: (value: number) => void): unknown }): number {
  let sum = 0
  bitmap.forEach((value) => {
    sum += value
  })
  return sum
}

function released(bitmap: PeerBitmap, size: number): number {
  bitmap.dispose?.()
  return size
}

function sized(bitmap: PeerBitmap): number {
  const { size } = bitmap
  bitmap.dispose?.()
  return size
}

function built(Peer: PeerClass, values: Uint32Array): number {
  const bitmap = new Peer() as PeerBitmap & { add(value: number): void }
  for (let i = 0; i < values.length; i++) bitmap.add(values[i]!)
  return sized(bitmap)
}

async function loadPeer(name: string): Promise<PeerClass | undefined> {
  try {
    const loaded = (await import(name)) as { default?: object }
    const library = (loaded.default ?? loaded) as { roaringLibraryInitialize?(): Promise<void>; RoaringBitmap32: PeerClass }
    await library.roaringLibraryInitialize?.()
    return library.RoaringBitmap32
  } catch {
    return undefined
  }
}
