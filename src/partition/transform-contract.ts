import type { Type, Value } from '../schema/type.js'

export type TransformKind = 'identity' | 'bucket' | 'truncate' | 'year' | 'month' | 'day' | 'hour' | 'void' | 'unknown'

/** How a partition or sort value follows from a column's value. Spec: Partitioning › Partition Transforms */
export interface Transform {
  readonly kind: TransformKind
  /** As the spec spells it; an unknown transform keeps its own text. */
  readonly text: string
  /** `N` of `bucket[N]`, `W` of `truncate[W]`. */
  readonly parameter: number | undefined
  /** Whether `a ≤ b` implies `apply(a) ≤ apply(b)`. */
  readonly preservesOrder: boolean
  /** Whether columns of this type can be transformed. */
  accepts(sourceType: Type): boolean
  /** The type of the result. A source type of `unknown` stands for a column that was dropped. */
  resultType(sourceType: Type): Type
  /**
   * The function on values of `sourceType`; null gives null. Compile once, then call per value.
   *
   * @throws FloeError `INVALID` when the type is not accepted, `UNSUPPORTED` for an unknown transform
   */
  apply(sourceType: Type): (value: Value) => Value
  /** Whether rows ordered by this transform are ordered by `other` too. */
  satisfiesOrderOf(other: Transform): boolean
  /** The text of a transformed value in a partition path, before escaping: the reference's `toHumanString`. */
  toHumanString(sourceType: Type, value: Value): string
}
