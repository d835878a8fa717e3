/** What goes wrong while a commit cleans up after itself, whatever it is that is thrown: the table stays whole. */
import { describe, expect, it } from 'vitest'
import { identity, isFloeError, openCatalog, schema, t } from '../../src/index.js'
import type { Catalog, CatalogTransaction, FileIO, Table, TableTransaction } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { FloeError } from '../../src/util/errors.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { InterceptedFileIO } from '../support/intercepted-file-io.js'
import type { IoHook } from '../support/intercepted-file-io.js'
import { rowTexts } from '../support/lake.js'

const rows = Array.from({ length: 4 }, (_, id) => ({ id: BigInt(id), part: id % 2 }))

const VERBS: Readonly<Record<string, (table: Table) => Promise<unknown>>> = {
  'an append': (table) => table.append([{ id: 9n, part: 0 }]),
  'a delete': (table) => table.delete('id = 1', { mode: 'merge-on-read' }),
  'a compaction': (table) => table.compact({ rewriteAll: true }),
  'an expiry': (table) => table.expireSnapshots({ retainLast: 1, olderThan: new Date(Date.now() + 60_000) }),
  'a transaction': (table) =>
    table.transaction(async (work) => {
      await work.append([{ id: 9n, part: 0 }])
      await work.delete('id = 1')
    }),
}

/** What can be thrown in the middle of anything: what a store says, an abort, a stack or heap that is full, and no error at all. */
const THROWN: readonly unknown[] = [
  new Error('the line went dead'),
  new DOMException('This operation was aborted', 'AbortError'),
  new RangeError('Maximum call stack size exceeded'),
  new RangeError('Array buffer allocation failed'),
  new FloeError('ABORTED', 'aborted in the middle'),
  new FloeError('CONFLICT', 'somebody was faster'),
  new FloeError('NOT_FOUND', 'gone'),
  undefined,
]

interface Bench {
  readonly io: InterceptedFileIO
  readonly table: Table
  readonly catalog: Catalog
  /** The same store, past all faults. */
  readonly elsewhere: Catalog
}

async function bench(): Promise<Bench> {
  const memory = new MemoryFileIO()
  const io = new InterceptedFileIO(memory)
  const open = (through: FileIO): Promise<Catalog> =>
    openCatalog('s3://bucket/lake', { io: through, cacheBytes: 0, runtime: hastyRuntime, parquet: { workers: 0 }, verifyStore: 'never' })
  const [catalog, elsewhere] = [await open(io), await open(memory)]
  const columns = schema({ id: t.long.required, part: t.int })
  const properties = { 'commit.retry.num-retries': '0' }
  const table = await catalog.createTable('a.t', { schema: columns, partitionBy: [identity('part')], formatVersion: 3, properties })
  await table.append(rows.slice(0, 2))
  await table.append(rows.slice(2))
  return { io, table, catalog, elsewhere }
}

/** Why a commit has something to clean up; each strikes its first new version. */
const CAUSES: Readonly<Record<string, (effect: () => Promise<unknown>, elsewhere: Catalog) => Promise<unknown>>> = {
  'that was in': (effect) => effect(),
  'that another one overtook': async (effect, elsewhere) => {
    await (await elsewhere.loadTable('a.t')).updateProperties({ foreign: 'yes' })
    return effect()
  },
  'whose answer was lost': async (effect) => {
    await effect()
    throw new FloeError('COMMIT_STATE_UNKNOWN', 'the answer was lost')
  },
  'that never arrived': () => Promise.reject(new FloeError('COMMIT_STATE_UNKNOWN', 'the answer was lost')),
}

interface Fault {
  readonly k: number
  readonly reason: unknown
  readonly andAll: boolean
}

/** Throws `reason` at the `k`-th request after the commit, and at all later ones if so asked. */
function afterCommit(
  strike: (effect: () => Promise<unknown>) => Promise<unknown>,
  fault: Fault,
): { readonly hook: IoHook; reached(): boolean } {
  let after = -1
  const hook: IoHook = (call, effect) => {
    if (after < 0) {
      if (call.operation !== 'write' || !/\/v\d+\.metadata\.json$/.test(call.location)) return effect()
      after = 0
      return strike(effect)
    }
    const step = after++
    return step === fault.k || (fault.andAll && step > fault.k) ? Promise.reject(fault.reason) : effect()
  }
  return { hook, reached: () => after > fault.k }
}

