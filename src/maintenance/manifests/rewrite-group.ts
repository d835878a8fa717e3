import { inflateBlocksAsync, readContainer } from '../../avro/container.js'
import type { AvroRecord } from '../../avro/avro-schema.js'
import type { AvroOutput } from '../../avro/avro-output.js'
import { compileEncoder, type Encode } from '../../avro/encoder.js'
import { manifestWriterOptions } from '../../commit/manifest-output.js'
import type { SnapshotAttempt } from '../../commit/snapshot-operation.js'
import { throwIfAborted } from '../../io/aborted.js'
import { mapOrdered } from '../../io/ordered-prefetch.js'
import { CopiedManifestWriter } from '../../manifest/copied-manifest-writer.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import { EncodedEntries, entryCopyPlan, type EntryCopyPlan } from '../../manifest/entry-copy.js'
import type { ManifestEntries } from '../../manifest/manifest-entries.js'
import { decodeManifestBlocks } from '../../manifest/manifest-reader.js'
import { manifestEntrySchema } from '../../manifest/manifest-schema.js'
import { entryRecord, type ManifestWriterOptions } from '../../manifest/manifest-writer.js'
import type { Value } from '../../schema/type.js'
import type { Runtime } from '../../util/runtime.js'
import { EntrySorter } from './entry-sorter.js'
import type { ManifestGroup } from './select-manifests.js'

/** Manifests that are fetched and inflated while one is being copied. */
const MANIFESTS_AHEAD = 2
/** Manifests that are being finished and written while the next one is filled. */
const WRITES_AHEAD = 2
const SAMPLED_PARTITIONS = 1000
/** Longer tuples are decoded each time. */
const MAX_KEY_BYTES = 4096
/** What was read counts this much less than what is written when it comes to how far entries compress. */
const INPUT_WEIGHT = 16

export interface RewriteGroupOptions {
  readonly targetSizeBytes: number
  readonly memoryBudgetBytes: number
  readonly spillDirectory?: string | undefined
  readonly runtime: Runtime
  /** Called after every manifest that was read. */
  readonly onManifest?: ((manifest: ManifestFile) => void) | undefined
}

export interface RewrittenGroup {
  readonly manifests: readonly ManifestFile[]
  readonly entries: number
  /** Some of the partitions that the entries are of, evenly chosen. */
  readonly partitions: readonly (readonly Value[])[]
}

/**
 * Writes the live entries of a group's manifests to new ones, in the order of their partitions. Every entry keeps its bytes where
 * the schema it was written with allows, and gets explicit what it inherited: snapshot, sequence numbers, first row id.
 * Spec: Manifests › Sequence Number Inheritance, First Row ID Inheritance. Source: `BaseRewriteManifests.performRewrite`
 */
export async function rewriteGroup(group: ManifestGroup, attempt: SnapshotAttempt, options: RewriteGroupOptions): Promise<RewrittenGroup> {
  const { content, specId, order } = group
  const writerOptions = manifestWriterOptions(attempt.current.metadata, { specId, content, snapshotId: attempt.snapshotId })
  const sorter = new EntrySorter(order, options)
  try {
    const reader = new GroupReader(writerOptions, group, attempt)
    const inputs = await reader.readAll(sorter, options.onManifest)
    const output = { attempt, targetSizeBytes: options.targetSizeBytes, inputs }
    const manifests = await new SortedWriter(sorter, writerOptions, output).writeAll()
    const step = Math.max(1, sorter.tuples.length / SAMPLED_PARTITIONS)
    const length = Math.min(sorter.tuples.length, SAMPLED_PARTITIONS)
    const partitions = Array.from({ length }, (_, i) => sorter.tuples[Math.floor(i * step)]!)
    return { manifests, entries: sorter.count, partitions }
  } finally {
    await sorter.remove()
  }
}

/** What the manifests read took before and after they were inflated. */
interface InputBytes {
  storedBytes: number
  rawBytes: number
}

class GroupReader {
  readonly #schema: AvroRecord
  readonly #encode: Encode
  readonly #plans = new Map<string, EntryCopyPlan | undefined>()

  constructor(
    private readonly writer: ManifestWriterOptions,
    private readonly group: ManifestGroup,
    private readonly attempt: SnapshotAttempt,
  ) {
    this.#schema = manifestEntrySchema(writer.formatVersion, group.order.type)
    this.#encode = compileEncoder(this.#schema)
  }

  async readAll(sorter: EntrySorter, onManifest: RewriteGroupOptions['onManifest']): Promise<InputBytes> {
    const bytes: InputBytes = { storedBytes: 0, rawBytes: 0 }
    const { signal } = this.attempt.context
    const load = (manifest: ManifestFile): ReturnType<GroupReader['load']> => this.load(manifest)
    for await (const loaded of mapOrdered(this.group.manifests, MANIFESTS_AHEAD, load)) {
      throwIfAborted(signal)
      bytes.storedBytes += loaded.manifest.manifestLengthBytes
      for (const block of loaded.blocks) bytes.rawBytes += block.length
      await this.#copy(loaded, sorter)
      onManifest?.(loaded.manifest)
    }
    return bytes
  }

  async load(manifest: ManifestFile): Promise<{
    readonly manifest: ManifestFile
    readonly container: ReturnType<typeof readContainer>
    readonly blocks: readonly Uint8Array[]
  }> {
    const { current, context } = this.attempt
    const container = readContainer(await current.io.read(manifest.manifestPath, { signal: context.signal }), manifest.manifestPath)
    return { manifest, container, blocks: await inflateBlocksAsync(container) }
  }

