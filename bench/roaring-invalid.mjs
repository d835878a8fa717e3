/**
 * Which structurally invalid bitmaps the packages `roaring` and `roaring-wasm` accept (docs/adr/0002). Neither is a dependency:
 *
 *     mkdir /tmp/roaring && cp bench/roaring-invalid.mjs /tmp/roaring && cd /tmp/roaring
 *     npm init -y && npm install roaring-wasm roaring
 *     node roaring-invalid.mjs
 */
const packages = []
for (const name of ['roaring', 'roaring-wasm']) {
  const loaded = await import(name).catch((error) => console.log(`${name}: ${error.code ?? error.message}`))
  if (loaded === undefined) continue
  const library = loaded.default ?? loaded
  await library.roaringLibraryInitialize?.()
  packages.push({ name, Bitmap: library.RoaringBitmap32 })
}

let seed = 7
const random = (below) => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8) % below
const u16 = (...values) => values.flatMap((value) => [value & 255, (value >> 8) & 255])
const u32 = (value) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24]
const ascending = (count, below) =>
  [...new Set(Array.from({ length: count * 2 }, () => random(below)))].sort((a, b) => a - b).slice(0, count)

/** A bitmap of array containers in the portable format: cookie, count, keys with cardinalities, offsets, values. */
function arrays(containers, change = {}) {
  const header = [...u32(12346), ...u32(containers.length)]
  const keys = containers.flatMap(({ key, values, cardinality }) => u16(key, (cardinality ?? values.length) - 1))
  let at = header.length + keys.length + containers.length * 4
  const offsets = containers.flatMap(({ values }) => {
    const offset = u32(at + (change.offset ?? 0))
    at += values.length * 2
    return offset
  })
  return Uint8Array.from([...header, ...keys, ...offsets, ...containers.flatMap(({ values }) => u16(...values))])
}

/** One run container. */
const runs = (pairs, cardinality) =>
  Uint8Array.from([...u32(12347), 1, ...u16(0, cardinality - 1), ...u16(pairs.length), ...u16(...pairs.flat())])

/** One bitset container whose header claims another cardinality. */
function bitset(claimed, actual) {
  const bits = new Uint8Array(8192)
  for (let i = 0; i < actual; i += 1) bits[i >> 3] |= 1 << (i & 7)
  return Uint8Array.from([...u32(12346), ...u32(1), ...u16(0, claimed - 1), ...u32(16), ...bits])
}

const plain = () => ({ key: random(100), values: ascending(3 + random(40), 65536) })
const changed = (values, change) => {
  const copy = [...values]
  change(copy, random(values.length - 1))
  return copy
}
const swapped = (values) => changed(values, (copy, i) => copy.splice(i, 2, copy[i + 1], copy[i]))
const repeated = (values) => changed(values, (copy, i) => copy.splice(i + 1, 1, copy[i]))

const classes = {
  'array values out of order': () => { const c = plain(); return arrays([{ ...c, values: swapped(c.values) }]) },
  'array value twice': () => { const c = plain(); return arrays([{ ...c, values: repeated(c.values) }]) },
  'container keys out of order': () => arrays([{ ...plain(), key: 5 + random(50) }, { ...plain(), key: random(5) }]),
  'container key twice': () => { const key = random(100); return arrays([{ ...plain(), key }, { ...plain(), key }]) },
  'bitset with another cardinality than claimed': () => bitset(4097 + random(50_000), 1 + random(4000)),
  'runs out of order': () => runs([[1000 + random(1000), 5], [random(900), 5]], 12),
  'runs that overlap': () => { const start = random(1000); return runs([[start, 50], [start + 10, 50]], 102) },
  'run past 65,535': () => runs([[65_000 + random(500), 5000]], 5001),
  'run with another cardinality than claimed': () => runs([[random(1000), 10]], 500),
  'offsets that point elsewhere': () => arrays([plain(), { ...plain(), key: 200 }], { offset: 2 + random(20) }),
  'bytes after the end': () => Uint8Array.from([...arrays([plain()]), ...u16(random(65536), random(65536))]),
  'cut short': () => { const bytes = arrays([plain()]); return bytes.subarray(0, bytes.length - 1 - random(4)) },
}

const EACH = 500
for (const { name, Bitmap } of packages) {
  const valid = Bitmap.deserialize(Buffer.from(arrays([{ key: 1, values: [1, 5, 9] }])), 'portable')
  if (valid.size !== 3) throw new Error(`${name} does not read a valid bitmap`)
  let accepted = 0
  console.log(name)
  for (const [title, make] of Object.entries(classes)) {
    let here = 0
    for (let i = 0; i < EACH; i += 1) here += accepts(Bitmap, make()) ? 1 : 0
    accepted += here
    console.log(`  ${title.padEnd(46)} ${here} of ${EACH} accepted`)
  }
  const tried = EACH * Object.keys(classes).length
  console.log(`  all: ${((accepted / tried) * 100).toFixed(0)} % of ${tried} accepted`)
}

function accepts(Bitmap, bytes) {
  try {
    Bitmap.deserialize(Buffer.from(bytes), 'portable').dispose?.()
    return true
  } catch {
    return false
  }
}