async function contentOf(catalog: Catalog): Promise<string[]> {
  const table = await catalog.loadTable('a.t')
  expect((await table.fsck()).findings.filter(({ severity }) => severity === 'error')).toEqual([])
  return rowTexts(await table.scan().rows().toArray())
}

const ALL = process.env['FLOE_ALL'] === '1'
const NAMES = Object.keys(VERBS)
const FATES = Object.keys(CAUSES)
/** One or two fates for each verb; all of them with FLOE_ALL=1. */
const CASES = NAMES.flatMap((name, i) => {
  const fates = FATES.filter((_, j) => ALL || j === 1 || (i === 0 && j === 0) || (i > 2 && j === 2))
  return fates.map((cause) => [name, cause] as const)
})

describe('a commit that fails while it cleans up', () => {
  it.each(CASES)('%s %s: whatever is thrown at any step after it, the table is whole (fault 5)', async (name, cause) => {
    const run = VERBS[name]!
    const clean = await bench()
    const before = await contentOf(clean.elsewhere)
    await run(clean.table)
    const after = await contentOf(clean.elsewhere)
    let isReached = true
    for (let k = 0; isReached; k++) {
      // Of all that can be thrown each step meets one, and the next step another; all of them with FLOE_ALL=1.
      const reasons = ALL ? THROWN : [THROWN[(k + NAMES.indexOf(name) * 3 + FATES.indexOf(cause)) % THROWN.length]]
      const lengths = ALL ? [false, true] : [k % 2 === 1]
      for (const [reason, andAll] of reasons.flatMap((one) => lengths.map((length) => [one, length] as const))) {
        const { io, table, elsewhere } = await bench()
        const fault = afterCommit((effect) => CAUSES[cause]!(effect, elsewhere), { k, reason, andAll })
        io.hook = fault.hook
        const outcome = await run(table).then(() => 'done', (error: unknown) => error)
        isReached = fault.reached()
        const place = `step ${k}, ${String(reason)}: ${String(outcome)}`
        const found = await contentOf(elsewhere)
        if (outcome === 'done') expect(found, place).toEqual(after)
        else {
          expect(isFloeError(outcome), place).toBe(true)
          expect(isFloeError(outcome, 'COMMIT_STATE_UNKNOWN') ? [before, after] : [before], place).toContainEqual(found)
        }
      }
    }
  }, ALL ? 300_000 : 30_000)
})

/** Names under which others let their callers undo a commit. */
type Undoing = `${'abort' | 'cancel' | 'cleanUp' | 'cleanup' | 'deleteFiles' | 'discard' | 'revert' | 'undo'}${string}`
type Verbs = keyof Catalog | keyof CatalogTransaction | keyof Table | keyof TableTransaction

describe('a commit of unknown outcome', () => {
  it('leaves its caller nothing to undo it by: no verb, nothing in the error, no abort, no end of the catalog (fault 4)', async () => {
    const verbs: [Extract<Verbs, Undoing>] extends [never] ? 'none' : Extract<Verbs, Undoing> = 'none'
    expect(verbs).toBe('none')
    const { io, table, catalog, elsewhere } = await bench()
    const late: (() => Promise<unknown>)[] = []
    const deleted: string[] = []
    io.hook = (call, effect) => {
      if (call.operation === 'delete') deleted.push(call.location)
      if (!/\/v\d+\.metadata\.json$/.test(call.location) || call.operation !== 'write') return effect()
      late.push(effect)
      return Promise.reject(new Error('the line went dead'))
    }
    const controller = new AbortController()
    const outcome: unknown = await table.append([{ id: 9n, part: 0 }], { signal: controller.signal }).catch((error: unknown) => error)
    expect(isFloeError(outcome, 'COMMIT_STATE_UNKNOWN'), String(outcome)).toBe(true)
    expect(Object.values(outcome as object).filter((value) => typeof value === 'function')).toEqual([])
    controller.abort()
    await catalog.close()
    expect(deleted).toEqual([])
    await late[0]!()
    expect(await contentOf(elsewhere)).toEqual(rowTexts([...rows, { id: 9n, part: 0 }]))
  })
})
