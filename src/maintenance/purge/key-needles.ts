import { hexFromBytes } from '../../schema/hex-text.js'
import { escapePathPart } from '../../partition/partition-path.js'
import { encodeValue } from '../../schema/single-value.js'
import type { Type, Value } from '../../schema/type.js'
import { encodeUtf8 } from '../../util/utf8.js'

/** A key is told by its bytes alone when it has so many, and they are not almost all the same. */
const MIN_NEEDLE_BYTES = 6
const MIN_DIFFERENT_BYTES = 4

/**
 * The byte strings in which a value may lie about: as it is stored, as text in JSON, and in paths. Values that are too short or
 * plain to tell anything by their bytes have none.
 */
export function needlesOf(type: Type, value: Value): readonly Uint8Array[] {
  if (value === null) return []
  const forms: Uint8Array[] = []
  if (type.kind === 'string') forms.push(...textForms(value as string))
  else if (type.kind === 'uuid') forms.push(encodeValue(type, value), encodeUtf8(value as string))
  else if (type.kind === 'binary' || type.kind === 'fixed') forms.push(...bytesForms(value as Uint8Array))
  else if (type.kind === 'long') forms.push(encodeValue(type, value), encodeUtf8(String(value)))
  else if (type.kind === 'decimal') forms.push(encodeValue(type, value))
  else if (type.kind === 'double') forms.push(encodeValue(type, value))
  return forms.filter(isDistinctive)
}

/** The forms of a text. */
export function textForms(text: string): readonly Uint8Array[] {
  const json = JSON.stringify(text).slice(1, -1)
  return [...new Set([text, json, escapePathPart(text), encodeURIComponent(text)])].map((form) => encodeUtf8(form))
}

/** The forms of bytes: themselves, and in hex. */
export function bytesForms(bytes: Uint8Array): readonly Uint8Array[] {
  const hex = hexFromBytes(bytes)
  return [bytes, encodeUtf8(hex), encodeUtf8(hex.toUpperCase()), encodeUtf8(Buffer.from(bytes).toString('base64'))]
}

/** Whether bytes are not likely to turn up by chance. */
export function isDistinctive(bytes: Uint8Array): boolean {
  return bytes.length >= MIN_NEEDLE_BYTES && new Set(bytes.subarray(0, 64)).size >= MIN_DIFFERENT_BYTES
}

/** Many byte strings, looked for at once. */
export class Needles {
  readonly maxBytes: number
  /** By hash of the first four bytes. */
  readonly #byHead = new Map<number, Uint8Array[]>()
  readonly #mayStart = new Uint8Array(1 << 16)
  readonly #few: readonly Buffer[] | undefined

  constructor(needles: readonly Uint8Array[]) {
    const distinct = [...new Map(needles.map((needle) => [hexFromBytes(needle), needle])).values()]
    this.maxBytes = Math.max(0, ...distinct.map((needle) => needle.length))
    this.size = distinct.length
    if (distinct.length <= FEW) this.#few = distinct.map((needle) => Buffer.from(needle))
    for (const needle of distinct) {
      const head = headAt(needle, 0)
      this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), needle])
      this.#mayStart[slotOf(head)] = 1
    }
  }

  readonly size: number

  /** Whether any of them is in the bytes. */
  isIn(bytes: Uint8Array): boolean {
    if (this.#few !== undefined) {
      if (this.size === 0 || bytes.length === 0) return false
      const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      return this.#few.some((needle) => haystack.includes(needle))
    }
    const end = bytes.length - MIN_NEEDLE_BYTES
    for (let at = 0; at <= end; at++) {
      const head = headAt(bytes, at)
      if (this.#mayStart[slotOf(head)] === 1 && this.#byHead.get(head)?.some((needle) => startsAt(bytes, at, needle)) === true) return true
    }
    return false
  }
}

const FEW = 16

function headAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

function slotOf(head: number): number {
  return Math.imul(head, 0x9e3779b1) >>> 16
}

function startsAt(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  if (at + needle.length > bytes.length) return false
  for (let i = 4; i < needle.length; i++) if (bytes[at + i] !== needle[i]) return false
  return true
}
