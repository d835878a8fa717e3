import { inflateBlock, metadataText, readContainer, type AvroContainer } from '../avro/container.js'
import type { StructType } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import type { ManifestFile } from './data-file.js'
import { CodeColumn, entryPlan, LongColumn, SizeColumn, type EntryPlan } from './entry-plan.js'
import { EntryColumns, EntryWalker } from './entry-walker.js'
import { ManifestEntries, STATUS_ADDED, STATUS_DELETED } from './manifest-entries.js'

const DEFAULT_MAX_INFLATED_BYTES = 2 ** 30

export interface DecodeManifestOptions {
  /** The struct of the tuples: `partitionType` of the manifest's own spec, not of the table's current one. */
  readonly partitionType: StructType
  /**
   * False for a manifest that no snapshot has listed yet: explicit first row ids are then kept although the manifest has none.
   * Default true.
   */
  readonly committed?: boolean
  /** What all blocks together may inflate to. Default 1 GiB. */
  readonly maxInflatedBytes?: number
  /** Called with the inflated blocks when the entries have given them up. */
  readonly release?: (blocks: readonly Uint8Array[]) => void
}

/**
 * Decodes a manifest file. What entries inherit comes from `manifest`, its record in the manifest list.
 * Throws `CORRUPT`, naming the file, on anything that is not a manifest.
 */
export function decodeManifest(manifest: ManifestFile, bytes: Uint8Array, options: DecodeManifestOptions): ManifestEntries {
  const container = readContainer(bytes, manifest.manifestPath)
  const limit = options.maxInflatedBytes ?? DEFAULT_MAX_INFLATED_BYTES
  let inflatedBytes = 0
  const blocks = container.blocks.map((block) => {
    const inflated = inflateBlock(container, block, limit - inflatedBytes)
    inflatedBytes += inflated.length
    return inflated
  })
  return decodeManifestBlocks(manifest, container, blocks, options)
}

/**
 * {@link decodeManifest} for a caller that inflated the blocks of `container` itself, perhaps in parallel
 * (`inflateBlocksAsync`): `blocks[k]` is the content of `container.blocks[k]`.
 */
export function decodeManifestBlocks(
  manifest: ManifestFile,
  container: AvroContainer,
  blocks: readonly Uint8Array[],
  options: DecodeManifestOptions,
): ManifestEntries {
  const plan = entryPlan(container.schemaText, container.file)
  const columns = walkEntries(manifest, { container, blocks, plan }, options.committed ?? true)
  const inflate = (block: number): Uint8Array => inflateBlock(container, container.blocks[block]!)
  return new ManifestEntries({ manifest, plan, columns, blocks, partitionType: options.partitionType, inflate, release: options.release })
}

/** The columns that `plan` makes of a manifest's entries, after inheritance. `committed`: as in {@link DecodeManifestOptions}. */
export function walkEntries(
  manifest: ManifestFile,
  { container, blocks, plan }: { readonly container: AvroContainer; readonly blocks: readonly Uint8Array[]; readonly plan: EntryPlan },
  committed: boolean,
): EntryColumns {
  const columns = new EntryColumns(countEntries(container, blocks, plan))
  const walker = new EntryWalker(plan, columns, container.file)
  let firstRow = 0
  for (const [index, block] of container.blocks.entries()) {
    walker.walkBlock(blocks[index]!, index, { firstRow, count: block.count })
    firstRow += block.count
  }
  inheritSequenceNumbers(manifest, columns)
  inheritFirstRowIds(manifest, columns, committed)
  return columns
}

/**
 * The list record of a manifest that v1 metadata names directly (`snapshot.manifests`), as far as the file itself tells.
 * Throws `CORRUPT` when `bytes` is not a manifest.
 */
