import type { NestedField, StructType } from './type.js'

/** A table schema: a struct with an id and identifier fields. Spec: Schemas and Data Types, Appendix C › Schemas */
export class Schema {
  readonly schemaId: number
  readonly fields: readonly NestedField[]
  readonly identifierFieldIds: readonly number[]
  /** Members of the JSON that this version does not know, kept for the rewrite. */
  readonly unknownFields: ReadonlyMap<string, unknown>

  constructor(
    fields: readonly NestedField[],
    options: { readonly schemaId?: number; readonly identifierFieldIds?: readonly number[]; readonly unknownFields?: ReadonlyMap<string, unknown> } = {},
  ) {
    this.fields = fields
    this.schemaId = options.schemaId ?? 0
    this.identifierFieldIds = options.identifierFieldIds ?? []
    this.unknownFields = options.unknownFields ?? new Map()
  }

  asStruct(): StructType {
    return { kind: 'struct', fields: this.fields }
  }
}
