import type { CreateRefOptions } from '../table/branch-methods.js'
import type { Table } from '../table/table.js'
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { SnapshotRef } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import { displayWidth, padText, visibleText } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { durationOption } from './duration-option.js'
import { snapshotId } from './scan-options.js'
import { UsageError } from './usage-error.js'

type RefType = SnapshotRef['type']

const START = ['snapshot', 'ref'] as const
/** Of a tag, which has one snapshot, there is only the last. */
const RETENTION = ['min-snapshots-to-keep', 'max-snapshot-age', 'max-ref-age'] as const

const REF_OPTIONS = {
  snapshot: { type: 'string' },
  ref: { type: 'string' },
  'min-snapshots-to-keep': { type: 'string' },
  'max-snapshot-age': { type: 'string' },
  'max-ref-age': { type: 'string' },
} as const satisfies Record<(typeof START | typeof RETENTION)[number], object>

/** The options that an action takes; actions that are not here take none. */
const ACTION_OPTIONS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['create', [...START, ...RETENTION]],
  ['replace', START],
  ['retain', RETENTION],
])

const BRANCH_ACTIONS = ['list', 'create', 'replace', 'drop', 'rename', 'fast-forward', 'retain'] as const
const TAG_ACTIONS = ['list', 'create', 'replace', 'drop', 'retain'] as const

/** `floe branch`: lists and changes the branches of a table. */
export function branchVerb(args: readonly string[], environment: Environment): Promise<void> {
  return refVerb('branch', BRANCH_ACTIONS, args, environment)
}

/** `floe tag`: lists and changes the tags of a table. */
export function tagVerb(args: readonly string[], environment: Environment): Promise<void> {
  return refVerb('tag', TAG_ACTIONS, args, environment)
}

async function refVerb(type: RefType, actions: readonly string[], args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, REF_OPTIONS)
  const [, action = 'list', name, other, extra] = options.positionals
  if (!actions.includes(action)) throw new UsageError(`floe ${type} <table> takes one of ${actions.join(', ')}, not ${JSON.stringify(action)}`)
  const wanted = action === 'list' ? 0 : action === 'rename' || action === 'fast-forward' ? 2 : 1
  const given = [name, other, extra].filter((value) => value !== undefined).length
  if (given !== wanted) throw new UsageError(`floe ${type} <table> ${action} takes ${wanted === 0 ? 'no name' : wanted === 1 ? 'one name' : 'two names'}`)
  const change = { type, action, name: name ?? '', other: other ?? '' }
  checkOptions(change, options)
  const at = startAndRetention(options)
  await withTable(options, action === 'list' ? 'read' : 'change', async (table) => {
    if (action === 'list') await listRefs(table, type, options, environment)
    else await changeRef(table, { ...change, at }, options, environment)
  })
}

interface RefAction {
  readonly type: RefType
  readonly action: string
  readonly name: string
  readonly other: string
}

/** @throws UsageError for options that the action or the reference does not take, and for an action that needs one more */
function checkOptions({ type, action, name }: RefAction, options: CommandOptions): void {
  const given = [...START, ...RETENTION].filter((option) => options.text(option) !== undefined)
  const stray = given.find((option) => !(ACTION_OPTIONS.get(action) ?? []).includes(option))
  if (stray !== undefined) throw new UsageError(`--${stray} does not go with floe ${type} <table> ${action}`)
  const ofBranches = given.find((option) => option === 'min-snapshots-to-keep' || option === 'max-snapshot-age')
  if (type === 'tag' && ofBranches !== undefined) throw new UsageError(`--${ofBranches} is for branches: a tag has one snapshot, kept by --max-ref-age`)
  if (name === MAIN_BRANCH && given.includes('max-ref-age')) throw new UsageError('--max-ref-age is not for main, which never expires')
  if (action === 'replace' && given.length === 0) throw new UsageError(`Say where to move ${JSON.stringify(name)}: --snapshot ID, or --ref NAME`)
  if (action !== 'retain' || given.length > 0) return
  throw new UsageError(`Say how long to keep ${JSON.stringify(name)}: ${(type === 'tag' ? ['max-ref-age'] : RETENTION).map((option) => `--${option}`).join(', ')}`)
}

interface RefChange extends RefAction {
  readonly at: CreateRefOptions
}