export function inlineManifestFile(location: string, bytes: Uint8Array, snapshotId: bigint): ManifestFile {
  const container = readContainer(bytes, location)
  const specId = Number(metadataText(container, 'partition-spec-id') ?? 0)
  if (!Number.isInteger(specId)) throw new FloeError('CORRUPT', 'The manifest has a partition-spec-id that is not an integer', { file: location })
  return {
    manifestPath: location,
    manifestLengthBytes: bytes.length,
    partitionSpecId: specId,
    content: metadataText(container, 'content') === 'deletes' ? 'deletes' : 'data',
    sequenceNumber: 0n,
    minSequenceNumber: 0n,
    addedSnapshotId: snapshotId,
    addedFilesCount: undefined,
    existingFilesCount: undefined,
    deletedFilesCount: undefined,
    addedRowsCount: undefined,
    existingRowsCount: undefined,
    deletedRowsCount: undefined,
    partitions: undefined,
    keyMetadata: undefined,
    firstRowId: undefined,
  }
}

/** The declared counts, once it is sure that the blocks can hold them. */
function countEntries(container: AvroContainer, blocks: readonly Uint8Array[], plan: EntryPlan): number {
  let count = 0
  for (const [index, block] of container.blocks.entries()) {
    const bytes = blocks[index]?.length ?? 0
    if (block.count * plan.minEntryBytes > bytes) {
      const problem = `it claims ${block.count} entries in a block of ${bytes} bytes`
      throw new FloeError('CORRUPT', `Corrupt manifest: ${problem}`, { file: container.file })
    }
    count += block.count
  }
  return count
}

// Spec: Manifests › Sequence Number Inheritance
function inheritSequenceNumbers(manifest: ManifestFile, columns: EntryColumns): void {
  const status = columns.codes[CodeColumn.status]!
  const present = columns.present
  const snapshotBit = 1 << LongColumn.snapshotId
  const dataBit = 1 << LongColumn.sequenceNumber
  const fileBit = 1 << LongColumn.fileSequenceNumber
  const all = snapshotBit | dataBit | fileBit
  for (let i = 0; i < columns.count; i++) {
    if ((present[i]! & all) === all) continue
    if ((present[i]! & snapshotBit) === 0) columns.longs[LongColumn.snapshotId]![i] = manifest.addedSnapshotId
    // A manifest of sequence number 0 was written by v1, where every file has sequence number 0.
    const inherits = status[i] === STATUS_ADDED || manifest.sequenceNumber === 0n
    if ((present[i]! & dataBit) === 0) {
      if (inherits) columns.longs[LongColumn.sequenceNumber]![i] = manifest.sequenceNumber
      else if (status[i] !== STATUS_DELETED) {
        throw new FloeError('CORRUPT', `Entry ${i} of the manifest is existing but has no sequence number`, { file: manifest.manifestPath })
      }
    }
    if ((present[i]! & fileBit) === 0 && inherits) {
      columns.longs[LongColumn.fileSequenceNumber]![i] = manifest.sequenceNumber
      present[i]! |= fileBit
    }
    present[i]! |= snapshotBit
  }
}

// Spec: Manifests › First Row ID Inheritance
function inheritFirstRowIds(manifest: ManifestFile, columns: EntryColumns, committed: boolean): void {
  const present = columns.present
  const bit = 1 << LongColumn.firstRowId
  if (manifest.content === 'deletes' || manifest.firstRowId === undefined) {
    // The reference as well takes ids of a manifest that has none itself for leftovers of an upgrade.
    if (manifest.content === 'deletes' || committed) for (let i = 0; i < columns.count; i++) present[i]! &= ~bit
    return
  }
  const status = columns.codes[CodeColumn.status]!
  const recordCount = columns.sizes[SizeColumn.recordCount]!
  const firstRowIds = columns.longs[LongColumn.firstRowId]!
  let next = manifest.firstRowId
  for (let i = 0; i < columns.count; i++) {
    if ((present[i]! & bit) !== 0 || status[i] === STATUS_DELETED) continue
    firstRowIds[i] = next
    present[i]! |= bit
    next += BigInt(recordCount[i]!)
  }
}
