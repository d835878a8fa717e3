import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { PartitionField, PartitionSpec, SortOrder } from './partition-spec.js'
import { buildSortOrder, identity } from './spec-builder.js'
import type { PartitionTerm, SortTerm } from './spec-builder.js'
import { checkEvolvedSpec, isEquivalentSpec, sameSourceTransform } from './spec-validation.js'
import { fieldTransform, parseTransform } from './transform.js'

/** What a spec's evolution reads of a table. */
export interface SpecEvolutionBase {
  readonly formatVersion: number
  readonly schema: Schema
  readonly specs: readonly PartitionSpec[]
  readonly defaultSpecId: number
  readonly lastPartitionId: number
}

/** One step of a spec's evolution, kept as data so that a commit can repeat it on a newer base. */
export type SpecChange =
  | { readonly action: 'add'; readonly term: PartitionTerm }
  | { readonly action: 'remove'; readonly field: string | PartitionTerm }
  | { readonly action: 'rename'; readonly name: string; readonly newName: string }

/** Collects changes to a partition spec; {@link evolvePartitionSpec} applies them. */
export class PartitionSpecUpdate {
  readonly changes: SpecChange[] = []

  /** Adds a field at the end. Default names carry the parameter: `id_bucket_16`, `s_trunc_10`. */
  addField(term: string | PartitionTerm): this {
    this.changes.push({ action: 'add', term: typeof term === 'string' ? identity(term) : term })
    return this
  }

  /** Removes a field, by its partition name or by its column and transform. */
  removeField(field: string | PartitionTerm): this {
    this.changes.push({ action: 'remove', field })
    return this
  }

  renameField(name: string, newName: string): this {
    this.changes.push({ action: 'rename', name, newName })
    return this
  }
}

/**
 * The spec that results from `changes` to the default spec. It has the id of an equivalent spec where the table has one, else
 * the next id. Fields that the table once had get their old ids; in v1 tables a removed field stays, as `void`.
 * Source: the reference's `BaseUpdatePartitionSpec`
 *
 * @throws FloeError `INVALID` for a change that names no field, adds one twice, or contradicts another change
 */
export function evolvePartitionSpec(base: SpecEvolutionBase, changes: readonly SpecChange[], caseSensitive = true): PartitionSpec {
  const evolution = new SpecEvolution(base, caseSensitive)
  for (const change of changes) {
    if (change.action === 'add') evolution.add(change.term)
    else if (change.action === 'remove') evolution.remove(change.field)
    else evolution.rename(change.name, change.newName)
  }
  const fields = evolution.fields()
  const spec = { specId: specIdFor({ specId: 0, fields }, base.specs), fields }
  checkEvolvedSpec(spec, base.schema)
  return spec
}

/** The id of the equivalent spec among `specs`, else one more than the highest. Spec: Partitioning */
export function specIdFor(spec: PartitionSpec, specs: readonly PartitionSpec[]): number {
  const equivalent = specs.find((other) => isEquivalentSpec(other, spec))
  return equivalent?.specId ?? specs.reduce((highest, other) => Math.max(highest, other.specId), -1) + 1
}

/** Whether two orders sort alike, whatever their ids. */
export function isEquivalentSortOrder(a: SortOrder, b: SortOrder): boolean {
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, index) => {
      const other = b.fields[index]!
      return (
        field.direction === other.direction &&
        field.nullOrder === other.nullOrder &&
        field.transform === other.transform &&
        field.sourceIds.join() === other.sourceIds.join()
      )
    })
  )
}

/** The id of the equivalent order among `orders`, else one more than the highest; 0 for the unsorted order. */
export function sortOrderIdFor(order: SortOrder, orders: readonly SortOrder[]): number {
  if (order.fields.length === 0) return 0
  const equivalent = orders.find((other) => isEquivalentSortOrder(other, order))
  return equivalent?.orderId ?? orders.reduce((highest, other) => Math.max(highest, other.orderId), 0) + 1
}

/** The order that replaces a table's: an equal one keeps its id. */
export function evolveSortOrder(
  base: { readonly schema: Schema; readonly sortOrders: readonly SortOrder[] },
  terms: readonly (string | SortTerm | PartitionTerm)[],
  caseSensitive = true,
): SortOrder {
  const order = buildSortOrder(terms, base.schema, { caseSensitive })
  return { ...order, orderId: sortOrderIdFor(order, base.sortOrders) }
}

class SpecEvolution {
  readonly #base: SpecEvolutionBase
  readonly #caseSensitive: boolean
  readonly #current: readonly PartitionField[]
  readonly #removedIds = new Set<number>()
  readonly #newNames = new Map<string, string>()
  readonly #added: PartitionField[] = []
  #lastPartitionId: number

  constructor(base: SpecEvolutionBase, caseSensitive: boolean) {
    const spec = base.specs.find((candidate) => candidate.specId === base.defaultSpecId)
    if (spec === undefined) throw new FloeError('CORRUPT', `The table has no partition spec with its default id ${base.defaultSpecId}`)
    const unknown = spec.fields.find((field) => fieldTransform(field).kind === 'unknown')
    if (unknown !== undefined) {
      throw new FloeError('UNSUPPORTED', `Cannot change a partition spec with the unknown transform ${unknown.transform} (field ${unknown.name})`)
    }
    this.#base = base
    this.#caseSensitive = caseSensitive
    this.#current = spec.fields
    this.#lastPartitionId = base.lastPartitionId
  }

