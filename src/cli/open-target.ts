import type { TableIdentifier } from '../catalog/catalog-backend.js'
import { baseName, parentLocation, stripTrailingSlashes } from '../io/location.js'
import type { Catalog, CreateTableOptions, TableName } from '../table/catalog.js'
import type { RestOptions } from '../table/open-backend.js'
import { openCatalog } from '../table/open-catalog.js'
import type { StoreOptions } from '../table/open-store.js'
import { openTable } from '../table/open-table.js'
import type { OpenTableOptions } from '../table/open-table.js'
import type { Table } from '../table/table.js'
import { isFloeError } from '../util/errors.js'
import { absolutePlace } from './command-options.js'
import type { CommandOptions } from './command-options.js'
import { UsageError } from './usage-error.js'

/** The table that a command names, and the way to it. */
export interface Target {
  /** `undefined` when it does not exist and may be created. */
  readonly table: Table | undefined
  /** @throws FloeError `ALREADY_EXISTS` when somebody else made it meanwhile */
  create(options: CreateTableOptions): Promise<Table>
  close(): Promise<void>
}

/** Where a table's bytes come from, by the options of the command line. */
export function storeOptions(options: CommandOptions): StoreOptions {
  const mappings = Object.entries(options.pairs('map-prefix')).map(([from, to]) => [from, absolutePlace(to)] as const)
  const [endpoint, region] = [options.text('s3-endpoint'), options.text('s3-region')]
  const pathStyle = options.flag('s3-path-style') ? true : undefined
  const isDefault = endpoint === undefined && region === undefined && pathStyle === undefined
  const s3 = isDefault ? undefined : { endpoint, region, forcePathStyle: pathStyle }
  return { s3, pathMapping: mappings.length === 0 ? undefined : Object.fromEntries(mappings) }
}

/** How a catalog server is spoken to: by the environment, as arguments are seen by every process of the machine. */
function serverOptions(): RestOptions {
  const { FLOE_CATALOG_TOKEN: token = '', FLOE_CATALOG_CREDENTIAL: credential = '', FLOE_CATALOG_WAREHOUSE: warehouse = '' } = process.env
  const colon = credential.indexOf(':')
  const client = { clientId: colon < 0 ? undefined : credential.slice(0, colon), clientSecret: credential.slice(colon + 1) }
  const auth: RestOptions['auth'] = token !== '' ? { type: 'bearer', token } : credential !== '' ? { type: 'oauth2', ...client } : undefined
  return { auth, warehouse: warehouse === '' ? undefined : warehouse }
}

/** What a command is about to do: `write` may create the table. */
export type Access = 'read' | 'change' | 'write'

/**
 * Opens the table named by the first positional argument: `<catalog>#<name>`, a table's folder, or to read also a metadata file.
 * @throws FloeError `NOT_FOUND`, unless the table may be created
 */
export async function openTarget(options: CommandOptions, access: Access): Promise<Target> {
  const [name] = options.positionals
  if (name === undefined) throw new UsageError('Name a table: <catalog>#<namespace.table>, a table folder or a metadata file')
  const stored = storeOptions(options)
  // Whoever maps a prefix means the table's files to be there.
  const allowedLocations = [...options.texts('allow-location').map(absolutePlace), ...Object.keys(stored.pathMapping ?? {})]
  const stores = { ...stored, ...(allowedLocations.length === 0 ? {} : { allowedLocations }) }
  const cut = name.lastIndexOf('#')
  if (cut < 0 && (access === 'read' || /\.json(?:\.gz)?$/.test(name))) return openPlace(absolutePlace(name), stores)
  const { uri, table } = cut < 0 ? folderParts(absolutePlace(name)) : { uri: absolutePlace(name.slice(0, cut)), table: name.slice(cut + 1) }
  if (cut === 0 || table === '') throw new UsageError(`A table of a catalog is named <catalog>#<namespace.table>, not ${JSON.stringify(name)}`)
  return openInCatalog(await openCatalog(uri, { ...stores, rest: serverOptions() }), table, access)
}

/** The catalog named by the only positional argument. `purpose`: what is to be done with it. @throws UsageError for a table of one */
export function catalogNamed({ positionals }: CommandOptions, purpose: string): string {
  const [uri, extra] = positionals
  if (uri === undefined || extra !== undefined) throw new UsageError(`Name one catalog to ${purpose}: /data/lake, s3://bucket/warehouse`)
  if (uri.includes('#')) throw new UsageError(`Name a catalog to ${purpose}, /data/lake, not a table of one, ${JSON.stringify(uri)}`)
  return uri
}

/** Does something with the table named by the first positional argument, which must exist, and closes the way to it. */
export async function withTable(options: CommandOptions, access: 'read' | 'change', run: (table: Table) => Promise<void>): Promise<void> {
  const target = await openTarget(options, access)
  try {
    await run(target.table!)
  } finally {
    await target.close()
  }
}

/** A table's folder lies in a catalog of its own: the folder above it. */
function folderParts(place: string): { readonly uri: string; readonly table: TableIdentifier } {
  const folder = stripTrailingSlashes(place)
  const uri = parentLocation(folder)
  if (uri === undefined) throw new UsageError(`${JSON.stringify(place)} is the root of a store, not a table's folder`)
  return { uri, table: { namespace: [], name: baseName(folder) } }
}

async function openInCatalog(catalog: Catalog, name: TableName, access: Access): Promise<Target> {
  try {
    const table = await loadTable(catalog, name, access)
    return { table, create: (wanted) => catalog.createTable(name, wanted), close: () => catalog.close() }
  } catch (error) {
    await catalog.close()
    throw error
  }
}

async function loadTable(catalog: Catalog, name: TableName, access: Access): Promise<Table | undefined> {
  try {
    return await catalog.loadTable(name)
  } catch (error) {
    if (access === 'write' && isFloeError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

async function openPlace(location: string, options: OpenTableOptions): Promise<Target> {
  const table = await openTable(location, options)
  const create = async (): Promise<Table> => {
    throw new UsageError('A metadata file is read only: name a table <catalog>#<namespace.table>')
  }
  return { table, create, close: async () => undefined }
}
