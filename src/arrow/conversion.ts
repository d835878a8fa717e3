import type { DataType } from 'apache-arrow'
import type { PrimitiveType } from '../schema/type.js'
import type { Chunk } from './arrow-data.js'

/** Reports the value of one row that has no exact equivalent in the target type. Never returns. */
export type RefuseRow = (row: number, found: string) => never

/** Turns a chunk of plain layout into the canonical one. */
export type ChunkConverter = (chunk: Chunk, refuse: RefuseRow) => Chunk

/**
 * What may be converted. `file`: what was written to a file long ago under an older schema, by the promotion rules of the
 * spec, and with the timestamp and string variants that other writers left. `input`: what a caller hands in to be
 * written; only conversions that keep every value exact, and a local time is not taken for an instant.
 */
export type ConversionPolicy = 'file' | 'input'

/** An Iceberg primitive with its canonical Arrow type. */
export interface PrimitiveTarget {
  readonly type: PrimitiveType
  readonly arrow: DataType
}
