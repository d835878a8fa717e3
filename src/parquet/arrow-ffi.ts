import type { ArrayLayout, ArrayParts } from './engine-job.js'
import { corrupt } from './thrift-compact.js'
import type { WasmMemory } from './wasm-module.js'

/**
 * Copies arrays out of WebAssembly memory through the Arrow C data interface. Everything is copied at once, since views detach
 * when that memory grows. Source: arrow/docs/format/CDataInterface.rst, with 32-bit pointers.
 */

/** Offsets of the members of `struct ArrowArray`. */
const member = { length: 0, nullCount: 8, offset: 16, buffers: 40, children: 44 } as const

/** The first child of the struct array at `address`: the only column of a batch. */
export function copyOnlyColumn(memory: WasmMemory, address: number, layout: ArrayLayout): ArrayParts {
  const source = new ArraySource(memory)
  return source.copy(source.child(address, 0), layout, source.offset(address), source.length(address))
}

class ArraySource {
  private readonly buffer: ArrayBufferLike
  private readonly view: DataView

  constructor(memory: WasmMemory) {
    this.buffer = memory.buffer
    this.view = new DataView(this.buffer)
  }

  length(address: number): number {
    return Number(this.view.getBigInt64(address + member.length, true))
  }

  offset(address: number): number {
    return Number(this.view.getBigInt64(address + member.offset, true))
  }

  child(address: number, index: number): number {
    return this.view.getUint32(this.view.getUint32(address + member.children, true) + index * 4, true)
  }

  /** Copies `length` values from `start` on, beyond the array's own offset. */
  copy(address: number, layout: ArrayLayout, start: number, length: number): ArrayParts {
    const first = start + this.offset(address)
    const validity = this.validity(address, first, length)
    const nulls = { nullCount: validity?.nullCount ?? 0, validity: validity?.bits }
    const parts = { length, ...nulls, offsets: undefined, values: undefined, children: [] }
    switch (layout.kind) {
      case 'bits':
        return { ...parts, values: this.bits(this.bufferAt(address, 1), first, length) }
      case 'fixed':
        return { ...parts, values: this.bytes(this.bufferAt(address, 1) + first * layout.byteWidth, length * layout.byteWidth) }
      case 'int96':
        return { ...parts, values: int96ToMicros(this.bytes(this.bufferAt(address, 1) + first * 12, length * 12)) }
      case 'variable': {
        const { offsets, from, to } = this.offsets(address, first, length)
        return { ...parts, offsets, values: this.bytes(this.bufferAt(address, 2) + from, to - from) }
      }
      case 'list': {
        const { offsets, from, to } = this.offsets(address, first, length)
        return { ...parts, offsets, children: [this.copy(this.child(address, 0), layout.child, from, to - from)] }
      }
      case 'struct':
        return { ...parts, children: layout.children.map((child, i) => this.copy(this.child(address, i), child, first, length)) }
    }
  }

  private bufferAt(address: number, index: number): number {
    return this.view.getUint32(this.view.getUint32(address + member.buffers, true) + index * 4, true)
  }

  private bytes(address: number, length: number): Uint8Array {
    if (length === 0) return new Uint8Array(0)
    return new Uint8Array(this.buffer.slice(address, address + length) as ArrayBuffer)
  }

  private bits(address: number, first: number, length: number): Uint8Array {
    if (length === 0) return new Uint8Array(0)
    const shift = first & 7
    const source = this.bytes(address + (first >> 3), (shift + length + 7) >> 3)
    if (shift === 0) return source
    const aligned = new Uint8Array((length + 7) >> 3)
    for (let i = 0; i < aligned.length; i++) aligned[i] = (source[i]! >> shift) | ((source[i + 1] ?? 0) << (8 - shift))
    return aligned
  }

  /** `length + 1` offsets that start at zero, and the range of the child that they cover. */
  private offsets(address: number, first: number, length: number): { offsets: Int32Array; from: number; to: number } {
    if (length === 0) return { offsets: new Int32Array(1), from: 0, to: 0 }
    const offsets = new Int32Array(this.bytes(this.bufferAt(address, 1) + first * 4, (length + 1) * 4).buffer)
    const from = offsets[0]!
    const to = offsets[length]!
    if (from < 0 || to < from) throw corrupt('has values whose offsets descend')
    if (from !== 0) for (let i = 0; i <= length; i++) offsets[i] = offsets[i]! - from
    return { offsets, from, to }
  }

  private validity(address: number, first: number, length: number): { bits: Uint8Array; nullCount: number } | undefined {
    const pointer = this.bufferAt(address, 0)
    if (pointer === 0 || length === 0 || this.view.getBigInt64(address + member.nullCount, true) === 0n) return undefined
    const bits = this.bits(pointer, first, length)
    const nullCount = length - countSetBits(bits, length)
    return nullCount === 0 ? undefined : { bits, nullCount }
  }
}

function countSetBits(bits: Uint8Array, length: number): number {
  let count = 0
  const whole = length >> 3
  for (let i = 0; i < whole; i++) count += bitCounts[bits[i]!]!
  return (length & 7) === 0 ? count : count + bitCounts[bits[whole]! & ((1 << (length & 7)) - 1)]!
}

const bitCounts = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let bits = byte; bits > 0; bits >>= 1) count += bits & 1
  return count
})

const julianEpochDay = 2_440_588n
const microsPerDay = 86_400_000_000n

/** Eight bytes of nanoseconds of the day and four of Julian day, to microseconds since 1970. */
function int96ToMicros(source: Uint8Array): Uint8Array {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength)
  const micros = new BigInt64Array(source.length / 12)
  for (let i = 0; i < micros.length; i++) {
    const day = BigInt(view.getInt32(i * 12 + 8, true)) - julianEpochDay
    micros[i] = day * microsPerDay + view.getBigInt64(i * 12, true) / 1000n
  }
  return new Uint8Array(micros.buffer)
}
