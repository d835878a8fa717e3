/** Fallback field ids for files without any. Spec: Column Projection, Appendix C › Name Mapping Serialization */
export interface MappedField {
  readonly names: readonly string[]
  readonly fieldId: number | undefined
  readonly fields: NameMapping
}

export type NameMapping = readonly MappedField[]
