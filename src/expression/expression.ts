/**
 * One expression tree and one evaluator a file. This folder turns predicates on rows into predicates on partitions,
 * metrics and rows; it knows types, specs and values, never files, manifests or I/O.
 */
import type { NestedField, Value } from '../schema/type.js'

/** A value as a caller writes it; binding converts it to the column's type, exactly or not at all. */
export type LiteralInput = boolean | number | bigint | string | Uint8Array | Date | { toString(): string }

export type UnaryOperation = 'is-null' | 'not-null' | 'is-nan' | 'not-nan'
export type LiteralOperation = 'lt' | 'lt-eq' | 'gt' | 'gt-eq' | 'eq' | 'not-eq' | 'starts-with' | 'not-starts-with'
export type SetOperation = 'in' | 'not-in'
export type PredicateOperation = UnaryOperation | LiteralOperation | SetOperation

/** The name of a column, dots for nesting; or a transform of one, as in `bucket(id, 16) = 3`. */
export interface Term {
  readonly column: string
  /** Spelt as in the spec: `bucket[16]`, `day`. Absent: the column itself. */
  readonly transform?: string | undefined
}

export type Expression =
  | { readonly op: 'true' }
  | { readonly op: 'false' }
  | { readonly op: 'not'; readonly child: Expression }
  | { readonly op: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly op: UnaryOperation; readonly term: Term }
  | { readonly op: LiteralOperation; readonly term: Term; readonly literal: LiteralInput }
  | { readonly op: SetOperation; readonly term: Term; readonly literals: readonly (LiteralInput | null)[] }

/** A reference to a column of one schema, by field id. */
export interface BoundTerm {
  readonly field: NestedField
  /** Full dotted path in the schema it was bound to. */
  readonly path: string
  readonly transform?: string | undefined
}

/** A predicate whose names and literals were resolved against one schema. `not` is gone: binding rewrites negations. */
export type BoundExpression =
  | { readonly op: 'true' }
  | { readonly op: 'false' }
  | { readonly op: 'and' | 'or'; readonly left: BoundExpression; readonly right: BoundExpression }
  | { readonly op: UnaryOperation; readonly term: BoundTerm }
  | { readonly op: LiteralOperation; readonly term: BoundTerm; readonly literal: Value }
  | { readonly op: SetOperation; readonly term: BoundTerm; readonly literals: readonly Value[] }

/** What the metrics evaluators read of one file. `undefined` is «not recorded», never zero. Bounds are Appendix D bytes. */
export interface FileStats {
  readonly recordCount: number
  valueCount(fieldId: number): number | undefined
  nullCount(fieldId: number): number | undefined
  nanCount(fieldId: number): number | undefined
  lowerBound(fieldId: number): Uint8Array | undefined
  upperBound(fieldId: number): Uint8Array | undefined
}

/** What the manifest evaluator reads of one partition field of a manifest. Spec: Manifest Lists › field_summary */
export interface FieldSummary {
  readonly containsNull: boolean
  readonly containsNan: boolean | undefined
  readonly lowerBound: Uint8Array | undefined
  readonly upperBound: Uint8Array | undefined
}
