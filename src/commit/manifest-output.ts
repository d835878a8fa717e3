/** Writes manifests and manifest lists of one commit, each under a name that was never used before. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { FileIO } from '../io/file-io.js'
import type { DataFile, ManifestContent, ManifestFile } from '../manifest/data-file.js'
import { manifestCompression } from '../manifest/manifest-compression.js'
import { ManifestWriter, type ManifestWriterOptions } from '../manifest/manifest-writer.js'
import { currentSchema, specById } from '../metadata/metadata-lookup.js'
import { metadataFileLocation } from '../metadata/metadata-location.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { readInteger, tableProperties } from '../metadata/table-properties.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { tupleType } from './manifest-input.js'

/** Entries between two looks at the size, as in the reference's `RollingManifestWriter`. */
const ENTRIES_PER_SIZE_CHECK = 250
const MAX_NAMES = 3

/** A manifest that is encoded, and written once it turns out to be needed. */
export interface NewManifest {
  readonly manifestFile: ManifestFile
  readonly bytes: Uint8Array
}

/** Makes the names of one commit's files, and remembers what it wrote. */
export class ManifestOutput {
  /** Everything whose writing was begun; a failed write may have left its file. */
  readonly written = new Set<string>()
  /** Where manifests came to lie, by the name they were encoded under. */
  readonly #finished = new Map<string, string>()
  #manifests = 0

  constructor(private readonly commitUuid: string) {}

  /** A name for the next manifest. */
  nextManifestLocation(metadata: TableMetadata): string {
    return metadataFileLocation(metadata, `${this.commitUuid}-m${this.#manifests++}.avro`)
  }

  /** Writes an encoded manifest, unless that was done before. Its location is final once this resolves. */
  async writeManifest(table: LoadedTable, manifest: NewManifest, signal: AbortSignal | undefined): Promise<ManifestFile> {
    const { manifestPath } = manifest.manifestFile
    const finished = this.#finished.get(manifestPath)
    if (finished !== undefined) return { ...manifest.manifestFile, manifestPath: finished }
    // A name that an earlier attempt failed to write is not tried again.
    const location = await this.#writeOnce(table.io, manifest.bytes, signal, (name) =>
      name === 1 && !this.written.has(manifestPath) ? manifestPath : this.nextManifestLocation(table.metadata),
    )
    this.#finished.set(manifestPath, location)
    return { ...manifest.manifestFile, manifestPath: location }
  }

  /** Writes a manifest list; no attempt writes over the list of another. */
  writeManifestList(table: LoadedTable, bytes: Uint8Array, stem: string, signal: AbortSignal | undefined): Promise<string> {
    const suffix = (name: number): string => (name === 1 ? '' : `-${name}`)
    return this.#writeOnce(table.io, bytes, signal, (name) =>
      metadataFileLocation(table.metadata, `${stem}-${this.commitUuid}${suffix(name)}.avro`),
    )
  }

  /** When the store cannot say whether a name was taken by this very write, the next name is. */
  async #writeOnce(io: FileIO, body: Uint8Array, signal: AbortSignal | undefined, locationOf: (name: number) => string): Promise<string> {
    for (let name = 1; ; name++) {
      const location = locationOf(name)
      this.written.add(location)
      try {
        const status = await io.write(location, body, { ifNoneMatch: '*', signal })
        if (status.sizeBytes === body.length) return location
        throw new FloeError('UNAVAILABLE', `the store kept ${status.sizeBytes} of ${body.length} bytes: try again`, { file: location })
      } catch (error) {
        if (name === MAX_NAMES || !isFloeError(error, 'ALREADY_EXISTS', 'COMMIT_STATE_UNKNOWN')) throw toDefiniteError(error, location)
      }
    }
  }
}

/** A file that nothing refers to yet leaves no doubt about the table, whatever became of it. */
function toDefiniteError(error: unknown, location: string): unknown {
  if (!isFloeError(error, 'ALREADY_EXISTS', 'COMMIT_STATE_UNKNOWN')) return error
  return new FloeError('UNAVAILABLE', 'the store does not say whether it has written a new manifest: try again', { file: location, cause: error })
}

/** The options of a writer of manifests of one spec. */
export function manifestWriterOptions(
  metadata: TableMetadata,
  manifests: { readonly specId: number; readonly content: ManifestContent; readonly snapshotId: bigint },
): ManifestWriterOptions {
  return {
    formatVersion: metadata.formatVersion,
    content: manifests.content,
    spec: specById(metadata, manifests.specId),
    schema: currentSchema(metadata),
    partitionType: tupleType(metadata, manifests.specId),
    snapshotId: manifests.snapshotId,
    compression: manifestCompression(metadata.properties),
  }
}

/** Files that come into manifests. */
export interface AddedEntries {
  readonly files: readonly DataFile[]
  /** Data sequence number instead of that of the commit: of all, or of each. */
  readonly sequenceNumber?: bigint | ((file: DataFile) => bigint) | undefined
}

/**
 * Manifests that add `files`, all of one spec, each about `commit.manifest.target-size-bytes` long. The files inherit the data
 * sequence number of the commit unless they are given one.
 */
export function encodeAddedFiles(
  metadata: TableMetadata,
  { files, sequenceNumber }: AddedEntries,
  options: ManifestWriterOptions,
  nextLocation: () => string,
): readonly NewManifest[] {
  const targetBytes = readInteger(metadata.properties, tableProperties.manifestTargetSizeBytes)
  const manifests: NewManifest[] = []
  let writer = new ManifestWriter(options)
  const finish = (): void => {
    manifests.push(writer.finish(nextLocation()))
  }
  for (const file of files) {
    if (writer.entryCount > 0 && writer.entryCount % ENTRIES_PER_SIZE_CHECK === 0 && writer.estimatedBytes >= targetBytes) {
      finish()
      writer = new ManifestWriter(options)
    }
    writer.added(file, typeof sequenceNumber === 'function' ? sequenceNumber(file) : sequenceNumber)
  }
  if (writer.entryCount > 0) finish()
  return manifests
}
