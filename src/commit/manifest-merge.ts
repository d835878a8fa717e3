/** Merges small manifests while committing. Source: `ManifestMergeManager` */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { ManifestFile } from '../manifest/data-file.js'
import { STATUS_ADDED, STATUS_DELETED, type ManifestEntries } from '../manifest/manifest-entries.js'
import { decodeManifest } from '../manifest/manifest-reader.js'
import { ManifestWriter } from '../manifest/manifest-writer.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { readBoolean, readInteger, tableProperties } from '../metadata/table-properties.js'
import { packBinsFromEnd } from '../util/bin-packing.js'
import { manifestKey } from '../manifest/file-identity.js'
import { MANIFEST_PARALLELISM, readManifest, tupleType } from './manifest-input.js'
import { manifestWriterOptions, type ManifestOutput, type NewManifest } from './manifest-output.js'

export interface MergeContext {
  readonly table: LoadedTable
  /** Of the commit. */
  readonly snapshotId: bigint
  readonly output: ManifestOutput
  readonly signal: AbortSignal | undefined
  /** False only writes what is new, whatever the table's properties say. Default true. */
  readonly isMerging?: boolean
}

export interface MergedManifests {
  readonly manifests: readonly ManifestFile[]
  /** How many manifests of earlier snapshots are now part of others. */
  readonly replaced: number
}

/**
 * Merges manifests of one content. Results are kept for later attempts, which mostly find the same manifests again.
 * Manifests that nothing else needs are never written: merged ones take their entries from memory.
 */
export class ManifestMerger {
  readonly #merged = new Map<string, ManifestFile>()

  /**
   * `fresh` are this commit's own manifests, `inherited` those of the parent, in order, or what this commit makes of them.
   * Every manifest of the result is written. Spec: Commit Conflict Resolution and Retry: entries that move keep their sequence
   * numbers and snapshot ids.
   */
  async merge(
    fresh: readonly NewManifest[],
    inherited: readonly (ManifestFile | NewManifest)[],
    context: MergeContext,
  ): Promise<MergedManifests> {
    const { metadata } = context.table
    const encoded = new Map<ManifestFile, NewManifest>()
    const all = [...fresh, ...inherited].map((manifest) => {
      if (!('bytes' in manifest)) return manifest
      encoded.set(manifest.manifestFile, manifest)
      return manifest.manifestFile
    })
    const manifests: ManifestFile[] = []
    let replaced = 0
    for (const bin of context.isMerging === false ? [{ manifests: all, isMerged: false }] : planBins(all, metadata)) {
      const merged = bin.isMerged ? await this.#mergeBin(bin.manifests, encoded, context) : undefined
      if (merged === undefined) manifests.push(...(await this.#writeUnmerged(bin.manifests, encoded, context)))
      else {
        manifests.push(merged)
        replaced += bin.manifests.filter((manifest) => !encoded.has(manifest)).length
      }
    }
    return { manifests, replaced }
  }

  async #writeUnmerged(
    bin: readonly ManifestFile[],
    encoded: ReadonlyMap<ManifestFile, NewManifest>,
    context: MergeContext,
  ): Promise<readonly ManifestFile[]> {
    const fresh = encoded.size === 0 ? [] : bin.filter((manifest) => encoded.has(manifest))
    const written = await mapParallel(fresh, MANIFEST_PARALLELISM, (manifest) =>
      context.output.writeManifest(context.table, encoded.get(manifest)!, context.signal),
    )
    let next = 0
    return bin.map((manifest) => (manifest === fresh[next] ? written[next++]! : manifest))
  }

  /** The one manifest that stands for the bin; `undefined` when its entries cannot be moved. */
  async #mergeBin(
    bin: readonly ManifestFile[],
    encoded: ReadonlyMap<ManifestFile, NewManifest>,
    context: MergeContext,
  ): Promise<ManifestFile | undefined> {
    const { table, snapshotId, signal } = context
    const key = [table.metadata.formatVersion, snapshotId, ...bin.map(manifestKey)].join(' ')
    const known = this.#merged.get(key)
    if (known !== undefined) return known
    const first = bin[0]!
    const options = manifestWriterOptions(table.metadata, { specId: first.partitionSpecId, content: first.content, snapshotId })
    const writer = new ManifestWriter(options)
    const parts = await mapParallel(bin, MANIFEST_PARALLELISM, (manifest) => readPart(manifest, encoded.get(manifest), context))
    if (table.metadata.formatVersion > 1 && !parts.every(canMove)) return undefined
    for (const entries of parts) copyEntries(entries, snapshotId, writer)
    const merged = writer.finish(context.output.nextManifestLocation(table.metadata))
    const written = await context.output.writeManifest(table, merged, signal)
    this.#merged.set(key, written)
    return written
  }
}

