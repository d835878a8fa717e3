import { FloeError } from '../util/errors.js'
import { applySchemaChanges, TABLE_ROOT_ID } from './apply-schema-changes.js'
import type { Move } from './apply-schema-changes.js'
import { assignFreshIds } from './fresh-ids.js'
import type { LiteralInput } from './literal.js'
import { ColumnSpec } from './schema-builder.js'
import { checkTypeDepth } from './schema-index.js'
import { checkFormatVersion, validateSchema } from './schema-validation.js'
import { Schema } from './schema.js'
import { typesEqual, valuesEqual } from './type-equality.js'
import { printTypeName } from './type-name.js'
import { changesPartitionValues, isPromotionAllowed, promoteValue } from './type-promotion.js'
import { childFields } from './type.js'
import type { NestedField, Type, Value } from './type.js'
import { unionByName } from './union-by-name.js'

export interface SchemaUpdateOptions {
  /** The table's `last-column-id`: new ids follow it, so that none is ever used twice. */
  readonly lastColumnId: number
  readonly formatVersion: number
  /** Ids of the columns that the table's current partition spec (or sort order) derives values from: they must stay, with their values. */
  readonly partitionSourceIds?: ReadonlySet<number> | undefined
}

export interface AddColumnOptions {
  /** Path of the struct to add to, or of a list or map of structs. Default: the table. */
  readonly parent?: string | undefined
  readonly doc?: string | undefined
  /** Default false. A required column needs a default, for the rows there are. */
  readonly required?: boolean | undefined
  /** For the rows there are, and for rows that leave the column out. `{}` for a struct: the defaults of its fields. */
  readonly default?: LiteralInput | null | undefined
}

/** The outcome of a {@link SchemaUpdate}, and what follows from it for name mappings and column properties. */
export interface SchemaChanges {
  /** With the id of the schema it came from; the table gives it its own. */
  readonly schema: Schema
  /** The highest id ever assigned. */
  readonly lastColumnId: number
  /** Paths of all fields that are gone, in the old schema. */
  readonly deletedPaths: readonly string[]
  /** Old path to new path, of all fields whose path changed. */
  readonly renamedPaths: ReadonlyMap<string, string>
  /** Changed and added fields by id. */
  readonly updates: ReadonlyMap<number, NestedField>
  /** Ids of added fields by the id of the struct they were added to, −1 for the table. */
  readonly adds: ReadonlyMap<number, readonly number[]>
}

/**
 * Collects changes to a table's schema and applies them at once. Columns are named by their paths in the schema as it
 * was, so a column that is renamed keeps its old name here; added ones are named by their new path.
 *
 * Every method answers the builder itself, and throws `INVALID` for a change that would break readers of existing
 * files, `NOT_FOUND` for a column that is not there, `ALREADY_EXISTS` for one that is. Source: `SchemaUpdate`
 */
// Spec: Schema Evolution
export class SchemaUpdate {
  readonly #schema: Schema
  readonly #options: SchemaUpdateOptions
  readonly #deletes = new Set<number>()
  readonly #updates = new Map<number, NestedField>()
  readonly #adds = new Map<number, number[]>()
  readonly #addedIds = new Map<string, number>()
  readonly #parents = new Map<number, number>()
  readonly #moves = new Map<number, Move[]>()
  #lastColumnId: number
  #caseSensitive = true
  #allowIncompatible = false
  #identifierPaths: readonly string[] | undefined

  constructor(schema: Schema, options: SchemaUpdateOptions) {
    this.#schema = schema
    this.#options = options
    this.#lastColumnId = Math.max(options.lastColumnId, schema.highestFieldId())
  }

  /** Whether names of columns must match in case. Default true. */
  caseSensitive(value: boolean): this {
    this.#caseSensitive = value
    return this
  }

  /** Allows required columns without a default, and optional columns to become required: reading older rows may then fail. */
  allowIncompatibleChanges(): this {
    this.#allowIncompatible = true
    return this
  }

  /** Adds a column at the end of the table or of a struct. `t.string.required.default('x').doc('…')` says all that `options` can. */
  addColumn(name: string, column: ColumnSpec | Type, options: AddColumnOptions = {}): this {
    if (name.includes('.') && options.parent === undefined) {
      throw new FloeError('INVALID', `Say where ${name} belongs: its last part is the name, the others are the parent option`, { column: name })
    }
    const given = column instanceof ColumnSpec ? column : new ColumnSpec(column)
    checkTypeDepth(given.type)
    const spec = new ColumnSpec(withInitialDefaults(given.type), given.options)
    const required = options.required ?? spec.options.required
    const value = options.default === undefined ? spec.options.default : spec.default(options.default).options.default
    const doc = options.doc ?? spec.options.doc
    return this.#add(options.parent, { name, type: spec.type, required, doc, initialDefault: value, writeDefault: value })
  }

