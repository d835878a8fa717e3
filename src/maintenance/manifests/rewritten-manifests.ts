import type { ManifestContent } from '../../manifest/data-file.js'
import type { Snapshot } from '../../snapshot/snapshot.js'

/** How far a rewrite of manifests has come. */
export interface RewriteManifestsProgress {
  readonly manifests: number
  readonly totalManifests: number
}

/** What became of the manifests of one content and partition spec. */
export interface RewrittenManifests {
  readonly content: ManifestContent
  readonly specId: number
  readonly rewritten: number
  /** How many there are instead; of a dry run, about how many there would be. */
  readonly added: number
  /** Why they were rewritten, or were not. */
  readonly reason: string
  /** How many manifests a look-up of one partition reads, on average, before and after; only of data that was rewritten. */
  readonly readsPerPartition?: { readonly before: number; readonly after: number } | undefined
}

export interface RewriteManifestsResult {
  /** `undefined`: nothing was to be rewritten, or it was a dry run. */
  readonly snapshot: Snapshot | undefined
  readonly rewrittenManifests: number
  readonly addedManifests: number
  readonly keptManifests: number
  /** Entries that moved; 0 for a dry run. */
  readonly entries: number
  readonly bytesBefore: number
  /** Of the whole snapshot's manifests, as {@link bytesBefore}; the same for a dry run. */
  readonly bytesAfter: number
  readonly groups: readonly RewrittenManifests[]
}
