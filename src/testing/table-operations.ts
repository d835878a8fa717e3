/** What writers do to rows, through the verbs of tables: as users call them, but for files that are text. */
import { deleteRows } from '../dml/delete-rows.js'
import type { DmlContext } from '../dml/dml-context.js'
import { commitRowDelta } from '../dml/row-delta.js'
import type { RowChangeOutcome } from '../dml/row-change.js'
import { updateRows } from '../dml/update-rows.js'
import { upsertRows } from '../dml/upsert-rows.js'
import { isIn } from '../expression/predicates.js'
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { appendRows } from '../table/append-rows.js'
import { MARK_PROPERTY, type KeyedChange } from './history.js'
import { keyOf } from './synthetic-file.js'
import { TextEngine } from './text-engine.js'
import type { WriterContext, WriterOperation } from './writer-context.js'

const engine = new TextEngine()
/** Of all keys that there ever were, so many are changed at most. */
const MOST_KEYS = 4

/** What the library's verbs work with, on the newest version. */
export async function dmlContext({ backend, identifier, runtime }: WriterContext): Promise<DmlContext> {
  return { backend, loaded: await backend.loadTable(identifier), engine, runtime }
}

export function markOf({ operationId }: WriterContext): Readonly<Record<string, string>> {
  return { [MARK_PROPERTY]: operationId }
}

/** Some ids of rows that anybody ever wrote, whether they are still there or not. */
function chooseKeys({ random, rowsOf }: WriterContext): readonly string[] {
  const known = [...new Set([...rowsOf.values()].flat().map(keyOf))]
  return [...new Set(Array.from({ length: 1 + random.below(MOST_KEYS) }, () => random.pick(known)))]
}

function appendedIds({ operationId, random }: WriterContext): readonly string[] {
  return Array.from({ length: 1 + random.below(3) }, (_, i) => `${operationId}.${i}`)
}

async function append(context: WriterContext): Promise<boolean> {
  const dml = await dmlContext(context)
  const ids = appendedIds(context)
  context.declare([{ mark: context.operationId, kind: 'snapshot', branch: MAIN_BRANCH, adds: ids, removes: [] }])
  await appendRows(ids.map((id) => ({ id, v: null })), { summary: markOf(context) }, dml)
  return true
}

type Run = (dml: DmlContext) => Promise<RowChangeOutcome>

/** Says what is to happen, does it, and takes it back when there was nothing to do. */
async function change(context: WriterContext, keyed: KeyedChange, run: Run): Promise<boolean> {
  const dml = await dmlContext(context)
  context.declare([{ mark: context.operationId, kind: 'snapshot', branch: MAIN_BRANCH, adds: [], removes: [], keyed, keepsRowIds: true }])
  const { result, table = dml.loaded } = await run(dml)
  if (result.snapshot === undefined) context.withdraw(table.metadataLocation)
  return result.snapshot !== undefined
}

function deleteWhere(context: WriterContext): Promise<boolean> {
  const keys = chooseKeys(context)
  const mode = context.random.pick(['merge-on-read', 'merge-on-read', 'copy-on-write'] as const)
  return change(context, { keys, set: undefined, inserts: false }, (dml) =>
    deleteRows(dml, isIn('id', keys), { mode, summary: markOf(context) }),
  )
}

function updateWhere(context: WriterContext): Promise<boolean> {
  const keys = chooseKeys(context)
  const mode = context.random.pick(['merge-on-read', 'merge-on-read', 'copy-on-write'] as const)
  const set = context.operationId
  return change(context, { keys, set, inserts: false }, (dml) =>
    updateRows(dml, isIn('id', keys), { v: set }, { mode, summary: markOf(context) }),
  )
}

function upsert(context: WriterContext): Promise<boolean> {
  const keys = [...chooseKeys(context), `${context.operationId}.u`]
  const mode = context.random.pick(['merge-on-read', 'copy-on-write'] as const)
  const set = context.operationId
  return change(context, { keys, set, inserts: true }, (dml) => {
    const rows = keys.map((id) => ({ id, v: set }))
    return upsertRows(dml, rows, ['id'], { mode, summary: markOf(context) })
  })
}

/** Equality deletes: nobody looks whether there are such rows. */
function deleteKeys(context: WriterContext): Promise<boolean> {
  const keys = chooseKeys(context)
  return change(context, { keys, set: undefined, inserts: false }, (dml) => {
    const delta = { deleteKeys: { keys: keys.map((id) => ({ id })), columns: ['id'] } }
    return commitRowDelta(dml, delta, { summary: markOf(context) })
  })
}

export const TABLE_OPERATIONS = {
  'append-rows': append,
  'delete-where': deleteWhere,
  'update-where': updateWhere,
  upsert,
  'delete-keys': deleteKeys,
} as const satisfies Record<string, WriterOperation>
