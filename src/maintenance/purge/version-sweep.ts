import type { DmlContext } from '../../dml/dml-context.js'
import type { ObjectVersion, ObjectVersions } from '../../io/file-io.js'
import { parseLocation } from '../../io/location.js'
import { isFloeError } from '../../util/errors.js'
import { exactKey } from '../location-key.js'
import { tableFolders } from './leftover-sweep.js'
import type { PurgeKeys } from './purge-keys.js'
import type { HeldData, PurgeReport } from './purge-report.js'
import type { ObjectScanner } from './scan-object.js'

export interface VersionsFound {
  readonly state: PurgeReport['objectVersions']
  readonly deleted: readonly Pick<ObjectVersion, 'location' | 'versionId'>[]
  readonly held: readonly HeldData[]
}

/** A version that is read as a whole to be searched may be as large as this. */
const MAX_VERSION_BYTES = 2 ** 30

/**
 * Deletes the earlier versions of what was deleted, and of whatever else holds a key: deleting an object in a store that keeps
 * versions only hides it.
 */
export class VersionSweep {
  readonly #deleted: Pick<ObjectVersion, 'location' | 'versionId'>[] = []
  readonly #held: HeldData[] = []
  /** Marks of deletions; without them, what they hide would be there again. */
  readonly #markers: ObjectVersion[] = []
  readonly #hiding = new Set<string>()

  constructor(
    private readonly context: DmlContext,
    private readonly scanner: ObjectScanner,
    private readonly keys: PurgeKeys,
  ) {}

  async run(deleted: ReadonlySet<string>): Promise<VersionsFound> {
    const { io, metadata } = this.context.loaded
    const { versions } = io
    // Other stores than S3 keep none.
    if (versions === undefined) return this.#found(parseLocation(metadata.location).scheme === 's3' ? 'unknown' : 'none')
    const gone = new Set([...deleted].map((location) => exactKey(location)))
    let hasVersions = false
    try {
      for (const folder of tableFolders(metadata)) {
        for await (const version of versions.list(folder)) {
          if (version.isLatest && !version.isDeleteMarker) continue
          hasVersions = true
          await this.#sweep(versions, version, gone)
        }
      }
      for (const marker of this.#markers) if (!this.#hiding.has(marker.location)) await this.#delete(versions, marker, undefined)
    } catch (error) {
      if (isFloeError(error, 'UNAUTHORIZED')) return this.#found('forbidden')
      if (isFloeError(error, 'UNSUPPORTED', 'INVALID')) return this.#found('unknown')
      throw error
    }
    return this.#found(hasVersions ? 'scanned' : 'none')
  }

  #found(state: VersionsFound['state']): VersionsFound {
    return { state, deleted: this.#deleted, held: this.#held }
  }

  async #sweep(versions: ObjectVersions, version: ObjectVersion, gone: ReadonlySet<string>): Promise<void> {
    const { location } = version
    this.scanner.totals.versions++
    const isGone = gone.has(exactKey(location))
    if (version.isDeleteMarker) {
      // It holds nothing, and goes with what it hid.
      if (isGone) this.#markers.push(version)
      return
    }
    const seenIn = await this.#look(versions, version)
    if (isGone || seenIn !== undefined) await this.#delete(versions, version, seenIn)
    else this.#hiding.add(location)
  }

  async #delete(versions: ObjectVersions, version: ObjectVersion, seenIn: string | undefined): Promise<void> {
    const { location, versionId } = version
    try {
      await versions.delete(version)
      this.#deleted.push({ location, versionId })
    } catch (error) {
      if (version.isDeleteMarker) return
      this.#hiding.add(location)
      const heldMs = await versions.heldUntilMs(version)
      const until = heldMs === undefined || !Number.isFinite(heldMs) ? {} : { until: new Date(heldMs).toISOString() }
      const reason = heldMs === undefined ? `The store did not delete it: ${messageOf(error)}` : 'The version is locked'
      const seen = seenIn === undefined ? {} : { seenIn }
      this.#held.push({ kind: 'object-version', name: this.keys.mask(location), versionId, reason, ...seen, ...until })
    }
  }

  async #look(versions: ObjectVersions, version: ObjectVersion): Promise<string | undefined> {
    if (version.sizeBytes > MAX_VERSION_BYTES) {
      this.scanner.undecoded.push({ location: this.keys.mask(version.location), reason: `Version ${version.versionId} has ${version.sizeBytes} bytes` })
      return undefined
    }
    return this.scanner.scanBytes(version.location, await versions.read(version))
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