  /** Deletes a column with all that it holds. */
  deleteColumn(path: string): this {
    const field = this.#existing(path, 'delete')
    if (this.#adds.has(field.id)) throw new FloeError('INVALID', 'Cannot delete a column that has additions', { column: path })
    if (this.#updates.has(field.id)) throw new FloeError('INVALID', 'Cannot delete a column that has updates', { column: path })
    this.#deletes.add(field.id)
    return this
  }

  /** Gives a column another name in its struct; `newName` is not a path. */
  renameColumn(path: string, newName: string): this {
    const field = this.#existing(path, 'rename')
    this.#refuseUnnamed(field, path)
    return this.#update({ ...(this.#updates.get(field.id) ?? field), name: newName })
  }

  /**
   * Promotes the type of a column: int to long, float to double, decimals to more digits; from format version 3 also date to
   * timestamp and timestamp_ns, and unknown to any type.
   */
  updateColumn(path: string, type: ColumnSpec | Type): this {
    const field = this.#pending(path, 'update')
    const to = type instanceof ColumnSpec ? type.type : type
    if (typesEqual(field.type, to)) return this
    if (!isPromotionAllowed(field.type, to, this.#options.formatVersion)) {
      throw new FloeError('INVALID', `Cannot change the type from ${printTypeName(field.type)} to ${printTypeName(to)}`, { column: path })
    }
    if (this.#options.partitionSourceIds?.has(field.id) === true && changesPartitionValues(field.type, to)) {
      throw new FloeError('INVALID', `Cannot change the type to ${to.kind}: the table is partitioned by the column`, { column: path })
    }
    return this.#update(
      withoutUndefined({
        ...field,
        type: assignFreshIds(to, () => ++this.#lastColumnId),
        initialDefault: this.#promoteDefault(field, to, field.initialDefault),
        writeDefault: this.#promoteDefault(field, to, field.writeDefault),
      }),
    )
  }

  /** Sets the comment of a column; undefined takes it away. */
  updateColumnDoc(path: string, doc: string | undefined): this {
    const field = this.#pending(path, 'update')
    if (field.doc === doc) return this
    this.#refuseUnnamed(field, path)
    return this.#update(withoutUndefined({ ...field, doc }))
  }

  /** Sets the default for rows still to be written; null takes it away. What older rows show does not change. */
  updateColumnDefault(path: string, value: LiteralInput | null): this {
    const field = this.#pending(path, 'update')
    return this.#setWriteDefault(path, value === null ? undefined : new ColumnSpec(field.type).default(value).options.default)
  }

  makeColumnOptional(path: string): this {
    const field = this.#pending(path, 'update')
    return field.required ? this.#update({ ...field, required: false }) : this
  }

  /** Allowed for a column that is being added with a default; else only after {@link allowIncompatibleChanges}. */
  requireColumn(path: string): this {
    const field = this.#pending(path, 'update')
    if (field.required) return this
    const hasValue = this.#isAdded(field.id) && (field.initialDefault ?? null) !== null
    if (!hasValue && !this.#allowIncompatible) throw new FloeError('INVALID', 'Cannot make an optional column required: there may be nulls', { column: path })
    return this.#update({ ...field, required: true })
  }

  /** Moves a column to the front of its struct. */
  moveFirst(path: string): this {
    return this.#move({ id: this.#idForMove(path), to: 'first' }, path)
  }

  moveBefore(path: string, before: string): this {
    return this.#move({ id: this.#idForMove(path), to: 'before', reference: this.#idForMove(before) }, path)
  }

  moveAfter(path: string, after: string): this {
    return this.#move({ id: this.#idForMove(path), to: 'after', reference: this.#idForMove(after) }, path)
  }

  /** Sets the columns that identify a row, by their paths in the schema that results. */
  setIdentifierFields(paths: readonly string[]): this {
    this.#identifierPaths = [...paths]
    return this
  }

  /** Adds the columns of another schema that are missing here by name, as optional ones, and widens those of narrower types. */
  unionByNameWith(other: Schema): this {
    checkTypeDepth(other.asStruct(), 0)
    const target = {
      addField: (parent: string | undefined, field: Omit<NestedField, 'id'>): unknown => this.#add(parent, field),
      makeColumnOptional: (path: string): unknown => this.makeColumnOptional(path),
      updateColumn: (path: string, type: Type): unknown => this.updateColumn(path, type),
      updateColumnDoc: (path: string, doc: string): unknown => this.updateColumnDoc(path, doc),
      setWriteDefault: (path: string, value: Value): unknown => this.#setWriteDefault(path, value),
    }
    unionByName(target, this.#schema, other, this.#caseSensitive)
    return this
  }

  /** The schema with all changes applied. Throws `INVALID` when it breaks a rule for schemas. */
  apply(): Schema {
    return this.changes().schema
  }

  /** As {@link apply}, with what else changes in the table. */
  changes(): SchemaChanges {
    this.#refuseDeletedIdentifiers()
    this.#refuseDeletedSources()
    const fields = applySchemaChanges(this.#schema.fields, {
      deletes: this.#deletes, updates: this.#updates, adds: this.#adds, moves: this.#moves,
    })
    const { schemaId, unknownFields } = this.#schema
    const options = { schemaId, unknownFields, identifierFieldIds: this.#identifierIds(new Schema(fields)) }
    const schema = new Schema(fields, options)
    validateSchema(schema)
    checkFormatVersion(schema, this.#options.formatVersion)
    return { schema, lastColumnId: this.#lastColumnId, updates: this.#updates, adds: this.#adds, ...this.#changedPaths(schema) }
  }

  #add(parentPath: string | undefined, column: Omit<NestedField, 'id'>): this {
    const parent = parentPath === undefined ? undefined : this.#structToAddTo(parentPath)
    const given = parentPath === undefined ? column.name : `${parentPath}.${column.name}`
    const path = parent === undefined ? column.name : `${this.#schema.pathOf(parent.id)}.${column.name}`
    const existing = this.#find(given)
    if ((existing !== undefined && !this.#deletes.has(existing.id)) || this.#addedIds.has(this.#key(path))) {
      throw new FloeError('ALREADY_EXISTS', 'Cannot add a column whose name is taken', { column: given })
    }
    if (column.required && (column.initialDefault ?? null) === null && !this.#allowIncompatible) {
      throw new FloeError('INVALID', 'Cannot add a required column without a default: there are rows without it', { column: given })
    }
    this.#refuseEarlyDefault(column.writeDefault, given)
    const id = ++this.#lastColumnId
    this.#updates.set(id, withoutUndefined({ id, ...column, type: assignFreshIds(column.type, () => ++this.#lastColumnId) }))
    this.#addedIds.set(this.#key(path), id).set(this.#key(given), id)
    const parentId = parent?.id ?? TABLE_ROOT_ID
    this.#adds.set(parentId, [...(this.#adds.get(parentId) ?? []), id])
    this.#parents.set(id, parentId)
    return this
  }

  /** The struct of a path; of a list its element, of a map its value. */
  #structToAddTo(path: string): NestedField {
    const field = this.#existing(path, 'add to')
    const children = childFields(field.type)
    const struct = field.type.kind === 'list' ? children[0]! : field.type.kind === 'map' ? children[1]! : field
    if (struct.type.kind === 'struct') return struct
    throw new FloeError('INVALID', `Cannot add a column to a ${printTypeName(struct.type)}`, { column: path })
  }

  #find(path: string): NestedField | undefined {
    return this.#schema.findField(path, { caseSensitive: this.#caseSensitive })
  }

  #key(path: string): string {
    return this.#caseSensitive ? path : path.toLowerCase()
  }

  #isAdded(id: number): boolean {
    return this.#parents.has(id)
  }

  /** A column of the schema as it was. */
  #existing(path: string, verb: string): NestedField {
    const field = this.#find(path)
    if (field === undefined) throw new FloeError('NOT_FOUND', `Cannot ${verb} a column that is not there`, { column: path })
    if (verb !== 'delete') this.#refuseDeleted(field, path, verb)
    return field
  }

  /** A column as it is after the changes so far, added ones included. */
  #pending(path: string, verb: string): NestedField {
    const field = this.#find(path)
    const id = field === undefined || this.#deletes.has(field.id) ? this.#addedIds.get(this.#key(path)) : field.id
    if (id !== undefined) return this.#updates.get(id) ?? field!
    return this.#existing(path, verb)
  }

  #refuseDeleted(field: NestedField, path: string, verb: string): void {
    if (this.#deletes.has(field.id)) throw new FloeError('INVALID', `Cannot ${verb} a column that will be deleted`, { column: path })
  }

  /** Elements, keys and values have a type and may be null, and nothing else. */
  #refuseUnnamed(field: NestedField, path: string): void {
    const parent = this.#schema.parentOf(field.id)
    if (parent !== undefined && parent.type.kind !== 'struct') {
      throw new FloeError('INVALID', `The ${field.name} of a ${parent.type.kind} has no name, comment or default of its own`, { column: path })
    }
  }

