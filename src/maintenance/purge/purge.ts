/**
 * Erasure with proof: rows go from every branch, from the snapshots that led there and from the objects behind them; then all that
 * is left is searched for them, and what is found is told.
 */
import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { printTableIdentifier } from '../../catalog/table-identifier.js'
import { metadataOperation } from '../../commit/commit-operation.js'
import { commitTable, completed } from '../../commit/commit-table.js'
import type { DmlContext } from '../../dml/dml-context.js'
import type { Expression } from '../../expression/expression.js'
import { expressionText } from '../../expression/print.js'
import { currentSchema } from '../../metadata/metadata-lookup.js'
import { readBoolean, tableProperties } from '../../metadata/table-properties.js'
import type { SnapshotRef } from '../../snapshot/snapshot.js'
import { FloeError } from '../../util/errors.js'
import { expireSnapshots } from '../expire/expire-snapshots.js'
import { HolderFinder } from './find-holders.js'
import { eraseRows } from './erase-rows.js'
import { LeftoverSweep } from './leftover-sweep.js'
import { checkPurgeOptions, type PurgeOptions } from './purge-options.js'
import { sealReport, type HeldData, type PurgedBranch, type PurgeReport } from './purge-report.js'
import { PurgeTarget } from './purge-target.js'
import { VersionSweep, type VersionsFound } from './version-sweep.js'

/**
 * Removes the rows that a filter selects, for good, and reports what was removed and what still holds them. Branches are rewritten,
 * tags that hold the rows are dropped unless they are to be kept, snapshots that hold them expire whatever their age, earlier
 * metadata files go, and earlier versions of objects where the store keeps some. Then every object of the table is searched.
 *
 * Rows that others add while it runs are found by the search, and reported as held.
 *
 * @throws FloeError `INVALID` for a filter that selects all rows or none, and with `gc.enabled=false`; `CONFLICT` when others
 * changed the same rows
 */
export async function purge(
  context: DmlContext,
  filter: Expression,
  options: PurgeOptions = {},
): Promise<{ readonly result: PurgeReport; readonly table: LoadedTable | undefined }> {
  const loaded = await completed(context.loaded)
  checkPurgeOptions(options)
  if (!readBoolean(loaded.metadata.properties, tableProperties.gcEnabled)) {
    throw new FloeError('INVALID', 'The table has gc.enabled=false: its files may belong to others, so nothing can be purged; set the property first')
  }
  return new PurgeRun({ ...context, loaded }, filter, options).run()
}

class PurgeRun {
  readonly #target: PurgeTarget
  readonly #finder: HolderFinder
  readonly #held: HeldData[] = []
  readonly #deleted = new Set<string>()
  readonly #branches: PurgedBranch[] = []
  #context: DmlContext
  #droppedTags: readonly string[] = []
  #expired: readonly bigint[] = []
  #hasCommitted = false

  constructor(
    context: DmlContext,
    filter: Expression,
    private readonly options: PurgeOptions,
  ) {
    this.#context = context
    this.#target = new PurgeTarget(context, filter, options)
    this.#finder = new HolderFinder(context, this.#target, options.signal)
  }

