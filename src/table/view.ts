import type { CatalogBackend, LoadedView, TableIdentifier, ViewBackend, ViewCreation } from '../catalog/catalog-backend.js'
import { printTableIdentifier } from '../catalog/table-identifier.js'
import { waitBeforeRetry } from '../io/retry-delay.js'
import { replaceViewUpdates } from '../metadata/view/new-view.js'
import { currentVersion, sqlFor, type ViewLogEntry, type ViewMetadata, type ViewVersion } from '../metadata/view/view-metadata.js'
import type { ViewUpdate } from '../metadata/view/view-update.js'
import { Schema } from '../schema/schema.js'
import { FloeError, isFloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { checkArgument, checkNames, namesOf } from './checked-arguments.js'
import { propertyUpdates } from './structure-methods.js'
import { textProperties } from './text-properties.js'

export type { ViewLogEntry, ViewMetadata, ViewVersion } from '../metadata/view/view-metadata.js'

/** What a view says. */
export interface ViewDefinition {
  /** The columns of its result. */
  readonly schema: Schema
  /** A SELECT statement for each dialect: `{ spark: 'SELECT …', trino: 'SELECT …' }`. */
  readonly sql: Readonly<Record<string, string>>
  /** For tables named without a namespace in the statements. Default: the view's own. */
  readonly defaultNamespace?: readonly string[] | undefined
  /** For tables named without a catalog. Default: the catalog that holds the view. */
  readonly defaultCatalog?: string | undefined
  /** Notes on the version, such as `engine-name`. */
  readonly summary?: Readonly<Record<string, string>> | undefined
}

export interface CreateViewOptions extends ViewDefinition {
  /** `comment`, and settings that the format knows. */
  readonly properties?: Readonly<Record<string, string>> | undefined
  /** Where its metadata goes. Default: chosen by the catalog. */
  readonly location?: string | undefined
}

const DEFINITION = { schema: true, sql: true, defaultNamespace: true, defaultCatalog: true, summary: true } as const
const DEFINITION_NAMES = namesOf<ViewDefinition>()(DEFINITION)
const CREATE_NAMES = namesOf<CreateViewOptions>()({ ...DEFINITION, properties: true, location: true })

const MAX_ATTEMPTS = 5

/** A view of a catalog: a query by name. Its methods change the view and this handle. */
export class View {
  readonly #backend: ViewBackend
  readonly #runtime: Runtime
  #loaded: LoadedView

  constructor(loaded: LoadedView, backend: ViewBackend, runtime: Runtime) {
    this.#loaded = loaded
    this.#backend = backend
    this.#runtime = runtime
  }

  /** As `catalog.loadView` takes it. */
  get name(): string {
    return printTableIdentifier(this.#loaded.identifier)
  }

  get metadata(): ViewMetadata {
    return this.#loaded.metadata
  }

  get metadataLocation(): string {
    return this.#loaded.metadataLocation
  }

  get location(): string {
    return this.metadata.location
  }

  get properties(): ReadonlyMap<string, string> {
    return this.metadata.properties
  }

  /** The columns of its result. */
  get schema(): Schema {
    const { schemaId } = this.version
    const schema = this.metadata.schemas.find((candidate) => candidate.schemaId === schemaId)
    if (schema === undefined) throw new FloeError('CORRUPT', `The view ${this.name} has no schema ${schemaId}, which its current version names`)
    return schema
  }

  /** What it says now. */
  get version(): ViewVersion {
    return currentVersion(this.metadata)
  }

  /** What it said before, as far as the catalog has kept it, and says now. */
  get versions(): readonly ViewVersion[] {
    return this.metadata.versions
  }

  /** When which version was made the current one, oldest first. */
  get history(): readonly ViewLogEntry[] {
    return this.metadata.versionLog
  }

  /** The statement for a dialect; `undefined` when the view has none. */
  sqlFor(dialect: string): string | undefined {
    return sqlFor(this.version, dialect)
  }

  /** Loads what others have changed. */
  async refresh(): Promise<void> {
    this.#loaded = await this.#backend.loadView(this.#loaded.identifier)
  }

  /**
   * Has the view say something else: a new version, or an old one that said the same. Dialects that would get lost are refused, unless
   * the view's property `replace.drop-dialect.allowed` is `true`.
   */
  async replace(definition: ViewDefinition): Promise<void> {
    checkArgument(definition, 'object', 'The definition of a view')
    checkNames(definition, DEFINITION_NAMES, 'The definition of a view')
    const { identifier } = this.#loaded
    const { schema, version } = versionOf(definition, identifier.namespace, this.#runtime.now())
    await this.#change((metadata) => replaceViewUpdates(metadata, schema, version))
  }

  /** Has the view say what a former version of it says. @throws FloeError `INVALID` for a version that it does not have */
  async setCurrentVersion(versionId: number): Promise<void> {
    await this.#change((metadata) => (metadata.currentVersionId === versionId ? [] : [{ action: 'set-current-view-version', versionId }]))
  }

  /** Sets properties; one of `null` is removed. */
  async updateProperties(properties: Readonly<Record<string, string | null>>): Promise<void> {
    checkArgument(properties, 'object', 'Properties')
    const updates = propertyUpdates(properties) as readonly ViewUpdate[]
    await this.#change(() => updates)
  }

  /** Has later metadata files go elsewhere. */
  async setLocation(location: string): Promise<void> {
    checkArgument(location, 'string', 'The location of a view')
    await this.#change(() => [{ action: 'set-location', location }])
  }

  async #change(make: (metadata: ViewMetadata) => readonly ViewUpdate[]): Promise<void> {
    const { identifier } = this.#loaded
    const { viewUuid } = this.metadata
    for (let attempt = 1; ; attempt++) {
      await this.refresh()
      if (this.metadata.viewUuid !== viewUuid) {
        throw new FloeError('CONFLICT', `Another view has taken the name ${this.name}: load it anew`, { retryable: false })
      }
      const updates = make(this.metadata)
      if (updates.length === 0) return
      const requirements = [{ type: 'assert-view-uuid', uuid: viewUuid } as const]
      try {
        this.#loaded = await this.#backend.commitView({ identifier, requirements, updates })
        return
      } catch (error) {
        if (!isFloeError(error, 'CONFLICT') || attempt === MAX_ATTEMPTS) throw error
        await waitBeforeRetry({ runtime: this.#runtime, attempt })
      }
    }
  }
}

/** @throws FloeError `UNSUPPORTED` where a catalog has no views */
export function viewsOf(backend: CatalogBackend): ViewBackend {
  if (backend.views !== undefined) return backend.views
  throw new FloeError('UNSUPPORTED', 'Folders and object stores have no place for views that engines would look at: use a REST catalog that has one')
}

/** What `options` asks for. @throws FloeError `INVALID` */
export function viewCreationOf(options: CreateViewOptions, { namespace }: TableIdentifier, now: number): ViewCreation {
  checkArgument(options, 'object', 'The options of a view')
  checkNames(options, CREATE_NAMES, 'createView')
  const { location, properties = {} } = options
  return { ...versionOf(options, namespace, now), location, properties: textProperties(properties) }
}

function versionOf(definition: ViewDefinition, namespace: readonly string[], now: number): { schema: Schema; version: ViewVersion } {
  const { schema, sql, defaultNamespace = namespace, defaultCatalog, summary = {} } = definition
  if (!(schema instanceof Schema)) throw new FloeError('INVALID', 'A view needs a schema: make one with schema({ id: t.long, … })')
  checkArgument(sql, 'object', "A view's statements by dialect")
  const statements = [...textProperties(sql)]
  if (statements.length === 0) throw new FloeError('INVALID', "A view needs a statement: { spark: 'SELECT …' }")
  checkArgument(defaultNamespace, 'list', 'The default namespace of a view')
  const version: ViewVersion = {
    versionId: 1,
    schemaId: schema.schemaId,
    timestampMs: now,
    summary: textProperties(summary),
    representations: statements.map(([dialect, text]) => ({ type: 'sql', sql: text, dialect })),
    defaultCatalog,
    defaultNamespace,
    unknownFields: new Map(),
  }
  return { schema, version }
}