  async #copy({ manifest, container, blocks }: Awaited<ReturnType<GroupReader['load']>>, sorter: EntrySorter): Promise<void> {
    const partitionType = this.group.order.type
    const plan = this.#planOf(container.schemaText, manifest.manifestPath)
    if (plan !== undefined) await copyEncoded(new EncodedEntries(manifest, { container, blocks }, plan, partitionType), sorter)
    else await this.#copyDecoded(decodeManifestBlocks(manifest, container, blocks, { partitionType }), sorter)
  }

  #planOf(schemaText: string, file: string): EntryCopyPlan | undefined {
    if (!this.#plans.has(schemaText)) {
      this.#plans.set(schemaText, entryCopyPlan(schemaText, { schema: this.#schema, version: this.writer.formatVersion }, file))
    }
    return this.#plans.get(schemaText)
  }

  async #copyDecoded(entries: ManifestEntries, sorter: EntrySorter): Promise<void> {
    const { formatVersion } = this.writer
    for (let i = 0; i < entries.count; i++) {
      if (!entries.isLive(i)) continue
      const entry = entries.entry(i)
      const { sequenceNumber, dataFile } = entry
      // Early writers of v2, who left out file sequence numbers, gave no file a data sequence number of another commit.
      const existing = { ...entry, status: 'existing', fileSequenceNumber: entry.fileSequenceNumber ?? sequenceNumber } as const
      const partition = sorter.numberOf(dataFile.partition)
      const encode = (output: AvroOutput): void => {
        this.#encode(output, entryRecord(existing, formatVersion))
      }
      const full = sorter.add({ partition, sequenceNumber, recordCount: dataFile.recordCount }, encode)
      if (full !== undefined) await full
    }
  }
}

async function copyEncoded(entries: EncodedEntries, sorter: EntrySorter): Promise<void> {
  const numbers = new Map<string, number>()
  const numberOf = (i: number): number => {
    const bytes = entries.partitionBytes(i)
    if (bytes.length > MAX_KEY_BYTES) return sorter.numberOf(entries.partition(i))
    const key = String.fromCharCode(...bytes)
    let number = numbers.get(key)
    if (number === undefined) {
      number = sorter.numberOf(entries.partition(i))
      numbers.set(key, number)
    }
    return number
  }
  for (let i = 0; i < entries.count; i++) {
    if (!entries.isLive(i)) continue
    const entry = { partition: numberOf(i), sequenceNumber: entries.sequenceNumber[i]!, recordCount: entries.recordCount[i]! }
    const full = sorter.add(entry, (output) => {
      entries.encode(i, output)
    })
    if (full !== undefined) await full
  }
}

interface SortedOutput {
  readonly attempt: SnapshotAttempt
  readonly targetSizeBytes: number
  readonly inputs: InputBytes
}

/** Writes manifests of about the same size, none far over the target size. */
class SortedWriter {
  readonly #written: Promise<ManifestFile>[] = []
  /** How far blocks compress is known from those before, and at first from what was read. */
  readonly #packed: InputBytes
  #writer: CopiedManifestWriter | undefined

  constructor(
    private readonly sorter: EntrySorter,
    private readonly options: ManifestWriterOptions,
    private readonly output: SortedOutput,
  ) {
    const { storedBytes, rawBytes } = output.inputs
    this.#packed = { rawBytes: Math.max(1, rawBytes / INPUT_WEIGHT), storedBytes: storedBytes / INPUT_WEIGHT }
  }

  async writeAll(): Promise<ManifestFile[]> {
    try {
      await this.#writeEntries()
      return await Promise.all(this.#written)
    } finally {
      await Promise.allSettled(this.#written)
    }
  }

  async #writeEntries(): Promise<void> {
    const { sorter, output } = this
    let partition = -1
    for await (const entry of sorter.sorted()) {
      throwIfAborted(output.attempt.context.signal)
      if (this.#writer !== undefined && this.#isFull(this.#writer)) await this.#roll(this.#writer)
      if (this.#writer === undefined) partition = -1
      const writer = (this.#writer ??= new CopiedManifestWriter(this.options))
      if (entry.partition !== partition) writer.startPartition(sorter.tuples[entry.partition]!)
      partition = entry.partition
      const busy = writer.add(entry)
      if (busy !== undefined) await busy
    }
    if (this.#writer !== undefined) await this.#roll(this.#writer)
  }

  #isFull(open: CopiedManifestWriter): boolean {
    const { sorter, output } = this
    const ratio = (this.#packed.storedBytes + open.compressed.packedBytes) / (this.#packed.rawBytes + open.compressed.rawBytes)
    const planned = Math.max(1, Math.ceil((sorter.rawBytes * ratio) / output.targetSizeBytes))
    return open.rawBytes >= sorter.rawBytes / planned
  }

  async #roll(full: CopiedManifestWriter): Promise<void> {
    this.#writer = undefined
    const finished = this.#finish(full)
    finished.catch(() => undefined)
    this.#written.push(finished)
    await this.#written.at(-1 - WRITES_AHEAD)
  }

  async #finish(full: CopiedManifestWriter): Promise<ManifestFile> {
    const { current, output, context } = this.output.attempt
    const manifest = await full.finish(output.nextManifestLocation(current.metadata))
    this.#packed.rawBytes += full.compressed.rawBytes
    this.#packed.storedBytes += full.compressed.packedBytes
    return output.writeManifest(current, manifest, context.signal)
  }
}