  async run(): Promise<{ readonly result: PurgeReport; readonly table: LoadedTable | undefined }> {
    const startedMs = this.#context.runtime.now()
    this.#tell('plan')
    const holders = await this.#finder.snapshotsOf(this.#context.loaded)
    const { dryRun = false } = this.options
    for (const [name, ref] of this.#refsOf(holders)) await this.#handleRef(name, ref)
    if (dryRun) {
      this.#expired = [...holders]
      for (const file of this.#finder.files) this.#deleted.add(file)
      return { result: this.#report(startedMs, undefined, undefined), table: undefined }
    }
    await this.#dropTags()
    await this.#expireHolders()
    const sweep = new LeftoverSweep(this.#context, this.#target, this.options)
    if (this.#hasCommitted) for (const file of await sweep.trimMetadata()) this.#deleted.add(file)
    this.#tell('scan')
    const { deleted, held } = await sweep.run()
    for (const file of deleted) this.#deleted.add(file)
    this.#held.push(...held)
    const versions = await new VersionSweep(this.#context, sweep.scanner, this.#target.keys).run(this.#deleted)
    this.#held.push(...versions.held)
    return { result: this.#report(startedMs, sweep, versions), table: this.#hasCommitted ? this.#context.loaded : undefined }
  }

  #tell(phase: 'plan' | 'rewrite' | 'expire' | 'delete' | 'scan'): void {
    this.options.onProgress?.({ phase, objects: this.#deleted.size, rows: 0 })
  }

  /** Branches and tags whose heads hold rows, branches first. */
  #refsOf(holders: ReadonlySet<bigint>): readonly (readonly [string, SnapshotRef])[] {
    const { refs } = this.#context.loaded.metadata
    return [...refs].filter(([, ref]) => holders.has(ref.snapshotId)).sort(([, a], [, b]) => Number(a.type === 'tag') - Number(b.type === 'tag'))
  }

  async #handleRef(name: string, ref: SnapshotRef): Promise<void> {
    const { branches, tags = 'drop' } = this.options
    if (ref.type === 'tag' && tags === 'drop') {
      this.#droppedTags = [...this.#droppedTags, name]
      return
    }
    if (ref.type === 'tag' || (branches !== undefined && !branches.includes(name))) {
      this.#held.push({ kind: ref.type, name, reason: 'It was asked to be kept', ...this.#untilOf(ref) })
      return
    }
    const erased = await eraseRows(this.#context, name, { target: this.#target, finder: this.#finder, options: this.options })
    this.#branches.push(erased.result)
    this.#moveTo(erased.table)
  }

  /** When the retention of a reference lets it go by itself. */
  #untilOf(ref: SnapshotRef): { readonly until?: string } {
    const snapshot = this.#context.loaded.metadata.snapshots.find(({ snapshotId }) => snapshotId === ref.snapshotId)
    if (ref.maxRefAgeMs === undefined || snapshot === undefined) return {}
    return { until: isoTime(snapshot.timestampMs + ref.maxRefAgeMs) }
  }

  #moveTo(table: LoadedTable): void {
    this.#hasCommitted ||= table !== this.#context.loaded
    this.#context = { ...this.#context, loaded: table }
  }

  async #dropTags(): Promise<void> {
    const names = this.#droppedTags
    if (names.length === 0) return
    const { backend, loaded, runtime } = this.#context
    const operation = metadataOperation('purge of tags', ({ refs }) =>
      names.filter((name) => refs.get(name)?.type === 'tag').map((name) => ({ action: 'remove-snapshot-ref', name })),
    )
    const { table } = await commitTable(backend, loaded, operation, { runtime, signal: this.options.signal })
    this.#moveTo(table)
  }

  /** Everything that leads to the rows and is the head of nothing. */
  async #expireHolders(): Promise<void> {
    this.#tell('expire')
    const { loaded } = this.#context
    const holders = await this.#finder.snapshotsOf(loaded)
    const heads = new Set([...loaded.metadata.refs.values()].map(({ snapshotId }) => snapshotId))
    const snapshotIds = [...holders].filter((id) => !heads.has(id))
    if (snapshotIds.length === 0) return
    const { result, table } = await expireSnapshots(this.#context, { snapshotIds, olderThan: 0, signal: this.options.signal })
    this.#expired = result.expiredSnapshots
    for (const { location } of result.files) this.#deleted.add(location)
    for (const { location, message } of result.heldFiles) this.#held.push({ kind: 'object', name: this.#target.keys.mask(location), reason: message })
    if (table !== undefined) this.#moveTo(table)
  }

  #report(startedMs: number, sweep: LeftoverSweep | undefined, versions: VersionsFound | undefined): PurgeReport {
    const { loaded, runtime } = this.#context
    const { keys } = this.#target
    const { includeFilter = false, dryRun = false } = this.options
    const mask = (text: string): string => keys.mask(text)
    const schema = currentSchema(loaded.metadata)
    const columns = [...this.#target.fieldIds].map((id) => schema.pathOf(id) ?? String(id)).join(', ')
    const counts = { keys: keys.size, byteForms: keys.needles.size }
    const scan = sweep === undefined ? undefined : { ...sweep.scanner.totals, ...counts, undecoded: sweep.scanner.undecoded }
    const isSure = scan !== undefined && scan.undecoded.length === 0 && (versions?.state === 'none' || versions?.state === 'scanned')
    return sealReport(withoutUndefined({
      table: printTableIdentifier(loaded.identifier),
      tableUuid: loaded.metadata.tableUuid,
      filter: includeFilter ? expressionText(this.#target.bound) : `a filter of ${columns}`,
      startedAt: isoTime(startedMs),
      finishedAt: isoTime(runtime.now()),
      dryRun,
      branches: this.#branches,
      droppedTags: this.#droppedTags,
      expiredSnapshots: this.#expired.map(String),
      deletedObjects: [...this.#deleted].map(mask).sort(),
      deletedVersions: (versions?.deleted ?? []).map(({ location, versionId }) => ({ location: mask(location), versionId })),
      objectVersions: versions?.state ?? 'unknown',
      held: this.#held,
      scan,
      isErased: !dryRun && this.#held.length === 0 && isSure,
    }))
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** So that the report, read back from its JSON, has the same digest. */
function withoutUndefined<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
