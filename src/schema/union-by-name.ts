import { FloeError } from '../util/errors.js'
import type { Schema } from './schema.js'
import { valuesEqual } from './type-equality.js'
import { printTypeName } from './type-name.js'
import { isPromotionAllowed, promoteValue } from './type-promotion.js'
import { childFields, isNested } from './type.js'
import type { NestedField, StructType, Type, Value } from './type.js'

/** What a union does to a schema. Paths are those of the existing schema. */
export interface UnionTarget {
  addField(parent: string | undefined, field: Omit<NestedField, 'id'>): unknown
  makeColumnOptional(path: string): unknown
  updateColumn(path: string, type: Type): unknown
  updateColumnDoc(path: string, doc: string): unknown
  setWriteDefault(path: string, value: Value): unknown
}

/** A version with every promotion: which of them the table has is the update's business. */
const ANY_VERSION = Number.MAX_SAFE_INTEGER

/**
 * Adds to `update` what makes `existing` the union with `other`: missing fields as optional ones, wider types, fields
 * that may be null, new comments and write defaults. Fields of `existing` that `other` lacks stay. Source: `UnionByNameVisitor`
 */
export function unionByName(update: UnionTarget, existing: Schema, other: Schema, caseSensitive: boolean): void {
  new Union(update, existing, caseSensitive).struct(other.asStruct(), existing.asStruct(), undefined)
}

class Union {
  constructor(
    private readonly update: UnionTarget,
    private readonly existing: Schema,
    private readonly caseSensitive: boolean,
  ) {}

  /** What is below comes first, so that ids are assigned in the reference's order. */
  struct(other: StructType, mine: StructType, parent: string | undefined): void {
    const partners = other.fields.map((field) => mine.fields.find((candidate) => this.sameName(candidate.name, field.name)))
    partners.forEach((partner, index) => {
      if (partner !== undefined) this.below(other.fields[index]!.type, partner)
    })
    partners.forEach((partner, index) => {
      if (partner === undefined) this.add(other.fields[index]!, parent)
      else this.field(other.fields[index]!, partner)
    })
  }

  private sameName(a: string, b: string): boolean {
    return this.caseSensitive ? a === b : a.toLowerCase() === b.toLowerCase()
  }

  private below(other: Type, mine: NestedField): void {
    if (!isNested(other) || !isNested(mine.type)) return
    if (other.kind !== mine.type.kind) throw this.cannotChange(mine, other)
    if (other.kind === 'struct') {
      this.struct(other, mine.type as StructType, this.existing.pathOf(mine.id))
      return
    }
    const partners = childFields(mine.type)
    childFields(other).forEach((child, index) => this.below(child.type, partners[index]!))
    childFields(other).forEach((child, index) => this.field(child, partners[index]!))
  }

  private add(field: NestedField, parent: string | undefined): void {
    const { id: _id, ...rest } = field
    this.update.addField(parent, { ...rest, required: false })
  }

  private field(other: NestedField, mine: NestedField): void {
    const path = this.existing.pathOf(mine.id)!
    if (!other.required && mine.required && !this.isMapKey(mine)) this.update.makeColumnOptional(path)
    const type = this.widerType(other.type, mine)
    if (type !== mine.type) this.update.updateColumn(path, type)
    if (other.doc !== undefined && other.doc !== mine.doc) this.update.updateColumnDoc(path, other.doc)
    const value = promoteValue(other.type, type, other.writeDefault ?? null) ?? null
    if (value !== null && !valuesEqual(value, mine.writeDefault)) this.update.setWriteDefault(path, value)
  }

  /** What is below nested types is not looked at; a type that promotes to the one there is fits into it. */
  private widerType(other: Type, mine: NestedField): Type {
    if (mine.type.kind === 'unknown') return other
    if (isPromotionAllowed(other, mine.type, ANY_VERSION)) return mine.type
    if (isNested(mine.type) !== isNested(other)) throw this.cannotChange(mine, other)
    return isNested(other) ? mine.type : other
  }

  private isMapKey(field: NestedField): boolean {
    const parent = this.existing.parentOf(field.id)
    return parent?.type.kind === 'map' && parent.type.keyId === field.id
  }

  private cannotChange(mine: NestedField, to: Type): FloeError {
    return new FloeError('INVALID', `Cannot change the type from ${printTypeName(mine.type)} to ${printTypeName(to)}`, {
      column: this.existing.pathOf(mine.id) ?? mine.name,
    })
  }
}
