import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FloeError } from '../util/errors.js'

type WasmApi = typeof import('parquet-wasm/esm')

/** The part of a WebAssembly memory that is used; its buffer is replaced whenever it grows. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
}

/** A compiled module. */
type WasmCode = Parameters<WasmApi['initSync']>[0]

// The types of Node come without those of WebAssembly
const { compile, RuntimeError } = (globalThis as unknown as { readonly WebAssembly: WasmNamespace }).WebAssembly

interface WasmNamespace {
  compile(bytes: Uint8Array): Promise<object>
  readonly RuntimeError: typeof Error
}

/** The byte engine: an instance of the WebAssembly module of parquet-wasm, loaded when first used. */
export interface WasmEngine {
  readonly api: WasmApi
  readonly memory: WasmMemory
}

let current: Promise<WasmEngine> | undefined
let compiled: Promise<object> | undefined
let generation = 0
let wasDiscarded = false

/** The engine of this thread. */
export function loadEngine(): Promise<WasmEngine> {
  current ??= instantiate()
  return current
}

/**
 * Forgets the engine of this thread: after a trap the state of an instance is undefined. The next load makes another, from
 * the same compiled module.
 */
export function discardEngine(): void {
  current = undefined
  wasDiscarded = true
}

/** Whether this thread has discarded an engine, whose memory only the end of the thread gives back. */
export function hasDiscardedEngine(): boolean {
  return wasDiscarded
}

async function instantiate(): Promise<WasmEngine> {
  const entry = createRequire(import.meta.url).resolve('parquet-wasm/esm')
  compiled ??= readFile(join(dirname(entry), 'parquet_wasm_bg.wasm')).then((bytes) => compile(bytes))
  const url = pathToFileURL(entry)
  // The glue code of the package keeps one instance for each time that it is loaded
  if (generation++ > 0) url.searchParams.set('instance', String(generation))
  const api = (await import(/* @vite-ignore */ url.href)) as WasmApi
  api.initSync({ module: await compiled } as unknown as WasmCode)
  return { api, memory: api.wasmMemory() as unknown as WasmMemory }
}

/**
 * Runs `work` with the engine of this thread. Whatever it throws becomes `CORRUPT` (the engine refuses its input only when that is
 * malformed), except {@link FloeError}s; and a trap discards the engine.
 */
export async function withEngine<T>(work: (engine: WasmEngine) => T): Promise<T> {
  const engine = await loadEngine()
  try {
    return work(engine)
  } catch (cause) {
    if (cause instanceof FloeError) throw cause
    const trapped = [RuntimeError, RangeError].some((kind) => cause instanceof kind)
    if (!trapped) throw new FloeError('CORRUPT', `the Parquet data cannot be decoded: ${messageOf(cause)}`, { cause })
    const exhausted = engine.memory.buffer.byteLength > 3.5 * 2 ** 30
    discardEngine()
    if (exhausted) throw new FloeError('UNSUPPORTED', 'the Parquet data does not fit into 4 GiB when decoded; rewrite it in smaller row groups', { cause })
    throw new FloeError('CORRUPT', 'the Parquet data cannot be decoded: the engine stopped on it', { cause })
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