interface Bin {
  readonly manifests: readonly ManifestFile[]
  readonly isMerged: boolean
}

/** Bins of manifests of one spec, latest spec first; the first bin of a spec is the one left short. */
function planBins(all: readonly ManifestFile[], metadata: TableMetadata): readonly Bin[] {
  const first = all[0]
  if (first === undefined) return []
  if (!readBoolean(metadata.properties, tableProperties.manifestMergeEnabled)) return [{ manifests: all, isMerged: false }]
  const targetWeight = readInteger(metadata.properties, tableProperties.manifestTargetSizeBytes)
  const minCount = readInteger(metadata.properties, tableProperties.manifestMinMergeCount)
  const specIds = [...new Set(all.map((manifest) => manifest.partitionSpecId))].sort((a, b) => b - a)
  return specIds.flatMap((specId) => {
    const group = all.filter((manifest) => manifest.partitionSpecId === specId)
    const bins = packBinsFromEnd(group, { targetWeight, weight: (manifest) => manifest.manifestLengthBytes })
    // The newest manifests wait until there are enough of them; older ones are merged whenever they fit together.
    const waits = (bin: readonly ManifestFile[]): boolean => bin.includes(first) && bin.length < minCount
    return bins.map((manifests) => ({ manifests, isMerged: manifests.length > 1 && !waits(manifests) }))
  })
}

function readPart(manifest: ManifestFile, fresh: NewManifest | undefined, context: MergeContext): Promise<ManifestEntries> {
  const { table, signal } = context
  if (fresh === undefined) return readManifest(table, manifest, { signal })
  const partitionType = tupleType(table.metadata, manifest.partitionSpecId)
  // Entries of version 1 carry no sequence numbers, kept ones neither: all are 0.
  const numbered = table.metadata.formatVersion === 1 ? { ...manifest, sequenceNumber: 0n } : manifest
  return Promise.resolve(decodeManifest(numbered, fresh.bytes, { partitionType, committed: false }))
}

/** Early writers of v2 left out file sequence numbers: what lies in another manifest then cannot inherit them any more. */
function canMove(entries: ManifestEntries): boolean {
  return entries.status.every((status, i) => status === STATUS_DELETED || entries.fileSequenceNumber(i) !== undefined)
}

/** Copies entries to the manifest of snapshot `snapshotId`; files that earlier snapshots deleted are left out. */
export function copyEntries(entries: ManifestEntries, snapshotId: bigint, writer: ManifestWriter): void {
  for (let i = 0; i < entries.count; i++) {
    const status = entries.status[i]!
    const isOurs = entries.snapshotId[i] === snapshotId
    if (status === STATUS_DELETED) {
      if (isOurs) writer.deleted(entries.entry(i))
    } else if (status === STATUS_ADDED && isOurs) {
      const sequenceNumber = entries.sequenceNumber[i]!
      // Not listed yet: below zero stands for «will be inherited».
      writer.added(entries.dataFile(i), sequenceNumber < 0n ? undefined : sequenceNumber)
    } else {
      writer.existing(entries.entry(i))
    }
  }
}
