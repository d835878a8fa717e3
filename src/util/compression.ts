/**
 * Every codec of the format behind one shape: bytes to bytes, with a bound on the output. The `Async` forms run on the
 * libuv pool where the codec is native (deflate, gzip, and zstd from Node 22.15), else they run at once.
 *
 * Every decompressor throws `CORRUPT` on truncated or damaged input and when the output would exceed `maxOutputBytes`.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as zlib from 'node:zlib'
import { FloeError } from './errors.js'
import { compressSnappy, decompressSnappy } from './snappy.js'
import { readZstdFrames, type ZstdFrame } from './zstd-frames.js'
import { compressWasm, decompressFrameWasm, decompressFrameWasmInto, type ZstdModule } from './zstd-wasm.js'

export { compressSnappy, decompressSnappy }

const MIN_CHUNK_BYTES = 4_096
const MAX_CHUNK_BYTES = 1 << 22
const DEFAULT_ZSTD_LEVEL = 3

/**
 * Decompresses raw deflate (RFC 1951, no header). `expectedBytes` is a hint: output of up to that size needs no copy, and
 * memory for it is taken.
 */
export function inflateRaw(bytes: Uint8Array, maxOutputBytes: number, expectedBytes?: number): Uint8Array {
  return guard('deflate', maxOutputBytes, () => zlib.inflateRawSync(bytes, limits(bytes, maxOutputBytes, expectedBytes)))
}

/** {@link inflateRaw} on the libuv pool. */
export function inflateRawAsync(bytes: Uint8Array, maxOutputBytes: number, expectedBytes?: number): Promise<Uint8Array> {
  return pooled('deflate', maxOutputBytes, (done) => zlib.inflateRaw(bytes, limits(bytes, maxOutputBytes, expectedBytes), done))
}

/** Compresses to raw deflate; `level` is 0 to 9, default 6. */
export function deflateRaw(bytes: Uint8Array, level = -1): Uint8Array {
  return guardLevel('deflate', level, () => zlib.deflateRawSync(bytes, { level }))
}

/** {@link deflateRaw} on the libuv pool. */
export function deflateRawAsync(bytes: Uint8Array, level = -1): Promise<Uint8Array> {
  return pooled('deflate', Infinity, (done) => zlib.deflateRaw(bytes, { level }, done))
}

/** Decompresses gzip, all members of it. */
export function gunzip(bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  return guard('gzip', maxOutputBytes, () => zlib.gunzipSync(bytes, limits(bytes, maxOutputBytes)))
}

/** {@link gunzip} on the libuv pool. */
export function gunzipAsync(bytes: Uint8Array, maxOutputBytes: number): Promise<Uint8Array> {
  return pooled('gzip', maxOutputBytes, (done) => zlib.gunzip(bytes, limits(bytes, maxOutputBytes), done))
}

/** Compresses to one gzip member; `level` is 0 to 9, default 6. */
export function gzip(bytes: Uint8Array, level = -1): Uint8Array {
  return guardLevel('gzip', level, () => zlib.gzipSync(bytes, { level }))
}

/** {@link gzip} on the libuv pool. */
export function gzipAsync(bytes: Uint8Array, level = -1): Promise<Uint8Array> {
  return pooled('gzip', Infinity, (done) => zlib.gzip(bytes, { level }, done))
}

/** Decompresses zstd, all frames of it. `UNSUPPORTED`: it needs a dictionary. */
export function decompressZstd(bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  const frames = boundedFrames(bytes, maxOutputBytes)
  return joinFrames(frames.map((frame) => decompressFrame(bytes, frame, maxOutputBytes)), maxOutputBytes)
}

/** Decompresses zstd into `target`, which the content must fill exactly. */
export function decompressZstdInto(bytes: Uint8Array, target: Uint8Array): void {
  const frames = boundedFrames(bytes, target.length)
  const isDirect = nativeZstd.zstdDecompressSync === undefined && frames.length === 1
  if (!isDirect) {
    const content = decompressZstd(bytes, target.length)
    if (content.length !== target.length) throw damaged('zstd')
    target.set(content)
    return
  }
  const { start, end } = frames[0]!
  if (decompressFrameWasmInto(loadWasm(), bytes.subarray(start, end), target) !== target.length) throw damaged('zstd')
}

