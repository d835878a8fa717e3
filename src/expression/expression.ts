/**
 * One expression tree and one evaluator a file. This folder turns predicates on rows into predicates on partitions,
 * metrics and rows; it knows types, specs and values, never files, manifests or I/O.
 */
import type { LiteralInput } from '../schema/literal.js'
import type { NestedField, Value } from '../schema/type.js'

export type { LiteralInput } from '../schema/literal.js'

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

export type Predicate = Extract<Expression, { readonly term: Term }>

/** A reference to a column of one schema, by field id. */
export interface BoundTerm {
  readonly field: NestedField
  /** Full dotted path in the schema it was bound to. */
  readonly path: string
  readonly transform?: string | undefined
  /** True when neither the field nor any struct around it is optional. Absent: the term may be null. */
  readonly neverNull?: boolean | undefined
  /** True when the field lies in a struct, not in the table itself. */
  readonly nested?: boolean | undefined
}

/**
 * A predicate whose names and literals were resolved against one schema. `not` is gone: binding rewrites negations.
 *
 * It selects the rows for which it is true. As in SQL, comparing null gives unknown, which `and` and `or` carry on and which
 * selects nothing; so `not-eq`, `not-in` and `not-starts-with` select no nulls. NaN is unequal to every literal and neither
 * less nor greater; `not-nan` holds for null. `-0.0` equals `0.0`. The literals of a set are distinct, ordered and not null.
 */
export type BoundExpression =
  | { readonly op: 'true' }
  | { readonly op: 'false' }
  | { readonly op: 'and' | 'or'; readonly left: BoundExpression; readonly right: BoundExpression }
  | { readonly op: UnaryOperation; readonly term: BoundTerm }
  | { readonly op: LiteralOperation; readonly term: BoundTerm; readonly literal: Value }
  | { readonly op: SetOperation; readonly term: BoundTerm; readonly literals: readonly Value[] }

export type BoundPredicate = Extract<BoundExpression, { readonly term: BoundTerm }>

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