  add(term: PartitionTerm): void {
    const wanted = this.#resolve(term)
    if (this.#added.some((field) => field.name === term.name)) throw invalid(`add ${print(term)}`, 'a field with this name was just added')
    const existing = this.#current.find((field) => sameSourceTransform(field, wanted))
    if (existing !== undefined) {
      if (!this.#removedIds.delete(existing.fieldId)) throw invalid(`add ${print(term)}`, `the field ${existing.name} is the same`)
      if (term.name !== undefined && term.name !== existing.name) this.rename(existing.name, term.name)
      return
    }
    if (this.#added.some((field) => sameSourceTransform(field, wanted))) throw invalid(`add ${print(term)}`, 'it was just added')
    const field = this.#recycledOrNew(wanted, term.name)
    const redundant = this.#added.find((other) => isTime(other) && isTime(field) && other.sourceIds[0] === field.sourceIds[0])
    if (redundant !== undefined) throw invalid(`add ${print(term)}`, `it is redundant beside ${redundant.name}`)
    this.#freeName(field.name, `add ${print(term)}`)
    this.#added.push(field)
  }

  remove(target: string | PartitionTerm): void {
    const matches = this.#matcher(target)
    const what = `remove ${typeof target === 'string' ? target : print(target)}`
    if (this.#added.some(matches)) throw invalid(what, 'the field was just added')
    const field = this.#current.find(matches)
    if (field === undefined) throw invalid(what, 'the partition spec has no such field')
    if (this.#newNames.has(field.name)) throw invalid(what, 'the field was just renamed')
    this.#removedIds.add(field.fieldId)
  }

  rename(name: string, newName: string): void {
    const holder = this.#current.find((field) => field.name === newName)
    if (holder?.transform === 'void') this.rename(holder.name, voidedName(holder))
    if (this.#added.some((field) => field.name === name)) throw invalid(`rename ${name}`, 'the field was just added')
    const field = this.#current.find((candidate) => candidate.name === name)
    if (field === undefined) throw invalid(`rename ${name}`, 'the partition spec has no such field')
    if (this.#removedIds.has(field.fieldId)) throw invalid(`rename ${name}`, 'the field was just removed')
    this.#newNames.set(name, newName)
  }

  fields(): readonly PartitionField[] {
    const kept: PartitionField[] = []
    for (const field of this.#current) {
      const named = { ...field, name: this.#newNames.get(field.name) ?? field.name }
      if (!this.#removedIds.has(field.fieldId)) kept.push(named)
      // Spec: Partitioning › Partition Evolution: v1 replaces a dropped field's transform with void.
      else if (this.#base.formatVersion < 2) kept.push({ ...named, transform: 'void' })
    }
    return [...kept, ...this.#added]
  }

  #resolve(term: PartitionTerm): PartitionField {
    const source = this.#base.schema.requireField(term.column, { caseSensitive: this.#caseSensitive })
    return { fieldId: -1, name: term.name ?? '', sourceIds: [source.id], transform: parseTransform(term.transform).text }
  }

  #matcher(target: string | PartitionTerm): (field: PartitionField) => boolean {
    if (typeof target === 'string') return (field) => field.name === target
    const wanted = this.#resolve(target)
    return (field) => sameSourceTransform(field, wanted)
  }

  /** Spec: Partitioning: partition field ids must be reused if an existing spec contains an equivalent field. */
  #recycledOrNew(wanted: PartitionField, name: string | undefined): PartitionField {
    if (this.#base.formatVersion >= 2) {
      const historical = this.#base.specs.toReversed().flatMap((spec) => spec.fields)
      const equivalent = historical.find((field) => sameSourceTransform(field, wanted) && (name === undefined || field.name === name))
      if (equivalent !== undefined) return equivalent
    }
    const column = this.#base.schema.pathOf(wanted.sourceIds[0]!) ?? ''
    return { ...wanted, fieldId: ++this.#lastPartitionId, name: name ?? defaultName(column, wanted.transform) }
  }

  /** Makes sure that no field of the current spec keeps `name`: dropped ones step aside. */
  #freeName(name: string, what: string): void {
    const holder = this.#current.find((field) => field.name === name)
    if (holder === undefined) return
    if (this.#removedIds.has(holder.fieldId)) this.#newNames.set(holder.name, voidedName(holder))
    else if (holder.transform === 'void') this.rename(holder.name, voidedName(holder))
    else throw invalid(what, `the partition spec has a field named ${name} already`)
  }
}

function voidedName(field: PartitionField): string {
  return `${field.name}_${field.fieldId}`
}

function isTime(field: PartitionField): boolean {
  return ['year', 'month', 'day', 'hour'].includes(field.transform)
}

/** Evolution names fields with their parameter, unlike a new table's spec. Source: the reference's `PartitionNameGenerator` */
function defaultName(column: string, text: string): string {
  const { kind, parameter } = parseTransform(text)
  switch (kind) {
    case 'identity':
      return column
    case 'bucket':
      return `${column}_bucket_${parameter}`
    case 'truncate':
      return `${column}_trunc_${parameter}`
    case 'void':
      return `${column}_null`
    default:
      return `${column}_${text}`
  }
}

function print(term: PartitionTerm): string {
  return `${term.transform}(${term.column})`
}

function invalid(what: string, reason: string): FloeError {
  return new FloeError('INVALID', `Cannot ${what} in the partition spec: ${reason}`)
}