/** {@link decompressZstd} on the libuv pool where zstd is native. */
export async function decompressZstdAsync(bytes: Uint8Array, maxOutputBytes: number): Promise<Uint8Array> {
  const native = nativeZstd.zstdDecompress
  if (native === undefined) return decompressZstd(bytes, maxOutputBytes)
  const parts: Uint8Array[] = []
  for (const frame of boundedFrames(bytes, maxOutputBytes)) {
    const input = bytes.subarray(frame.start, frame.end)
    const options = frameLimits(frame, maxOutputBytes)
    parts.push(checkFrame(frame, await pooled('zstd', maxOutputBytes, (done) => native(input, options, done))))
  }
  return joinFrames(parts, maxOutputBytes)
}

/** Compresses to one zstd frame; `level` is 1 to 22, default 3. */
export function compressZstd(bytes: Uint8Array, level = DEFAULT_ZSTD_LEVEL): Uint8Array {
  const native = nativeZstd.zstdCompressSync
  if (native === undefined) return compressWasm(loadWasm(), bytes, level)
  return guardLevel('zstd', level, () => native(bytes, compressionOptions(bytes, level)))
}

/** {@link compressZstd} on the libuv pool where zstd is native. */
export async function compressZstdAsync(bytes: Uint8Array, level = DEFAULT_ZSTD_LEVEL): Promise<Uint8Array> {
  const native = nativeZstd.zstdCompress
  if (native === undefined) return compressZstd(bytes, level)
  return pooled('zstd', Infinity, (done) => native(bytes, compressionOptions(bytes, level), done))
}

/** {@link decompressSnappy}; it runs at once. */
export async function decompressSnappyAsync(bytes: Uint8Array, maxOutputBytes: number): Promise<Uint8Array> {
  return decompressSnappy(bytes, maxOutputBytes)
}

/** {@link compressSnappy}; it runs at once. */
export async function compressSnappyAsync(bytes: Uint8Array): Promise<Uint8Array> {
  return compressSnappy(bytes)
}

type Done = (error: Error | null, result: Uint8Array) => void

interface ZstdOptions {
  readonly chunkSize?: number
  readonly maxOutputLength?: number
  readonly params?: Record<number, number>
  readonly pledgedSrcSize?: number
}

/** The zstd half of `node:zlib`, present from Node 22.15. */
interface NativeZstd {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: ZstdOptions) => Uint8Array
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: ZstdOptions) => Uint8Array
  readonly zstdCompress?: (bytes: Uint8Array, options: ZstdOptions, done: Done) => void
  readonly zstdDecompress?: (bytes: Uint8Array, options: ZstdOptions, done: Done) => void
}

const nativeZstd = zlib as unknown as NativeZstd
const ZSTD_COMPRESSION_LEVEL_PARAMETER = 100

function compressionOptions(bytes: Uint8Array, level: number): ZstdOptions {
  return { params: { [ZSTD_COMPRESSION_LEVEL_PARAMETER]: level }, pledgedSrcSize: bytes.length }
}

function boundedFrames(bytes: Uint8Array, maxOutputBytes: number): ZstdFrame[] {
  const frames = readZstdFrames(bytes)
  let declared = 0
  for (const frame of frames) declared += frame.contentSize ?? 0
  if (declared > maxOutputBytes) throw tooLarge('zstd', maxOutputBytes)
  return frames
}

function decompressFrame(bytes: Uint8Array, frame: ZstdFrame, maxOutputBytes: number): Uint8Array {
  const input = bytes.subarray(frame.start, frame.end)
  const native = nativeZstd.zstdDecompressSync
  if (native !== undefined) return checkFrame(frame, guard('zstd', maxOutputBytes, () => native(input, frameLimits(frame, maxOutputBytes))))
  const zstd = loadWasm()
  const most = Math.min(frame.contentSize ?? frame.maxContentSize, maxOutputBytes)
  let capacity = frame.contentSize ?? Math.min(most, Math.max(1 << 17, input.length * 8))
  for (;;) {
    const output = decompressFrameWasm(zstd, input, capacity)
    if (output !== undefined) return checkFrame(frame, output)
    if (capacity >= most) {
      if (frame.contentSize === undefined && most < frame.maxContentSize) throw tooLarge('zstd', maxOutputBytes)
      throw damaged('zstd')
    }
    capacity = Math.min(most, capacity * 4)
  }
}

function frameLimits(frame: ZstdFrame, maxOutputBytes: number): ZstdOptions {
  const expected = frame.contentSize ?? frame.maxContentSize
  return { chunkSize: clampChunk(expected, maxOutputBytes), maxOutputLength: clampOutput(maxOutputBytes) }
}

function checkFrame(frame: ZstdFrame, output: Uint8Array): Uint8Array {
  if (frame.contentSize !== undefined && output.length !== frame.contentSize) throw damaged('zstd')
  return output
}

