/** Namespaces as folders of a warehouse, marked by a file where the store has no empty folders. */
import { mapParallel } from '../io/bounded-parallel.js'
import type { FileIO } from '../io/file-io.js'
import { asFolder, baseName, joinLocation, parentLocation } from '../io/location.js'
import { JsonObject, printJson } from '../util/json.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { parseMetadataFileName } from '../metadata/metadata-location.js'
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js'
import type { NamespaceChanges } from './catalog-backend.js'
import { printNamespace } from './table-identifier.js'
import { filesOf } from './version-search.js'

/** Hidden from other engines by its dot. */
const MARKER_NAME = '.namespace'
const PARALLEL = 8

export class NamespaceFolders {
  readonly #io: FileIO
  readonly #warehouse: string
  readonly #isDropped: (names: readonly string[]) => Promise<boolean>

  /** `isDropped` tells of a folder with table metadata whether a drop has left it. */
  constructor(io: FileIO, warehouse: string, isDropped: (names: readonly string[]) => Promise<boolean>) {
    this.#io = io
    this.#warehouse = warehouse
    this.#isDropped = isDropped
  }

  /** The folder of a namespace or of a table in it. */
  folderOf(names: readonly string[]): string {
    return joinLocation(this.#warehouse, ...names)
  }

  /** Namespaces directly below `parent`. */
  async list(parent: readonly string[]): Promise<readonly (readonly string[])[]> {
    const names = await this.childNames(parent)
    const isNamespace = await mapParallel(names, PARALLEL, (name) => this.#isNamespaceFolder([...parent, name]))
    return names.filter((_, i) => isNamespace[i] === true).map((name) => [...parent, name])
  }

  /** Names of the folders directly below a namespace, tables included; hidden ones are left out. */
  async childNames(namespace: readonly string[]): Promise<readonly string[]> {
    const names = await childFolders(this.#io, this.folderOf(namespace))
    return names.filter((name) => !name.startsWith('.'))
  }

  async exists(namespace: readonly string[]): Promise<boolean> {
    if (namespace.length === 0) return true
    const folder = this.folderOf(namespace)
    if (await this.#isMarked(namespace)) return true
    const siblings = await childFolders(this.#io, parentLocation(folder)!)
    return siblings.includes(baseName(folder)) && (await this.#isNamespaceFolder(namespace))
  }

  /** Throws `ALREADY_EXISTS`. */
  async create(namespace: readonly string[], properties: ReadonlyMap<string, string>): Promise<void> {
    if ((await this.exists(namespace)) || (await this.isTable(namespace))) throw alreadyExists(namespace)
    await this.checkAncestors(namespace)
    try {
      await this.#writeMarker(namespace, properties)
    } catch (error) {
      throw isFloeError(error, 'ALREADY_EXISTS') ? alreadyExists(namespace) : error
    }
  }

  /** Lets the namespace of a new table outlive the table, in every store alike. Failures are of no consequence. */
  async ensure(namespace: readonly string[]): Promise<void> {
    if (namespace.length > 0) await this.#writeMarker(namespace, new Map()).catch(() => undefined)
  }

  /** Properties of a namespace; none where it is nothing but a folder. Throws `NOT_FOUND`. */
  async properties(namespace: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (!(await this.exists(namespace))) throw namespaceNotFound(namespace)
    const location = this.#markerOf(namespace)
    try {
      const marker = JsonObject.parse(decodeUtf8(await this.#io.read(location)), { source: location })
      return marker.optionalStringMap('properties') ?? new Map()
    } catch (error) {
      if (isFloeError(error, 'NOT_FOUND')) return new Map()
      throw error
    }
  }

  /** Throws `NOT_FOUND`. Of two updates at the same time, the later one may undo the other. */
  async update(namespace: readonly string[], changes: NamespaceChanges): Promise<void> {
    const properties = changeProperties(await this.properties(namespace), changes)
    await this.#io.write(this.#markerOf(namespace), printMarker(properties))
  }

  /** Throws `NOT_FOUND`, or `INVALID` when it is not empty. */
  async drop(namespace: readonly string[]): Promise<void> {
    if (namespace.length === 0) throw new FloeError('INVALID', 'The root namespace cannot be dropped')
    const folder = this.folderOf(namespace)
    if (!(await this.exists(namespace))) throw namespaceNotFound(namespace)
    const marker = joinLocation(folder, MARKER_NAME)
    const names = await childFolders(this.#io, folder)
    const isInUse = await mapParallel(names, PARALLEL, (name) => this.#holdsSomething([...namespace, name]))
    const folders = names.filter((_, i) => isInUse[i] === true)
    const files: string[] = []
    for await (const status of filesOf(this.#io, folder)) if (status.location !== marker) files.push(baseName(status.location))
    if (folders.length > 0 || files.length > 0) {
      const content = [...folders, ...files].slice(0, 5).join(', ')
      throw new FloeError('INVALID', `The namespace ${printNamespace(namespace)} is not empty: it holds ${content}; drop that first`)
    }
    await this.#io.delete([marker])
    await this.#io.delete([asFolder(folder)])
  }

  /** Throws `INVALID` when one of the enclosing folders is a table's: a purge of that one would take this one along. */
  async checkAncestors(names: readonly string[]): Promise<void> {
    for (let depth = 1; depth < names.length; depth++) {
      const ancestor = names.slice(0, depth)
      if (!(await this.isTable(ancestor))) continue
      throw new FloeError('INVALID', `${printNamespace(ancestor)} is a table, so nothing can be created in it`)
    }
  }

  /** Throws `ALREADY_EXISTS` when a table at `names` would enclose a namespace, or tables. */
  async checkNotNamespace(names: readonly string[]): Promise<void> {
    const folder = this.folderOf(names)
    const marked = (await this.#io.head(joinLocation(folder, MARKER_NAME))) !== undefined
    const children = marked ? [] : await this.childNames(names)
    const holdsTable = await mapParallel(children, PARALLEL, (name) => this.isTable([...names, name]))
    if (marked || holdsTable.includes(true)) throw alreadyExists(names)
  }

  #isMarked(namespace: readonly string[]): Promise<boolean> {
    return this.#io.head(this.#markerOf(namespace)).then((status) => status !== undefined)
  }

  /**
   * Whether a folder is a namespace: marked, or empty as other engines make them on disks, or around tables or namespaces. What
   * dropped tables and failed writers have left makes none.
   */
  async #isNamespaceFolder(names: readonly string[]): Promise<boolean> {
    if (await this.#isMarked(names)) return true
    if (await this.isTable(names)) return false
    const children = await childFolders(this.#io, this.folderOf(names))
    for (const name of children) if (!name.startsWith('.') && (await this.#holdsSomething([...names, name]))) return true
    if (children.length > 0) return false
    for await (const _ of filesOf(this.#io, this.folderOf(names))) return false
    return true
  }

  /** Whether a folder is a table or a namespace. */
  async #holdsSomething(names: readonly string[]): Promise<boolean> {
    if (await this.isTable(names)) return !(await this.#isDropped(names))
    return this.#isNamespaceFolder(names)
  }

  async #writeMarker(namespace: readonly string[], properties: ReadonlyMap<string, string>): Promise<void> {
    await this.#io.write(this.#markerOf(namespace), printMarker(properties), { ifNoneMatch: '*' })
  }

  #markerOf(namespace: readonly string[]): string {
    return joinLocation(this.folderOf(namespace), MARKER_NAME)
  }

  /** A folder with table metadata of any naming is a table, or what a drop has left of one. */
  async isTable(names: readonly string[]): Promise<boolean> {
    for await (const status of filesOf(this.#io, joinLocation(this.folderOf(names), 'metadata'))) {
      if (parseMetadataFileName(status.location) !== undefined) return true
    }
    return false
  }
}

function printMarker(properties: ReadonlyMap<string, string>): Uint8Array {
  return encodeUtf8(printJson(new Map([['properties', new Map(properties)]])))
}

/** `properties` with the changes made. */
export function changeProperties(properties: ReadonlyMap<string, string>, changes: NamespaceChanges): ReadonlyMap<string, string> {
  const changed = new Map([...properties, ...changes.updates])
  for (const name of changes.removals) changed.delete(name)
  return changed
}

/** The typed form of a missing namespace. */
export function namespaceNotFound(namespace: readonly string[]): FloeError {
  return new FloeError('NOT_FOUND', `There is no namespace ${printNamespace(namespace)}`)
}

function alreadyExists(namespace: readonly string[]): FloeError {
  return new FloeError('ALREADY_EXISTS', `The namespace ${printNamespace(namespace)} exists already`)
}

async function childFolders(io: FileIO, folder: string): Promise<readonly string[]> {
  const names = new Set<string>()
  if (io.listFolder === undefined) {
    const start = asFolder(folder).length
    for await (const { location } of io.list(folder)) {
      const slash = location.indexOf('/', start)
      if (slash !== -1) names.add(location.slice(start, slash))
    }
  } else {
    for await (const entry of io.listFolder(folder)) if (entry.status === undefined) names.add(baseName(entry.location))
  }
  return [...names].sort()
}
