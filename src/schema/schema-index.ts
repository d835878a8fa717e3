import { FloeError } from '../util/errors.js'
import { childFields } from './type.js'
import type { NestedField, Type } from './type.js'

/** Deepest nesting of types; deeper ones are refused wherever types are walked. */
export const MAX_TYPE_DEPTH = 100

/** Ids, paths and parents of all fields below a list of fields. Source: `IndexByName`, `IndexById`, `IndexParents` */
export class SchemaIndex {
  readonly highestId: number
  readonly #fields = new Map<number, NestedField>()
  readonly #paths = new Map<number, string>()
  readonly #parents = new Map<number, number>()
  readonly #ids = new Map<string, number>()
  readonly #shortIds = new Map<string, number>()
  #lowerCaseIds: Map<string, number | typeof AMBIGUOUS> | undefined

  /** Throws `INVALID` when two fields have one id, and when types nest too deep. */
  constructor(fields: readonly NestedField[]) {
    for (const field of fields) this.#add(field, { parent: undefined, prefix: '', shortPrefix: '', depth: 1 })
    let highest = 0
    for (const id of this.#fields.keys()) highest = Math.max(highest, id)
    this.highestId = highest
  }

  field(id: number): NestedField | undefined {
    return this.#fields.get(id)
  }

  path(id: number): string | undefined {
    return this.#paths.get(id)
  }

  parentId(id: number): number | undefined {
    return this.#parents.get(id)
  }

  ids(): IterableIterator<number> {
    return this.#fields.keys()
  }

  idOf(path: string, caseSensitive: boolean): number | undefined {
    if (caseSensitive) return this.#ids.get(path) ?? this.#shortIds.get(path)
    const id = (this.#lowerCaseIds ??= this.#lowerCase()).get(path.toLowerCase())
    if (id === AMBIGUOUS) throw new FloeError('INVALID', 'Several columns differ in case only; name the column exactly', { column: path })
    return id
  }

  #add(field: NestedField, at: Place): void {
    if (this.#fields.has(field.id)) {
      throw new FloeError('INVALID', `Fields ${this.#paths.get(field.id)} and ${at.prefix}${field.name} have the same id ${field.id}`)
    }
    if (at.depth > MAX_TYPE_DEPTH) throw tooDeep()
    const path = at.prefix + field.name
    const shortPath = at.shortPrefix + field.name
    this.#fields.set(field.id, field)
    this.#paths.set(field.id, path)
    if (at.parent !== undefined) this.#parents.set(field.id, at.parent.id)
    // A name may hold dots: of two fields with one path, the one that is less deep has it.
    const same = this.#ids.get(path)
    if (same === undefined || this.#depthOf(same) > at.depth) this.#ids.set(path, field.id)
    if (shortPath !== path && !this.#shortIds.has(shortPath)) this.#shortIds.set(shortPath, field.id)
    const children = childFields(field.type)
    if (children.length === 0) return
    const shortPrefix = isTransparent(field, at.parent) ? at.shortPrefix : `${shortPath}.`
    const below: Place = { parent: field, prefix: `${path}.`, shortPrefix, depth: at.depth + 1 }
    for (const child of children) this.#add(child, below)
  }

  #depthOf(id: number): number {
    let depth = 1
    for (let parent = this.#parents.get(id); parent !== undefined; parent = this.#parents.get(parent)) depth++
    return depth
  }

  #lowerCase(): Map<string, number | typeof AMBIGUOUS> {
    const lower = new Map<string, number | typeof AMBIGUOUS>()
    const add = (path: string, id: number): void => {
      const name = path.toLowerCase()
      const existing = lower.get(name)
      lower.set(name, existing === undefined || existing === id ? id : AMBIGUOUS)
    }
    for (const [path, id] of this.#ids) add(path, id)
    for (const [path, id] of this.#shortIds) if (!this.#ids.has(path)) add(path, id)
    return lower
  }
}

const AMBIGUOUS = Symbol('ambiguous')

interface Place {
  readonly parent: NestedField | undefined
  readonly prefix: string
  readonly shortPrefix: string
  readonly depth: number
}

/** Whether short paths leave the field out: a struct that is the element of a list or the value of a map. */
function isTransparent(field: NestedField, parent: NestedField | undefined): boolean {
  if (field.type.kind !== 'struct' || parent === undefined) return false
  return parent.type.kind === 'list' || (parent.type.kind === 'map' && field.id === parent.type.valueId)
}

/** Throws `INVALID` for a type that nests deeper than {@link MAX_TYPE_DEPTH}. Does not recurse deeper than that. */
export function checkTypeDepth(type: Type, depth = 1): void {
  if (depth > MAX_TYPE_DEPTH) throw tooDeep()
  for (const child of childFields(type)) checkTypeDepth(child.type, depth + 1)
}

function tooDeep(): FloeError {
  return new FloeError('INVALID', `The schema nests deeper than ${MAX_TYPE_DEPTH} levels`)
}
