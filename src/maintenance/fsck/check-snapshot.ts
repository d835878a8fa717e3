import { isVector, manifestKey, referencedDataFile } from '../../manifest/file-identity.js'
import { readManifestFiles, tupleType } from '../../commit/manifest-input.js'
import { mayHaveLiveFiles } from '../../commit/added-manifests.js'
import { mapOrdered } from '../../io/ordered-prefetch.js'
import type { DataFile, ManifestFile } from '../../manifest/data-file.js'
import type { ManifestEntries } from '../../manifest/manifest-entries.js'
import { decodeManifest } from '../../manifest/manifest-reader.js'
import { summaryCount } from '../../snapshot/snapshot-summary.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { checkContentFiles } from './check-content-files.js'
import { checkLength, checkManifest } from './check-manifest.js'
import type { FindingPlace } from './finding.js'
import { inSnapshot, type FsckContext } from './fsck-context.js'
import { LiveFiles } from './live-files.js'
import { LocationIndex } from './location-index.js'
import { SnapshotTotals } from './snapshot-totals.js'

/** Manifests that are fetched ahead. */
const MANIFESTS_AHEAD = 3

/** Checks one snapshot: its manifest list, its manifests, and how its files go together. */
export async function checkSnapshot(context: FsckContext, snapshot: Snapshot): Promise<void> {
  context.totals.snapshots++
  const codes = { missing: 'manifest-list-missing', damaged: 'manifest-list-damaged' } as const
  const place = { ...inSnapshot(snapshot), manifest: snapshot.manifestList }
  const { signal } = context.caller
  const manifests = await context.reading(codes, place, () => readManifestFiles(context.table.loaded, snapshot, { signal }))
  if (manifests === undefined) return
  await new SnapshotCheck(context, snapshot, checkedList(context, snapshot, manifests)).run()
}

/** The manifests of a list that can be read at all, each once. */
function checkedList(context: FsckContext, snapshot: Snapshot, manifests: readonly ManifestFile[]): readonly ManifestFile[] {
  const specs = new Set(context.metadata.partitionSpecs.map((spec) => spec.specId))
  const seen = new Set<string>()
  return manifests.filter((manifest) => {
    const place = { ...inSnapshot(snapshot), manifest: manifest.manifestPath }
    if (seen.has(manifest.manifestPath)) {
      context.find('manifest-twice', 'The manifest list has it twice', place)
      return false
    }
    seen.add(manifest.manifestPath)
    if (!specs.has(manifest.partitionSpecId)) {
      context.find('manifest-spec', `It is of partition spec ${manifest.partitionSpecId}`, place)
      return false
    }
    return true
  })
}

const MANIFEST_CODES = { missing: 'manifest-missing', damaged: 'manifest-damaged' } as const

class SnapshotCheck {
  readonly #live = new LiveFiles()
  readonly #vectors = new LocationIndex()
  readonly #deletes = new LocationIndex()
  readonly #totals = new SnapshotTotals()
  readonly #globalSpecs: ReadonlySet<number>
  /** Whether every manifest could be read: else nothing can be said of the whole. */
  #isComplete = true

  constructor(
    private readonly context: FsckContext,
    private readonly snapshot: Snapshot,
    private readonly manifests: readonly ManifestFile[],
  ) {
    const { partitionSpecs } = context.metadata
    this.#globalSpecs = new Set(partitionSpecs.filter(({ fields }) => fields.every(({ transform }) => transform === 'void')).map(({ specId }) => specId))
  }

