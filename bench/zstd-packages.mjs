/**
 * zstd from `node:zlib`, `@bokuweb/zstd-wasm` and, where it is installed, `zstd-codec` (docs/adr/0003):
 *
 *     node bench/zstd-packages.mjs [megabytes]
 */
import { createRequire } from 'node:module'
import zlib from 'node:zlib'

const require = createRequire(import.meta.url)
const megabytes = Number(process.argv[2] ?? 16)
const source = Buffer.alloc(megabytes * 1e6)
let seed = 1
for (let i = 0; i < source.length; i += 1) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  source[i] = 97 + ((seed >>> 24) % 16)
}

console.log(`Node ${process.version}, ${megabytes} MB`)
const wasm = require('@bokuweb/zstd-wasm')
await wasm.init()
const compressed = report('zstd-wasm compress', () => wasm.compress(source, 3))
report('zstd-wasm decompress', () => wasm.decompress(compressed))
if (zlib.zstdCompressSync === undefined) console.log('node:zlib has no zstd here')
else {
  const built = report('node:zlib compress', () => zlib.zstdCompressSync(source))
  report('node:zlib decompress', () => zlib.zstdDecompressSync(built))
}
try {
  const { ZstdCodec } = require('zstd-codec')
  const zstd = await new Promise((resolve) => ZstdCodec.run(resolve))
  report('zstd-codec decompress', () => new zstd.Simple().decompress(compressed))
} catch (error) {
  console.log(`zstd-codec: ${error.code ?? error}`)
}

function report(name, run) {
  const times = []
  let result
  for (let round = 0; round < 7; round += 1) {
    const start = performance.now()
    result = run()
    times.push(performance.now() - start)
  }
  const median = times.sort((a, b) => a - b)[3]
  console.log(`  ${name.padEnd(22)} ${(megabytes / (median / 1000)).toFixed(0)} MB/s`)
  return result
}
