import type { FieldSummary } from '../expression/expression.js'
import { compareValues, type ValueComparator } from '../schema/compare-values.js'
import { encodeValue } from '../schema/single-value.js'
import type { NestedField, StructType, Value } from '../schema/type.js'

/**
 * Summarises the tuples of one manifest for its record in the manifest list: one {@link FieldSummary} per field of the spec.
 * Bounds are exact, never truncated, as in the reference. Spec: Manifest Lists › field_summary
 */
export class PartitionSummary {
  private readonly fields: readonly FieldRange[]

  constructor(partitionType: StructType) {
    this.fields = partitionType.fields.map((field) => new FieldRange(field))
  }

  /** Counts one tuple in, whatever the status of its entry. */
  add(tuple: readonly Value[]): void {
    for (let i = 0; i < this.fields.length; i++) this.fields[i]!.add(tuple[i] ?? null)
  }

  summaries(): FieldSummary[] {
    return this.fields.map((field) => field.summary())
  }
}

class FieldRange {
  private readonly compare: ValueComparator
  private containsNull = false
  private containsNan = false
  private min: Value = null
  private max: Value = null

  constructor(private readonly field: NestedField) {
    this.compare = compareValues(field.type)
  }

  add(value: Value): void {
    if (value === null) this.containsNull = true
    else if (typeof value === 'number' && Number.isNaN(value)) this.containsNan = true
    else if (this.min === null) this.min = this.max = owned(value)
    else if (this.compare(value, this.min) < 0) this.min = owned(value)
    else if (this.compare(this.max, value) < 0) this.max = owned(value)
  }

  summary(): FieldSummary {
    const { containsNull, containsNan, min, max } = this
    return { containsNull, containsNan, lowerBound: this.encode(min), upperBound: this.encode(max) }
  }

  private encode(value: Value): Uint8Array | undefined {
    return value === null ? undefined : encodeValue(this.field.type, value)
  }
}

/** A caller may reuse its bytes for the next tuple. */
function owned(value: Value): Value {
  return value instanceof Uint8Array ? value.slice() : value
}
