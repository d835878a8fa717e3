/** Changes of views as JSON of the REST protocol. Source: `MetadataUpdateParser`, `UpdateRequirementParser` */
import { printSchema, schemaOfObject } from '../../schema/schema-json.js'
import { FloeError } from '../../util/errors.js'
import { JsonObject, type JsonMembers, type JsonValue } from '../../util/json.js'
import { printViewVersion, viewVersionOfObject } from './view-metadata-json.js'
import type { ViewRequirement, ViewUpdate } from './view-update.js'

/** Throws `CORRUPT`, naming the member, and `UNSUPPORTED` for an action that views do not have. */
export function parseViewUpdate(value: JsonValue): ViewUpdate {
  const json = JsonObject.of(value, 'update')
  const action = json.requireString('action').toLowerCase()
  switch (action) {
    case 'assign-uuid':
      return { action, uuid: json.requireString('uuid') }
    case 'upgrade-format-version':
      if (json.requireInt('format-version') !== 1) throw new FloeError('UNSUPPORTED', 'Views have the format version 1')
      return { action, formatVersion: 1 }
    case 'add-schema':
      return { action, schema: schemaOfObject(json.requireObject('schema')) }
    case 'set-location':
      return { action, location: json.requireString('location') }
    case 'set-properties':
      return { action, updates: json.requireStringMap(json.has('updates') ? 'updates' : 'updated') }
    case 'remove-properties':
      return { action, removals: json.requireStrings(json.has('removals') ? 'removals' : 'removed') }
    case 'add-view-version':
      return { action, version: viewVersionOfObject(json.requireObject('view-version')) }
    case 'set-current-view-version':
      return { action, versionId: json.requireInt('view-version-id') }
    default:
      throw new FloeError('UNSUPPORTED', `unknown update of a view ${action}`)
  }
}

export function printViewUpdate(update: ViewUpdate): JsonMembers {
  const { action } = update
  switch (action) {
    case 'assign-uuid':
      return { action, uuid: update.uuid }
    case 'upgrade-format-version':
      return { action, 'format-version': update.formatVersion }
    case 'add-schema':
      return { action, schema: printSchema(update.schema), 'last-column-id': update.schema.highestFieldId() }
    case 'set-location':
      return { action, location: update.location }
    case 'set-properties':
      return { action, updates: update.updates }
    case 'remove-properties':
      return { action, removals: update.removals }
    case 'add-view-version':
      return { action, 'view-version': printViewVersion(update.version) }
    case 'set-current-view-version':
      return { action, 'view-version-id': update.versionId }
  }
}

/** Throws `UNSUPPORTED` for an unknown type: one that is not understood cannot be checked. */
export function parseViewRequirement(value: JsonValue): ViewRequirement {
  const json = JsonObject.of(value, 'requirement')
  const type = json.requireString('type').toLowerCase()
  if (type !== 'assert-view-uuid') throw new FloeError('UNSUPPORTED', `unknown requirement of a view ${type}`)
  return { type, uuid: json.requireString('uuid') }
}

export function printViewRequirement({ type, uuid }: ViewRequirement): JsonMembers {
  return { type, uuid }
}
