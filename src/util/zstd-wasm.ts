import { FloeError } from './errors.js'

/** The part of an Emscripten build of zstd that is used here. */
export interface ZstdModule {
  instantiateWasm?: (imports: object, receive: (instance: object) => unknown) => unknown
  readonly init: () => unknown
  readonly HEAPU8: Uint8Array
  readonly _malloc: (size: number) => number
  readonly _free: (address: number) => void
  readonly _ZSTD_isError: (code: number) => number
  readonly _ZSTD_compressBound: (size: number) => number
  /** Output address and capacity, input address and size, level. */
  readonly _ZSTD_compress: (...addressesSizesAndLevel: readonly number[]) => number
  readonly _ZSTD_decompress: (to: number, capacity: number, from: number, size: number) => number
}

/** Half of what a 32-bit WebAssembly memory holds, since input and output are in it together. */
const MAX_ALLOCATION_BYTES = 2 ** 30

/** Decompresses one frame; the output has at most `capacity` bytes. `undefined`: it does not fit, or it is corrupt. */
export function decompressFrameWasm(zstd: ZstdModule, frame: Uint8Array, capacity: number): Uint8Array | undefined {
  return call(zstd, frame, capacity, decompression(zstd, frame, capacity))?.slice()
}

/** Decompresses one frame into the start of `target`; the bytes written, or `undefined` as {@link decompressFrameWasm}. */
export function decompressFrameWasmInto(zstd: ZstdModule, frame: Uint8Array, target: Uint8Array): number | undefined {
  const output = call(zstd, frame, target.length, decompression(zstd, frame, target.length))
  if (output !== undefined) target.set(output)
  return output?.length
}

function decompression(zstd: ZstdModule, frame: Uint8Array, capacity: number): Run {
  return (to, from) => zstd._ZSTD_decompress(to, capacity, from, frame.length)
}

/** Compresses to one frame that declares its content size. */
export function compressWasm(zstd: ZstdModule, bytes: Uint8Array, level: number): Uint8Array {
  const bound = zstd._ZSTD_compressBound(bytes.length)
  const output = call(zstd, bytes, bound, (to, from) => zstd._ZSTD_compress(to, bound, from, bytes.length, level))
  if (output === undefined) throw new FloeError('INVALID', `zstd could not compress ${bytes.length} bytes at level ${level}`)
  return output.slice()
}

type Run = (to: number, from: number) => number

/** A view of the output, in memory that the next call writes over. */
function call(zstd: ZstdModule, input: Uint8Array, capacity: number, run: Run): Uint8Array | undefined {
  const from = allocate(zstd, input.length)
  let to = 0
  try {
    to = allocate(zstd, capacity)
    zstd.HEAPU8.set(input, from)
    const size = run(to, from)
    return zstd._ZSTD_isError(size) !== 0 ? undefined : zstd.HEAPU8.subarray(to, to + size)
  } finally {
    zstd._free(from)
    if (to !== 0) zstd._free(to)
  }
}

function allocate(zstd: ZstdModule, size: number): number {
  const address = size > MAX_ALLOCATION_BYTES ? 0 : zstd._malloc(Math.max(1, size))
  if (address === 0) {
    throw new FloeError('UNSUPPORTED', `zstd needs ${size} bytes more than WebAssembly has; run on Node 22.15 or later, which has zstd built in`)
  }
  return address
}
