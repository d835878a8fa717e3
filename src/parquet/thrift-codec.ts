import { corrupt, wire } from './thrift-compact.js'
import type { ThriftReader, ThriftWriter } from './thrift-compact.js'

/** Both directions of one Thrift type. */
export interface ThriftCodec<T> {
  readonly type: number
  read(reader: ThriftReader): T
  write(writer: ThriftWriter, value: T): void
  /** The fewest bytes of a value; guards list allocations. */
  readonly minBytes: number
}

export const i32: ThriftCodec<number> = { type: wire.i32, minBytes: 1, read: (r) => r.i32(), write: (w, v) => w.i32(v) }
export const i16: ThriftCodec<number> = { ...i32, type: wire.i16 }
export const i8: ThriftCodec<number> = {
  type: wire.byte,
  minBytes: 1,
  read: (r) => (r.byte() << 24) >> 24,
  write: (w, v) => w.byte(v & 0xff),
}
export const i64: ThriftCodec<number> = { type: wire.i64, minBytes: 1, read: (r) => r.i64(), write: (w, v) => w.i64(v) }
/** Views of the bytes that are read. */
export const binary: ThriftCodec<Uint8Array> = {
  type: wire.binary,
  minBytes: 1,
  read: (r) => r.binary(),
  write: (w, v) => w.binary(v),
}
export const string: ThriftCodec<string> = { type: wire.binary, minBytes: 1, read: (r) => r.string(), write: (w, v) => w.string(v) }
/** As a list element; struct fields are handled by {@link struct}. */
export const bool: ThriftCodec<boolean> = {
  type: wire.true,
  minBytes: 1,
  read: (r) => r.byte() === wire.true,
  write: (w, v) => w.byte(v ? wire.true : wire.false),
}

export function list<T>(element: ThriftCodec<T>): ThriftCodec<readonly T[]> {
  return {
    type: wire.list,
    minBytes: 1,
    read(reader) {
      const { size, type } = reader.listHeader(element.minBytes)
      if (size > 0 && !sameWire(type, element.type)) throw corrupt(`has a list of wire type ${type} where ${element.type} belongs`)
      const values: T[] = []
      for (let i = 0; i < size; i++) values.push(element.read(reader))
      return values
    },
    write(writer, values) {
      writer.listHeader(values.length, element.type)
      for (const value of values) element.write(writer, value)
    },
  }
}

/** Field ids of one struct: `[id, member, codec]`, ascending, `required` where a missing one is an error. */
export type StructField<T> = { [K in keyof T]-?: readonly [number, K, ThriftCodec<NonNullable<T[K]>>, 'required'?] }[keyof T]

/** A struct whose unknown fields are skipped. Absent optional members are left out of the object. */
export function struct<T extends object>(name: string, fields: readonly StructField<T>[], minBytes = 1): ThriftCodec<T> {
  const byId = new Map(fields.map((field) => [field[0], field]))
  const required = fields.filter((field) => field[3] === 'required')
  return {
    type: wire.struct,
    minBytes,
    read(reader) {
      const value = {} as Record<keyof T, unknown>
      reader.struct((id, type) => {
        const field = byId.get(id)
        if (field === undefined) return false
        const codec = field[2] as ThriftCodec<unknown>
        if (!sameWire(type, codec.type)) throw corrupt(`has field ${id} of ${name} in wire type ${type} where ${codec.type} belongs`)
        value[field[1]] = codec === (bool as unknown) ? type === wire.true : codec.read(reader)
        return true
      })
      for (const field of required) if (value[field[1]] === undefined) throw corrupt(`lacks ${String(field[1])} of ${name}`)
      return value as T
    },
    write(writer, value) {
      let previous = 0
      for (const [id, member, codec] of fields) {
        const item = value[member] as NonNullable<T[keyof T]> | undefined
        if (item === undefined) continue
        const isBool = codec === (bool as unknown)
        writer.fieldHeader(id, previous, isBool ? ((item as unknown) === true ? wire.true : wire.false) : codec.type)
        if (!isBool) codec.write(writer, item)
        previous = id
      }
      writer.byte(wire.stop)
    },
  }
}

/** A struct without members: the presence of a union's branch. */
export const empty: ThriftCodec<Record<never, never>> = struct('an empty struct', [])

function sameWire(found: number, expected: number): boolean {
  return found === expected || (expected === wire.true && found === wire.false)
}
