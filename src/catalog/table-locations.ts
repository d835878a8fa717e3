/** Which places a table of a catalog may use: decided by the catalog, never by the table's metadata alone. */
import { canonicalLocation, isInside, stripTrailingSlashes } from '../io/location.js'
import { checkLocation } from '../io/location-check.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { FloeError } from '../util/errors.js'

/** Table properties that name a place to write to. */
const LOCATION_PROPERTIES = ['write.data.path', 'write.metadata.path', 'write.object-storage.path', 'write.folder-storage.path'] as const

/** What a table's metadata says of places. */
export type DeclaredLocations = Pick<TableMetadata, 'location' | 'properties'>

/** What the catalog allows the tables in it. */
export interface LocationPolicy {
  /** The table's own folder. */
  readonly folder: string
  /** Metadata may declare places in here. */
  readonly declarable: readonly string[]
  /** Every table may use these. */
  readonly always: readonly string[]
}

/**
 * Throws `INVALID`, naming the property, when the metadata names a place that the policy does not allow. To be called
 * before the first request, and again whenever metadata changes.
 */
export function checkDeclaredLocations(metadata: DeclaredLocations, policy: LocationPolicy): void {
  for (const [name, location] of declaredLocations(metadata)) {
    try {
      checkDeclared(location, policy)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new FloeError('INVALID', `The table's ${name} is not acceptable to this catalog: ${reason} with allowedLocations`, { cause })
    }
  }
}

/** The folders that a table's FileIO may touch: its own, the catalog's extra ones, and those it declares as far as they are allowed. */
export function tablePrefixes(metadata: DeclaredLocations, policy: LocationPolicy): readonly string[] {
  const accepted = declaredLocations(metadata)
    .map(([, location]) => location)
    .filter((location) => isDeclarable(location, policy))
  const prefixes: string[] = []
  for (const prefix of [policy.folder, ...policy.always, ...accepted]) {
    if (!prefixes.some((other) => isInside(other, prefix))) prefixes.push(prefix)
  }
  return prefixes
}

function declaredLocations(metadata: DeclaredLocations): readonly (readonly [name: string, location: string])[] {
  const properties = LOCATION_PROPERTIES.flatMap((name) => {
    const location = metadata.properties.get(name)
    return location === undefined ? [] : [[name, location] as const]
  })
  return [['location', metadata.location], ...properties]
}

function isDeclarable(location: string, policy: LocationPolicy): boolean {
  try {
    checkDeclared(location, policy)
    return true
  } catch {
    return false
  }
}

function checkDeclared(location: string, policy: LocationPolicy): void {
  checkLocation(location, { prefixes: [...policy.declarable, ...policy.always] })
  const isExtra = policy.always.some((place) => isInside(place, location))
  // A table that declares the whole warehouse would reach all other tables.
  if (!isExtra && isInside(location, policy.folder) && !isSame(location, policy.folder)) {
    throw new FloeError('INVALID', 'It encloses the folders of other tables; if that is meant, allow it')
  }
}

function isSame(a: string, b: string): boolean {
  return stripTrailingSlashes(canonicalLocation(a)) === stripTrailingSlashes(canonicalLocation(b))
}
