import type { FileIO } from '../io/file-io.js'
import { joinLocation } from '../io/location.js'
import { makeMetadataFileName } from '../metadata/metadata-location.js'
import { applyViewUpdates, checkViewRequirements } from '../metadata/view/apply-view-updates.js'
import { parseViewMetadata, printViewMetadata } from '../metadata/view/view-metadata-json.js'
import type { ViewMetadata } from '../metadata/view/view-metadata.js'
import { newViewUpdates } from '../metadata/view/new-view.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { compareUtf8, encodeUtf8 } from '../util/utf8.js'
import type { LoadedView, TableIdentifier, ViewBackend, ViewCommit, ViewCreation } from './catalog-backend.js'
import { checkIdentifier, printNamespace, printTableIdentifier } from './table-identifier.js'

export interface MemoryViewsOptions {
  readonly io: FileIO
  readonly runtime: Runtime
  /** Where a view of that name lies unless it is told. */
  readonly folderOf: (identifier: TableIdentifier) => string
  /** Throws `NOT_FOUND`. */
  readonly checkNamespace: (namespace: readonly string[]) => void
  /** Throws `ALREADY_EXISTS` for the name of a table or namespace. */
  readonly checkFree: (identifier: TableIdentifier) => void
}

interface Pointer extends LoadedView {
  readonly version: number
}

/** The views of a catalog in this process. */
export class MemoryViews implements ViewBackend {
  readonly #options: MemoryViewsOptions
  readonly #views = new Map<string, Pointer>()

  constructor(options: MemoryViewsOptions) {
    this.#options = options
  }

  /** Whether a view has the name. */
  has(identifier: TableIdentifier): boolean {
    return this.#views.has(printTableIdentifier(identifier))
  }

  /** The names of all views. */
  identifiers(): readonly TableIdentifier[] {
    return [...this.#views.values()].map(({ identifier }) => identifier)
  }

  async listViews(namespace: readonly string[]): Promise<readonly TableIdentifier[]> {
    this.#options.checkNamespace(namespace)
    const text = printNamespace(namespace)
    const found = this.identifiers().filter((identifier) => printNamespace(identifier.namespace) === text)
    return found.sort((a, b) => compareUtf8(a.name, b.name))
  }

  async viewExists(identifier: TableIdentifier): Promise<boolean> {
    return this.has(checkIdentifier(identifier))
  }

  async loadView(identifier: TableIdentifier): Promise<LoadedView> {
    return this.#pointer(identifier)
  }

  async createView(identifier: TableIdentifier, creation: ViewCreation): Promise<LoadedView> {
    const location = creation.location ?? this.#options.folderOf(checkIdentifier(identifier))
    const { runtime } = this.#options
    const updates = newViewUpdates({ ...creation, location })
    return this.#add(identifier, applyViewUpdates(undefined, updates, { now: runtime.now(), newViewUuid: runtime.uuid() }))
  }

  async commitView({ identifier, requirements, updates }: ViewCommit): Promise<LoadedView> {
    const base = this.#pointer(identifier)
    checkViewRequirements(base.metadata, requirements)
    const { runtime } = this.#options
    const metadata = applyViewUpdates(base.metadata, updates, { now: runtime.now(), newViewUuid: runtime.uuid() })
    const next = await this.#write(identifier, base.version + 1, metadata)
    const key = printTableIdentifier(identifier)
    if (this.#views.get(key) !== base) throw new FloeError('CONFLICT', 'Another commit was faster; nothing was committed')
    this.#views.set(key, next)
    return next
  }

  async dropView(identifier: TableIdentifier): Promise<void> {
    this.#pointer(identifier)
    this.#views.delete(printTableIdentifier(identifier))
  }

  async renameView(from: TableIdentifier, to: TableIdentifier): Promise<void> {
    const pointer = this.#pointer(from)
    this.#checkFree(to)
    this.#views.delete(printTableIdentifier(from))
    this.#views.set(printTableIdentifier(to), { ...pointer, identifier: to })
  }

  async registerView(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedView> {
    const bytes = await this.#options.io.read(metadataLocation)
    return this.#add(identifier, parseViewMetadata(bytes, { location: metadataLocation }))
  }

  async #add(identifier: TableIdentifier, metadata: ViewMetadata): Promise<LoadedView> {
    this.#checkFree(identifier)
    const pointer = await this.#write(identifier, 0, metadata)
    this.#checkFree(identifier)
    this.#views.set(printTableIdentifier(identifier), pointer)
    return pointer
  }

  #checkFree(identifier: TableIdentifier): void {
    checkIdentifier(identifier)
    this.#options.checkNamespace(identifier.namespace)
    this.#options.checkFree(identifier)
    if (this.has(identifier)) throw viewExistsAlready(identifier)
  }

  async #write(identifier: TableIdentifier, version: number, metadata: ViewMetadata): Promise<Pointer> {
    const { io, runtime } = this.#options
    const name = makeMetadataFileName({ version, uuid: runtime.uuid(), compression: 'none' })
    const folder = metadata.properties.get('write.metadata.path') ?? joinLocation(metadata.location, 'metadata')
    const metadataLocation = joinLocation(folder, name)
    await io.write(metadataLocation, encodeUtf8(printViewMetadata(metadata)), { ifNoneMatch: '*' })
    return { identifier, version, metadata, metadataLocation }
  }

  #pointer(identifier: TableIdentifier): Pointer {
    const pointer = this.#views.get(printTableIdentifier(checkIdentifier(identifier)))
    if (pointer === undefined) throw new FloeError('NOT_FOUND', `There is no view ${printTableIdentifier(identifier)}`)
    return pointer
  }
}

export function viewExistsAlready(identifier: TableIdentifier): FloeError {
  return new FloeError('ALREADY_EXISTS', `The view ${printTableIdentifier(identifier)} exists already`)
}