async function changeRef(table: Table, change: RefChange, options: CommandOptions, { stdout, signal }: Environment): Promise<void> {
  await applyChange(table, change, signal)
  const shown = change.action === 'rename' ? change.other : change.name
  const ref = table.refs.get(shown)
  if (options.flag('json')) await stdout.line(printJson(jsonOf({ table: table.name, name: shown, ...refJson(ref) })))
  else await stdout.line(`${table.name}: ${change.type} ${visibleText(shown)} ${ref === undefined ? 'is gone' : `is at snapshot ${ref.snapshotId}`}`)
}

async function applyChange(table: Table, change: RefChange, signal: AbortSignal): Promise<void> {
  const { type, action, name, other, at } = change
  const isBranch = type === 'branch'
  switch (action) {
    case 'create':
      if (isBranch) await table.createBranch(name, { ...at, signal })
      else await table.createTag(name, { ...at, signal })
      return
    case 'replace':
      if (isBranch) return table.replaceBranch(name, at, { signal })
      return table.replaceTag(name, at, { signal })
    case 'drop':
      return isBranch ? table.dropBranch(name, { signal }) : table.dropTag(name, { signal })
    case 'rename':
      return table.renameBranch(name, other, { signal })
    case 'fast-forward':
      return table.fastForward(name, other, { signal })
    default:
      return retain(table, change, signal)
  }
}

async function retain(table: Table, { type, name, at }: RefChange, signal: AbortSignal): Promise<void> {
  const found = table.refs.get(name)?.type ?? type
  if (found !== type) throw new FloeError('INVALID', `${visibleText(name)} is a ${found}, not a ${type}`, { table: table.name })
  await table.setRetention(name, at, { signal })
}

function startAndRetention(options: CommandOptions): CreateRefOptions {
  const [snapshot, ref] = [options.text('snapshot'), options.text('ref')]
  if (snapshot !== undefined && ref !== undefined) throw new UsageError('Give --snapshot or --ref, not both')
  return {
    snapshotId: snapshot === undefined ? undefined : snapshotId(snapshot),
    ref,
    minSnapshotsToKeep: options.count('min-snapshots-to-keep', 1),
    maxSnapshotAgeMs: durationOption(options, 'max-snapshot-age'),
    maxRefAgeMs: durationOption(options, 'max-ref-age'),
  }
}

async function listRefs(table: Table, type: RefType, options: CommandOptions, { stdout }: Environment): Promise<void> {
  const refs = [...table.refs].filter(([, ref]) => ref.type === type)
  if (options.flag('json')) {
    await stdout.line(printJson(jsonOf(refs.map(([name, ref]) => ({ name, ...refJson(ref) })))))
    return
  }
  if (refs.length === 0) await stdout.line(`${table.name} has no ${type === 'branch' ? 'branches' : 'tags'}`)
  const width = Math.max(...refs.map(([name]) => displayWidth(visibleText(name))))
  for (const [name, ref] of refs) await stdout.line(`${padText(visibleText(name), width, 'left')}  snapshot ${ref.snapshotId}${retentionText(ref)}`)
}

function refJson(ref: SnapshotRef | undefined): object {
  return {
    type: ref?.type ?? null,
    snapshot_id: ref?.snapshotId ?? null,
    min_snapshots_to_keep: ref?.minSnapshotsToKeep ?? null,
    max_snapshot_age_ms: ref?.maxSnapshotAgeMs ?? null,
    max_ref_age_ms: ref?.maxRefAgeMs ?? null,
  }
}

function retentionText({ minSnapshotsToKeep, maxSnapshotAgeMs, maxRefAgeMs }: SnapshotRef): string {
  const parts = [
    minSnapshotsToKeep === undefined ? undefined : `keeps ${minSnapshotsToKeep} snapshots`,
    maxSnapshotAgeMs === undefined ? undefined : `snapshots for ${daysText(maxSnapshotAgeMs)}`,
    maxRefAgeMs === undefined ? undefined : `itself for ${daysText(maxRefAgeMs)}`,
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? '' : `  (${parts.join(', ')})`
}

function daysText(ms: number): string {
  return ms % 86_400_000 === 0 ? `${ms / 86_400_000} d` : `${ms / 1000} s`
}