function joinFrames(parts: readonly Uint8Array[], maxOutputBytes: number): Uint8Array {
  if (parts.length === 1) return parts[0]!
  let length = 0
  for (const part of parts) length += part.length
  if (length > maxOutputBytes) throw tooLarge('zstd', maxOutputBytes)
  const joined = new Uint8Array(length)
  let position = 0
  for (const part of parts) {
    joined.set(part, position)
    position += part.length
  }
  return joined
}

/** Typed here because the DOM library, which declares it, is not part of this project. */
const webAssembly = (globalThis as unknown as {
  WebAssembly: { Module: new (bytes: Uint8Array) => object; Instance: new (module: object, imports: object) => object }
}).WebAssembly

let wasm: ZstdModule | undefined

/**
 * The package's own `init` is asynchronous and its `decompress` trusts the declared size, so the Emscripten module below it
 * is instantiated here: synchronously, and only when the first zstd byte is met on a Node without built-in zstd.
 */
function loadWasm(): ZstdModule {
  if (wasm !== undefined) return wasm
  const require = createRequire(import.meta.url)
  const folder = dirname(require.resolve('@bokuweb/zstd-wasm'))
  const { Module: shared } = require(join(folder, 'zstd.js')) as { Module: Partial<ZstdModule> }
  const zstd = shared as ZstdModule
  // Another copy of this library in the process may have set it up: doing so again would take its memory from under it.
  if (shared.HEAPU8 !== undefined) return (wasm = zstd)
  const compiled = new webAssembly.Module(readFileSync(join(folder, 'zstd.wasm')))
  zstd.instantiateWasm = (imports, receive) => receive(new webAssembly.Instance(compiled, imports))
  zstd.init()
  wasm = zstd
  return zstd
}

function limits(bytes: Uint8Array, maxOutputBytes: number, expectedBytes = bytes.length * 4): zlib.ZlibOptions {
  return { chunkSize: clampChunk(expectedBytes, maxOutputBytes), maxOutputLength: clampOutput(maxOutputBytes) }
}

/** One chunk as large as the likely output saves the copy that joins many. */
function clampChunk(likely: number, maxOutputBytes: number): number {
  return Math.max(MIN_CHUNK_BYTES, Math.min(likely, maxOutputBytes + 1, MAX_CHUNK_BYTES))
}

/** node:zlib refuses a limit of zero and one over what a buffer holds. */
function clampOutput(maxOutputBytes: number): number {
  return Math.max(1, Math.min(maxOutputBytes, 2 ** 32 - 1))
}

function guard(codec: string, maxOutputBytes: number, run: () => Uint8Array): Uint8Array {
  try {
    return plain(run(), codec, maxOutputBytes)
  } catch (cause) {
    throw translate(codec, maxOutputBytes, cause)
  }
}

function guardLevel(codec: string, level: number, run: () => Uint8Array): Uint8Array {
  try {
    return plain(run(), codec, Infinity)
  } catch (cause) {
    throw new FloeError('INVALID', `${codec} cannot compress at level ${level}`, { cause })
  }
}

function pooled(codec: string, maxOutputBytes: number, start: (done: Done) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    try {
      start((error, result) => {
        if (error !== null) reject(translate(codec, maxOutputBytes, error))
        else if (result.length > maxOutputBytes) reject(tooLarge(codec, maxOutputBytes))
        else resolve(plain(result, codec, maxOutputBytes))
      })
    } catch (cause) {
      reject(new FloeError('INVALID', `${codec} refused its options`, { cause }))
    }
  })
}

/** A `Uint8Array` that is not a Buffer, whose `slice` would be a view. */
function plain(result: Uint8Array, codec: string, maxOutputBytes: number): Uint8Array {
  if (result.length > maxOutputBytes) throw tooLarge(codec, maxOutputBytes)
  return new Uint8Array(result.buffer, result.byteOffset, result.byteLength)
}

function translate(codec: string, maxOutputBytes: number, cause: unknown): FloeError {
  if (cause instanceof FloeError) return cause
  const code = (cause as { code?: unknown }).code
  return code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(codec, maxOutputBytes) : damaged(codec, cause)
}

function tooLarge(codec: string, maxOutputBytes: number): FloeError {
  return new FloeError('CORRUPT', `${codec} data expands to more than the ${maxOutputBytes} bytes allowed here`)
}

function damaged(codec: string, cause?: unknown): FloeError {
  const detail = cause instanceof Error ? `: ${cause.message}` : ''
  return new FloeError('CORRUPT', `Corrupt ${codec} data${detail}`, { cause })
}
