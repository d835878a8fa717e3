/**
 * Compaction: which files are rewritten, in which groups, and how (planning); rewriting one group, anywhere; and committing what
 * came of groups. It knows scans, writers and commits; when to compact is maintenance's and the user's decision.
 */
import type { FileScanTask } from '../scan/file-scan-task.js'
import { FloeError } from '../util/errors.js'
import { JsonObject, parseJson, printJson, type JsonValue } from '../util/json.js'
import type { RowOrder } from './order/row-order.js'

/** Files that are rewritten together, and what is known of them. Plain JSON data. */
export interface CompactionGroup {
  /** From 1, in the order of the plan. */
  readonly id: number
  /** The spec of {@link partition}; of the outputs where the inputs are of other specs, or of several partitions. */
  readonly specId: number
  /** The text of a JSON array with the partition's values; undefined where the files are of another spec than the outputs. */
  readonly partition: string | undefined
  /** The partition as paths spell it, for people: `day=2024-01-31/kind=a`. Empty without partitions. */
  readonly partitionPath: string
  readonly inputBytes: number
  /** Rows in the files; deleted ones are among them. */
  readonly inputRows: number
  /** Delete files and vectors that apply to some of the files. */
  readonly deleteFiles: number
  readonly expectedOutputFiles: number
  readonly tasks: readonly FileScanTask[]
}

/** Which files a compaction rewrites, and how: frozen JSON data, to be executed here or elsewhere, now or later. */
export interface CompactionPlan {
  readonly formatVersion: number
  readonly tableUuid: string
  readonly branch: string
  /** The head of the branch that was planned on, as decimal digits; undefined for an empty branch. */
  readonly snapshotId: string | undefined
  /** Its sequence number, as decimal digits. */
  readonly sequenceNumber: string
  /** Of what is written. */
  readonly schemaId: number
  readonly outputSpecId: number
  /** Undefined: rows keep their order. */
  readonly order: RowOrder | undefined
  readonly strategy: 'binpack' | RowOrder['type']
  /** The table's sort order that outputs have; 0: none of them. */
  readonly sortOrderId: number
  readonly targetFileSizeBytes: number
  readonly minFileSizeBytes: number
  readonly maxFileSizeBytes: number
  readonly useStartingSequenceNumber: boolean
  /** In the order in which they are to be rewritten. */
  readonly groups: readonly CompactionGroup[]
  /** Over all groups. */
  readonly inputFiles: number
  readonly inputBytes: number
  readonly inputRows: number
  /** Files that the filter selects, rewritten or not. */
  readonly candidateFiles: number
}

/** The plan as JSON text. */
export function printCompactionPlan(plan: CompactionPlan): string {
  return printJson(plan as unknown as JsonValue)
}

const TEXTS = ['tableUuid', 'branch', 'sequenceNumber'] as const
const COUNTS = [
  'formatVersion', 'schemaId', 'outputSpecId', 'sortOrderId', 'targetFileSizeBytes', 'minFileSizeBytes', 'maxFileSizeBytes', 'inputFiles',
  'inputBytes', 'inputRows', 'candidateFiles',
] as const
const GROUP_COUNTS = ['id', 'specId', 'inputBytes', 'inputRows', 'deleteFiles', 'expectedOutputFiles'] as const
const TASK_COUNTS = ['fileSizeBytes', 'recordCount', 'specId', 'start', 'length', 'schemaId'] as const
const TASK_TEXTS = ['filePath', 'fileFormat', 'partition', 'sequenceNumber', 'residual'] as const

/** @throws FloeError `INVALID` for a text that {@link printCompactionPlan} did not print */
export function parseCompactionPlan(text: string): CompactionPlan {
  try {
    return checkedPlan(parseJson(text))
  } catch (error) {
    throw new FloeError('INVALID', `This is no compaction plan: ${(error as Error).message}`, { cause: error })
  }
}

/** Freezes all of `plan`. */
export function frozenPlan(plan: CompactionPlan): CompactionPlan {
  for (const group of plan.groups) {
    for (const task of group.tasks) Object.freeze(task)
    Object.freeze(group.tasks)
    Object.freeze(group)
  }
  Object.freeze(plan.groups)
  return Object.freeze(plan)
}

function checkedPlan(json: JsonValue): CompactionPlan {
  const plan = JsonObject.of(json, 'plan')
  for (const name of TEXTS) plan.requireString(name)
  for (const name of COUNTS) requireCount(plan, name)
  if (plan.has('snapshotId')) digits(plan, 'snapshotId')
  digits(plan, 'sequenceNumber')
  const strategy = plan.requireString('strategy')
  if (!['binpack', 'sort', 'zorder', 'hilbert'].includes(strategy)) throw plan.error('strategy', 'binpack, sort, zorder or hilbert')
  if ((strategy === 'binpack') !== !plan.has('order')) throw plan.error('order', 'what the strategy orders by')
  if (plan.has('order')) checkOrder(plan, strategy)
  for (const group of plan.requireObjects('groups')) checkGroup(group)
  return frozenPlan({ ...(json as unknown as CompactionPlan) })
}

function checkOrder(plan: JsonObject, strategy: string): void {
  const order = plan.requireObject('order')
  if (order.requireString('type') !== strategy) throw plan.error('order', `an order of type ${strategy}`)
  if (strategy !== 'sort') {
    if (!isIds(order.value('fieldIds'))) throw order.error('fieldIds', 'field ids')
    return
  }
  for (const field of order.requireObject('order').requireObjects('fields')) {
    if (!isIds(field.value('sourceIds'))) throw field.error('sourceIds', 'field ids')
    for (const name of ['transform', 'direction', 'nullOrder']) field.requireString(name)
  }
}

function checkGroup(group: JsonObject): void {
  for (const name of GROUP_COUNTS) requireCount(group, name)
  group.requireString('partitionPath')
  if (group.has('partition')) group.requireString('partition')
  for (const task of group.requireObjects('tasks')) {
    for (const name of TASK_COUNTS) requireCount(task, name)
    for (const name of TASK_TEXTS) task.requireString(name)
    for (const deletes of task.requireObjects('deletes')) deletes.requireString('filePath')
  }
}

function requireCount(object: JsonObject, name: string): void {
  const value = object.value(name)
  if (!Number.isSafeInteger(value)) throw object.error(name, 'a whole number')
}

function digits(object: JsonObject, name: string): void {
  if (!/^\d{1,19}$/.test(object.requireString(name))) throw object.error(name, 'digits')
}

function isIds(value: JsonValue | undefined): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((id) => Number.isSafeInteger(id))
}