  async run(): Promise<void> {
    await this.#each('data', (entries) => this.#addData(entries))
    await this.#checkRowIds()
    await this.#each('deletes', (entries) => this.#checkDeletes(entries))
    if (this.#isComplete) this.#checkSummary()
  }

  async #each(content: ManifestFile['content'], visit: (entries: ManifestEntries) => void): Promise<void> {
    const { context } = this
    const own = this.manifests.filter((manifest) => manifest.content === content)
    for await (const entries of mapOrdered(own, MANIFESTS_AHEAD, (manifest) => this.#load(manifest))) {
      context.advance()
      // Members of entries are decoded where they are looked at, and may turn out to be damaged as late as that.
      const place = { ...inSnapshot(this.snapshot), manifest: entries?.manifest.manifestPath }
      const isWhole = entries !== undefined && (await context.reading(MANIFEST_CODES, place, () => this.#inspect(entries, visit)))
      if (isWhole !== true) this.#isComplete = false
    }
  }

  async #inspect(entries: ManifestEntries, visit: (entries: ManifestEntries) => void): Promise<true> {
    const { context } = this
    const isNew = context.seenManifests.add(manifestKey(entries.manifest)).isNew
    if (isNew) {
      context.totals.manifests++
      checkManifest(context, entries, this.snapshot)
    }
    visit(entries)
    if (mayHaveLiveFiles(entries.manifest) || isNew) {
      await checkContentFiles(context, entries, { live: this.#live, ...inSnapshot(this.snapshot) })
    }
    return true
  }

  async #load(manifest: ManifestFile): Promise<ManifestEntries | undefined> {
    const { context, snapshot } = this
    return context.reading(MANIFEST_CODES, { ...inSnapshot(snapshot), manifest: manifest.manifestPath }, async () => {
      const bytes = await context.io.read(manifest.manifestPath, { signal: context.caller.signal })
      checkLength(context, manifest, bytes, snapshot)
      return decodeManifest(manifest, bytes, { partitionType: tupleType(context.metadata, manifest.partitionSpecId) })
    })
  }

  #addData(entries: ManifestEntries): void {
    const { context, snapshot } = this
    for (let i = 0; i < entries.count; i++) {
      if (!entries.isLive(i) || entries.content[i] !== 0) continue
      const filePath = entries.filePath(i)
      const [recordCount, sequenceNumber] = [entries.recordCount[i]!, entries.sequenceNumber[i]!]
      const place = (): FindingPlace => ({ ...inSnapshot(snapshot), manifest: entries.manifest.manifestPath, file: filePath })
      const partition = this.#live.partitionOf(entries.specId, entries.partition(i))
      const firstRowId = entries.firstRowId(i)
      this.#totals.add(entries.dataFile(i, { stats: false }))
      if (!this.#live.add(filePath, { recordCount, sequenceNumber, partition }, firstRowId)) context.find('file-twice', 'Two live entries list it', place())
    }
  }

  /** Names the file whose row ids begin within those of another. */
  async #checkRowIds(): Promise<void> {
    const overlap = this.#live.overlappingRowIds()
    if (overlap === undefined) return
    const paths: string[] = []
    for (const manifest of this.manifests.filter(({ content }) => content === 'data')) {
      const entries = await this.#load(manifest)
      for (let i = 0; i < (entries?.count ?? 0); i++) {
        const firstRowId = entries!.firstRowId(i)
        if (entries!.isLive(i) && (firstRowId === overlap.first || firstRowId === overlap.before)) paths.push(entries!.filePath(i))
      }
    }
    const message = `Its row ids begin at ${overlap.first}, and those of ${paths[0] ?? 'another'} go from ${overlap.before} up to ${overlap.end}`
    this.context.find('row-ids-overlap', message, { ...inSnapshot(this.snapshot), file: paths[1] ?? paths[0] })
  }

  #checkDeletes(entries: ManifestEntries): void {
    for (let i = 0; i < entries.count; i++) {
      if (!entries.isLive(i)) continue
      const { dataFile, sequenceNumber } = entries.entry(i)
      this.#totals.add(dataFile)
      const place: FindingPlace = {
        ...inSnapshot(this.snapshot),
        manifest: entries.manifest.manifestPath,
        file: dataFile.filePath,
        offset: dataFile.contentOffset,
        dataFile: referencedDataFile(dataFile),
      }
      this.#checkTwice(dataFile, place)
      if (dataFile.content === 'equality-deletes') this.#checkEqualityScope(dataFile, sequenceNumber, place)
      else this.#checkPositionScope(dataFile, sequenceNumber, place)
    }
  }

  // Spec: Deletion Vectors › «At most one deletion vector is allowed per data file in a snapshot»
  #checkTwice(file: DataFile, place: FindingPlace): void {
    const { dataFile } = place
    if (isVector(file)) {
      if (dataFile !== undefined && !this.#vectors.add(dataFile).isNew) this.context.find('vector-twice', `Two live vectors are for ${dataFile}`, place)
    } else if (!this.#deletes.add(file.filePath).isNew) this.context.find('file-twice', 'Two live entries list it', place)
  }

  // Spec: Scan Planning: position deletes apply to data of their own commit and older
  #checkPositionScope(file: DataFile, sequenceNumber: bigint, place: FindingPlace): void {
    const { context } = this
    if (!this.#isComplete) return
    const partition = this.#live.partitionOf(file.specId, file.partition)
    if (place.dataFile === undefined) {
      const lowest = this.#live.lowestOf(partition)
      if (lowest === undefined || lowest > sequenceNumber) context.find('delete-dangling', 'No data file of its partition is as old as it', place)
      return
    }
    const data = this.#live.find(place.dataFile)
    if (data === undefined) context.find('delete-dangling', `Its data file ${place.dataFile} is not in the snapshot`, place)
    else if (data.sequenceNumber > sequenceNumber) {
      context.find('delete-dangling', `Its data file has the sequence number ${data.sequenceNumber}, above its own ${sequenceNumber}`, place)
    } else if (data.partition !== partition) context.find('delete-partition', `It is listed under another partition than ${place.dataFile}`, place)
  }

  // Spec: Scan Planning: equality deletes apply to strictly older data, everywhere when they are of a spec without partitions
  #checkEqualityScope(file: DataFile, sequenceNumber: bigint, place: FindingPlace): void {
    if (!this.#isComplete) return
    const isGlobal = this.#globalSpecs.has(file.specId)
    const lowest = isGlobal ? this.#live.lowestSequenceNumber : this.#live.lowestOf(this.#live.partitionOf(file.specId, file.partition))
    if (lowest === undefined || lowest >= sequenceNumber) {
      this.context.find('delete-dangling', `No data file ${isGlobal ? '' : 'of its partition '}is older than it`, place)
    }
  }

  #checkSummary(): void {
    const wrong: string[] = []
    for (const [name, count] of this.#totals.totals()) {
      const said = summaryCount(this.snapshot.summary, name)
      // A total that is not there says nothing.
      if (this.snapshot.summary.has(name) && said !== count) wrong.push(`${name} is ${this.snapshot.summary.get(name)!.slice(0, 24)} instead of ${count}`)
    }
    if (wrong.length > 0) this.context.find('summary-totals', `In its summary, ${wrong.join(', ')}`, inSnapshot(this.snapshot))
  }
}
