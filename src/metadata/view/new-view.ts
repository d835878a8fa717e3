import type { Schema } from '../../schema/schema.js'
import { currentVersion, type ViewMetadata, type ViewVersion } from './view-metadata.js'
import { isSameVersion } from './apply-view-updates.js'
import { LAST_ADDED, type ViewUpdate } from './view-update.js'

export interface NewView {
  readonly schema: Schema
  /** Its schema is {@link schema}, whatever its id. */
  readonly version: ViewVersion
  readonly location: string
  readonly properties: ReadonlyMap<string, string>
}

/** The updates that make a view. */
export function newViewUpdates({ schema, version, location, properties }: NewView): readonly ViewUpdate[] {
  return [
    { action: 'set-location', location },
    ...(properties.size === 0 ? [] : [{ action: 'set-properties', updates: properties } as const]),
    { action: 'add-schema', schema },
    { action: 'add-view-version', version: { ...version, schemaId: LAST_ADDED } },
    { action: 'set-current-view-version', versionId: LAST_ADDED },
  ]
}

/** The updates that make `version` with `schema` the current one: none where it is, one where the view had it before. */
export function replaceViewUpdates(base: ViewMetadata, schema: Schema, version: ViewVersion): readonly ViewUpdate[] {
  const equal = base.schemas.find((other) => other.sameAs(schema))
  const wanted = { ...version, schemaId: equal?.schemaId ?? LAST_ADDED }
  const known = base.versions.find((other) => isSameVersion(other, wanted))
  if (known !== undefined) {
    const isCurrent = known === currentVersion(base)
    return isCurrent ? [] : [{ action: 'set-current-view-version', versionId: known.versionId }]
  }
  const versionId = Math.max(...base.versions.map((other) => other.versionId)) + 1
  return [
    ...(equal === undefined ? [{ action: 'add-schema', schema } as const] : []),
    { action: 'add-view-version', version: { ...wanted, versionId } },
    { action: 'set-current-view-version', versionId: LAST_ADDED },
  ]
}
