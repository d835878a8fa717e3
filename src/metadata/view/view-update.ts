import type { Schema } from '../../schema/schema.js'
import type { ViewVersion } from './view-metadata.js'

/** One step from a view's metadata to the next, in the REST specification's vocabulary. Ids of -1 mean «the one added last». */
export type ViewUpdate =
  | { readonly action: 'assign-uuid'; readonly uuid: string }
  | { readonly action: 'upgrade-format-version'; readonly formatVersion: 1 }
  | { readonly action: 'add-schema'; readonly schema: Schema }
  | { readonly action: 'set-location'; readonly location: string }
  | { readonly action: 'set-properties'; readonly updates: ReadonlyMap<string, string> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] }
  | { readonly action: 'add-view-version'; readonly version: ViewVersion }
  | { readonly action: 'set-current-view-version'; readonly versionId: number }

/** What must hold of the view that a commit is applied to. */
export interface ViewRequirement {
  readonly type: 'assert-view-uuid'
  readonly uuid: string
}

/** «The one added last in this commit». */
export const LAST_ADDED = -1
