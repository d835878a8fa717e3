import { FloeError } from '../util/errors.js'
import { SchemaIndex } from './schema-index.js'
import { pruneFields } from './prune-fields.js'
import { fieldListsEqual } from './type-equality.js'
import type { NestedField, StructType } from './type.js'

export interface SchemaOptions {
  readonly schemaId?: number
  readonly identifierFieldIds?: readonly number[]
  readonly unknownFields?: ReadonlyMap<string, unknown>
}

export interface NameOptions {
  /** Default true. */
  readonly caseSensitive?: boolean | undefined
}

/**
 * A table schema: a struct with an id and identifier fields. Immutable; indexes are made on first use.
 *
 * Columns are named by their path: names joined by dots, with `element`, `key` and `value` for what lists and maps
 * hold. Where the element or value is a struct, these may be left out (`points.x` for `points.element.x`).
 *
 * Constructing one checks nothing, for projections may hold metadata columns: `schema-validation.ts` has the rules.
 *
 * Spec: Schemas and Data Types, Appendix C › Schemas
 */
export class Schema {
  readonly schemaId: number
  readonly fields: readonly NestedField[]
  readonly identifierFieldIds: readonly number[]
  /** Members of the JSON that this version does not know, kept for the rewrite. */
  readonly unknownFields: ReadonlyMap<string, unknown>
  #index: SchemaIndex | undefined

  constructor(fields: readonly NestedField[], options: SchemaOptions = {}) {
    this.fields = fields
    this.schemaId = options.schemaId ?? 0
    this.identifierFieldIds = options.identifierFieldIds ?? []
    this.unknownFields = options.unknownFields ?? new Map()
  }

  asStruct(): StructType {
    return { kind: 'struct', fields: this.fields }
  }

  /** The same schema under another id. */
  withId(schemaId: number): Schema {
    const { identifierFieldIds, unknownFields } = this
    return new Schema(this.fields, { schemaId, identifierFieldIds, unknownFields })
  }

  /**
   * The field at a path, at any depth; undefined when there is none.
   *
   * @throws FloeError `INVALID` when case is ignored and two paths differ in nothing else.
   */
  findField(path: string, options: NameOptions = {}): NestedField | undefined {
    const id = this.#indexed().idOf(path, options.caseSensitive ?? true)
    return id === undefined ? undefined : this.#indexed().field(id)
  }

  /** The field at a path. Throws `NOT_FOUND`, with the columns there are, when there is none. */
  requireField(path: string, options: NameOptions = {}): NestedField {
    const field = this.findField(path, options)
    if (field === undefined) throw new FloeError('NOT_FOUND', `There is no column ${JSON.stringify(path)}; ${this.#listColumns()}`, { column: path })
    return field
  }

  /** The field of an id, at any depth; elements, keys and values are fields named so. */
  fieldById(id: number): NestedField | undefined {
    return this.#indexed().field(id)
  }

  /** The full path of a field: `points.element.x`. */
  pathOf(id: number): string | undefined {
    return this.#indexed().path(id)
  }

  /** The field that holds another: a struct, list or map. Undefined for columns of the table, and for unknown ids. */
  parentOf(id: number): NestedField | undefined {
    const parent = this.#indexed().parentId(id)
    return parent === undefined ? undefined : this.fieldById(parent)
  }

  /** The fields around a field, the nearest first. */
  ancestorsOf(id: number): NestedField[] {
    const ancestors: NestedField[] = []
    for (let parent = this.parentOf(id); parent !== undefined; parent = this.parentOf(parent.id)) ancestors.push(parent)
    return ancestors
  }

  /** Ids of all fields at all depths, each after its parent. */
  fieldIds(): IterableIterator<number> {
    return this.#indexed().ids()
  }

  /** The highest field id at any depth; 0 for no fields. */
  highestFieldId(): number {
    return this.#indexed().highestId
  }

  /** Paths of the identifier fields, in their order. */
  identifierPaths(): string[] {
    return this.identifierFieldIds.map((id) => this.pathOf(id) ?? String(id))
  }

  /**
   * The schema of some columns, in the order they have here. A path into a column selects that part of it; `*` selects all.
   * The result has no identifier fields. Throws `NOT_FOUND` for a path that is not there.
   */
  select(paths: readonly string[], options: NameOptions = {}): Schema {
    if (paths.includes('*')) return this
    return this.selectIds(paths.map((path) => this.requireField(path, options).id))
  }

  /** The schema of the fields with these ids, whole, with whatever encloses them. Ids that are not here are ignored. */
  selectIds(ids: Iterable<number>): Schema {
    return new Schema(pruneFields(this.fields, new Set(ids), 'whole'), { schemaId: this.schemaId })
  }

  /** The schema of exactly the fields with these ids: a struct whose id is given is empty but for its fields that are given too. */
  projectIds(ids: Iterable<number>): Schema {
    return new Schema(pruneFields(this.fields, new Set(ids), 'named-only'), { schemaId: this.schemaId })
  }

  /** Whether both have the same fields and identifier fields, whatever their schema ids. */
  sameAs(other: Schema): boolean {
    const ids = new Set(this.identifierFieldIds)
    const otherIds = new Set(other.identifierFieldIds)
    return fieldListsEqual(this.fields, other.fields) && ids.size === otherIds.size && [...ids].every((id) => otherIds.has(id))
  }

  #indexed(): SchemaIndex {
    return (this.#index ??= new SchemaIndex(this.fields))
  }

  #listColumns(): string {
    const shown = this.fields.slice(0, 20).map((field) => field.name)
    return shown.length === 0 ? 'the schema is empty' : `the columns are ${shown.join(', ')}${shown.length < this.fields.length ? ', …' : ''}`
  }
}