  #update(field: NestedField): this {
    this.#updates.set(field.id, field)
    return this
  }

  #setWriteDefault(path: string, writeDefault: Value | undefined): this {
    const field = this.#pending(path, 'update')
    if (valuesEqual(field.writeDefault, writeDefault)) return this
    this.#refuseUnnamed(field, path)
    this.#refuseEarlyDefault(writeDefault, path)
    return this.#update(withoutUndefined({ ...field, writeDefault }))
  }

  /** Readers before version 3 ignore defaults. */
  #refuseEarlyDefault(value: Value | undefined, path: string): void {
    if ((value ?? null) === null || this.#options.formatVersion >= 3) return
    throw new FloeError('INVALID', 'A default needs a table of format version 3', { column: path })
  }

  #promoteDefault(field: NestedField, to: Type, value: Value | undefined): Value | undefined {
    if (value === undefined || value === null) return undefined
    const promoted = promoteValue(field.type, to, value)
    if (promoted === undefined) throw new FloeError('INVALID', `The default is out of the range of ${to.kind}`, { column: field.name })
    return promoted
  }

  #idForMove(path: string): number {
    return this.#addedIds.get(this.#key(path)) ?? this.#existing(path, 'move').id
  }

  #parentIdOf(id: number): number {
    return this.#parents.get(id) ?? this.#schema.parentOf(id)?.id ?? TABLE_ROOT_ID
  }

  #move(move: Move, path: string): this {
    const parentId = this.#parentIdOf(move.id)
    const parent = this.#schema.fieldById(parentId)
    if (parent !== undefined && parent.type.kind !== 'struct') {
      throw new FloeError('INVALID', `Cannot move fields of a ${parent.type.kind}`, { column: path })
    }
    if (move.to !== 'first') {
      if (move.reference === move.id) throw new FloeError('INVALID', `Cannot move a column ${move.to} itself`, { column: path })
      if (this.#parentIdOf(move.reference) !== parentId) throw new FloeError('INVALID', 'Cannot move a column to another struct', { column: path })
    }
    this.#moves.set(parentId, [...(this.#moves.get(parentId) ?? []), move])
    return this
  }

  #identifierIds(result: Schema): readonly number[] {
    if (this.#identifierPaths === undefined) return this.#schema.identifierFieldIds
    return this.#identifierPaths.map((path) => result.requireField(path, { caseSensitive: this.#caseSensitive }).id)
  }

  #refuseDeletedIdentifiers(): void {
    if (this.#identifierPaths !== undefined) return
    for (const id of this.#schema.identifierFieldIds) {
      if (!this.#isDeletedWithParents(id)) continue
      throw new FloeError('INVALID', 'Cannot delete an identifier field; set other identifier fields first', { column: this.#schema.pathOf(id) ?? String(id) })
    }
  }

  #refuseDeletedSources(): void {
    for (const id of this.#options.partitionSourceIds ?? []) {
      if (!this.#isDeletedWithParents(id)) continue
      throw new FloeError('INVALID', 'Cannot delete a column that the table is partitioned or sorted by; change that first', {
        column: this.#schema.pathOf(id) ?? String(id),
      })
    }
  }

  #isDeletedWithParents(id: number): boolean {
    return this.#deletes.has(id) || this.#schema.ancestorsOf(id).some((ancestor) => this.#deletes.has(ancestor.id))
  }

  #changedPaths(result: Schema): Pick<SchemaChanges, 'deletedPaths' | 'renamedPaths'> {
    const deletedPaths: string[] = []
    const renamedPaths = new Map<string, string>()
    for (const id of this.#schema.fieldIds()) {
      const before = this.#schema.pathOf(id)!
      const after = result.pathOf(id)
      if (after === undefined) deletedPaths.push(before)
      else if (after !== before) renamedPaths.set(before, after)
    }
    return { deletedPaths, renamedPaths }
  }
}

/** Fields inside of an added column show their default in older rows too. */
function withInitialDefaults(type: Type): Type {
  if (type.kind === 'list') return { ...type, element: withInitialDefaults(type.element) }
  if (type.kind === 'map') return { ...type, value: withInitialDefaults(type.value) }
  if (type.kind !== 'struct') return type
  return {
    ...type,
    fields: type.fields.map((field) =>
      withoutUndefined({ ...field, type: withInitialDefaults(field.type), initialDefault: field.initialDefault ?? field.writeDefault }),
    ),
  }
}

/** Optional members that are not there rather than undefined, so that schemas compare as they look. */
function withoutUndefined(field: NestedField): NestedField {
  return Object.fromEntries(Object.entries(field).filter(([, value]) => value !== undefined)) as unknown as NestedField
}
