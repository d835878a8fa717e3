import type { DataType, Field } from 'apache-arrow'
import { listChunk, structChunk } from './arrow-data.js'
import type { Chunk, Validity } from './arrow-data.js'
import { ColumnBuilder } from './column-builder.js'
import type { ColumnSite } from './column-builder.js'
import { grown, trimmed } from './growing-values.js'

/** A named child of a struct, or a column of a table. */
export interface NamedBuilder {
  readonly name: string
  readonly builder: ColumnBuilder
}

/** Refuses members that the struct does not have; `known` of the value's members were read. */
export type CheckMembers = (value: object, known: number) => void

/** Reads a member: only an own one where the name also lies on every object, as `constructor` does. */
export function memberReader(name: string): (value: object) => unknown {
  if (name in Object.prototype) return (value) => (Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined)
  return (value) => (value as Record<string, unknown>)[name]
}

/** `struct`: any object but those that are values of other types. */
export class StructBuilder extends ColumnBuilder {
  readonly #readers: readonly ((value: object) => unknown)[]

  constructor(
    site: ColumnSite,
    private readonly children: readonly NamedBuilder[],
    private readonly checkMembers: CheckMembers,
  ) {
    super(site)
    this.#readers = children.map((child) => memberReader(child.name))
  }

  protected put(value: unknown): boolean {
    if (!isRecord(value)) return false
    let known = 0
    for (let i = 0; i < this.children.length; i++) {
      const member = this.#readers[i]!(value)
      if (member !== undefined) known++
      this.children[i]!.builder.add(member)
    }
    this.checkMembers(value, known)
    return true
  }

  protected putNull(): void {
    for (const { builder } of this.children) builder.addNull()
  }

  protected reserve(): void {}

  protected valueBytes(): number {
    return this.children.reduce((sum, child) => sum + child.builder.bytes, 0)
  }

  protected override truncateValues(length: number): void {
    for (const { builder } of this.children) builder.truncate(length)
  }

  protected take(length: number, validity: Validity | undefined): Chunk {
    return structChunk(this.site.arrow, length, this.children.map((child) => child.builder.finish()), validity)
  }
}

/** Whether a value can be read by member names: not an array, map, date or bytes, whose members are not data. */
export function isRecord(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return !(Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set || value instanceof Date)
}

abstract class OffsetsBuilder extends ColumnBuilder {
  protected offsets = new Int32Array(1)

  protected reserve(capacity: number): void {
    this.offsets = grown(this.offsets, capacity + 1)
  }

  protected putNull(row: number): void {
    this.offsets[row + 1] = this.offsets[row]!
  }

  protected takeOffsets(length: number): Int32Array {
    const offsets = trimmed(this.offsets, length + 1)
    this.offsets = new Int32Array(1)
    return offsets
  }
}

/** `list`: an array, a typed array, or any other iterable but a string or map. */
export class ListBuilder extends OffsetsBuilder {
  constructor(
    site: ColumnSite,
    private readonly element: ColumnBuilder,
  ) {
    super(site)
  }

  protected put(value: unknown, row: number): boolean {
    if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
      const values = value as ArrayLike<unknown>
      for (let i = 0; i < values.length; i++) this.element.add(values[i] ?? null)
    } else {
      if (typeof value !== 'object' || !(Symbol.iterator in value!) || value instanceof Map) return false
      for (const element of value as Iterable<unknown>) this.element.add(element ?? null)
    }
    this.offsets[row + 1] = this.element.length
    return true
  }

  protected valueBytes(): number {
    return this.length * 4 + this.element.bytes
  }

  protected override truncateValues(length: number): void {
    this.element.truncate(this.offsets[length]!)
  }

  protected take(length: number, validity: Validity | undefined): Chunk {
    return listChunk(this.site.arrow, this.takeOffsets(length), this.element.finish(), validity)
  }
}

/** `map`: a Map, an array of pairs, or an object whose member names are the keys. */
export class MapBuilder extends OffsetsBuilder {
  constructor(
    site: ColumnSite,
    private readonly keys: ColumnBuilder,
    private readonly items: ColumnBuilder,
  ) {
    super(site)
  }

  protected put(value: unknown, row: number): boolean {
    if (value instanceof Map) for (const [key, item] of value) this.#addEntry(key, item)
    else if (Array.isArray(value)) {
      for (const pair of value as unknown[]) {
        if (!Array.isArray(pair) || pair.length !== 2) return false
        this.#addEntry(pair[0], pair[1])
      }
    } else {
      if (!isRecord(value)) return false
      for (const [key, item] of Object.entries(value)) this.#addEntry(key, item)
    }
    this.offsets[row + 1] = this.keys.length
    return true
  }

  #addEntry(key: unknown, item: unknown): void {
    this.keys.add(key ?? null)
    this.items.add(item ?? null)
  }

  protected valueBytes(): number {
    return this.length * 4 + this.keys.bytes + this.items.bytes
  }

  protected override truncateValues(length: number): void {
    this.keys.truncate(this.offsets[length]!)
    this.items.truncate(this.offsets[length]!)
  }

  protected take(length: number, validity: Validity | undefined): Chunk {
    const entries = (this.site.arrow.children[0] as unknown as Field).type as DataType
    const count = this.keys.length
    const child = structChunk(entries, count, [this.keys.finish(), this.items.finish()])
    return listChunk(this.site.arrow, this.takeOffsets(length), child, validity)
  }
}
