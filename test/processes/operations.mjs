/**
 * Operations that a process may be killed in the middle of. Each changes the rows of one table in a way that can be told from
 * the outside: `next(rows)` answers the rows that a table of `rows` has after it.
 */
import { and, bucket, eq, gtEq, identity, openCatalog, schema, t } from '../../dist/index.js'

export const TABLE = 'shop.events'

/** Rows are `id → v`. */
const edited = (rows, edit) => {
  const next = new Map(rows)
  edit(next)
  return next
}
/** Ids that no row has yet. */
const fresh = (rows, count) => {
  const first = Math.max(0, ...rows.keys()) + 1
  return Array.from({ length: count }, (_, i) => first + i)
}
const ofPartition = (rows, p) => [...rows.keys()].filter((id) => id % 3 === p)
const smallest = (rows) => Math.min(...rows.keys())

export const createTable = async (location, options) => {
  const lake = await openCatalog(location, options)
  const columns = schema({ id: t.long.required, p: t.int, v: t.string })
  const table = await lake.createTable(TABLE, { schema: columns, partitionBy: [identity('p'), bucket('id', 2)], formatVersion: 3 })
  await table.append([1, 2, 3, 4, 5, 6].map((id) => ({ id, p: id % 3, v: 'a' })))
  await lake.close()
}

export const operations = {
  append: {
    run: (table, rows) => table.append(fresh(rows, 1).map((id) => ({ id, p: id % 3, v: 'new' }))),
    next: (rows) => edited(rows, (next) => fresh(rows, 1).forEach((id) => next.set(id, 'new'))),
  },
  'append to many partitions': {
    run: (table, rows) => table.append(fresh(rows, 6).map((id) => ({ id, p: id % 3, v: 'many' }))),
    next: (rows) => edited(rows, (next) => fresh(rows, 6).forEach((id) => next.set(id, 'many'))),
  },
  'delete by vectors': {
    run: (table, rows) => table.delete(eq('id', smallest(rows)), { mode: 'merge-on-read' }),
    next: (rows) => edited(rows, (next) => next.delete(smallest(rows))),
  },
  'delete by copying': {
    run: (table, rows) => table.delete(eq('id', smallest(rows)), { mode: 'copy-on-write' }),
    next: (rows) => edited(rows, (next) => next.delete(smallest(rows))),
  },
  update: {
    run: (table, rows) => table.update(gtEq('id', fresh(rows, 1)[0] - 2), { v: 'updated' }),
    next: (rows) => {
      const latest = [...rows.keys()].filter((id) => id >= fresh(rows, 1)[0] - 2)
      return edited(rows, (next) => latest.forEach((id) => next.set(id, 'updated')))
    },
  },
  upsert: {
    run: (table, rows) => table.upsert([smallest(rows), ...fresh(rows, 1)].map((id) => ({ id, p: id % 3, v: 'upserted' })), ['id', 'p']),
    next: (rows) => edited(rows, (next) => [smallest(rows), ...fresh(rows, 1)].forEach((id) => next.set(id, 'upserted'))),
  },
  'overwrite of partitions': {
    run: (table, rows) => table.overwritePartitions(ofPartition(rows, 1).map((id) => ({ id, p: 1, v: 'overwritten' }))),
    next: (rows) => edited(rows, (next) => ofPartition(rows, 1).forEach((id) => next.set(id, 'overwritten'))),
  },
  'equality delete': {
    run: (table, rows) => table.deleteByKeys([{ id: smallest(rows), p: smallest(rows) % 3 }], ['id', 'p']),
    next: (rows) => edited(rows, (next) => next.delete(smallest(rows))),
  },
  'schema change': {
    run: (table) => table.updateSchema((columns) => columns.addColumn(`c${table.metadata.lastColumnId}`, t.int)),
    next: (rows) => rows,
  },
  transaction: {
    run: (table, rows) =>
      table.transaction(async (tx) => {
        await tx.append(fresh(rows, 1).map((id) => ({ id, p: id % 3, v: 'in a transaction' })))
        await tx.delete(and(eq('id', smallest(rows)), eq('p', smallest(rows) % 3)))
        await tx.updateProperties({ touched: String(fresh(rows, 1)[0]) })
      }),
    next: (rows) =>
      edited(rows, (next) => {
        fresh(rows, 1).forEach((id) => next.set(id, 'in a transaction'))
        next.delete(smallest(rows))
      }),
  },
  'branch, and back': {
    run: async (table, rows) => {
      const branch = await table.createBranch(`b${Math.random()}`)
      await branch.append([{ id: fresh(rows, 1)[0] + 1000, p: 0, v: 'unseen' }])
    },
    next: (rows) => rows,
  },
  'staged and picked': {
    run: async (table, rows) => {
      const wapId = `w${Math.random()}`
      await table.append(fresh(rows, 1).map((id) => ({ id, p: id % 3, v: 'picked' })), { stage: { wapId } })
      await table.cherryPick({ wapId })
    },
    next: (rows) => edited(rows, (next) => fresh(rows, 1).forEach((id) => next.set(id, 'picked'))),
  },
  compaction: {
    run: (table) => table.compact({ rewriteAll: true }),
    next: (rows) => rows,
  },
  'manifests rewritten': {
    run: (table) => table.rewriteManifests({ rewriteAll: true }),
    next: (rows) => rows,
  },
  expiry: {
    run: (table) => table.expireSnapshots({ olderThan: Date.now(), retainLast: 1 }),
    next: (rows) => rows,
  },
  'removal of orphans': {
    // Nobody else writes: what killed processes left goes, however young it is.
    run: (table) => table.removeOrphanFiles({ minAgeMs: 0, allowRecentFiles: true }),
    next: (rows) => rows,
  },
}

/** The rows of the table, by a reader that knows nothing. Throws when an id is there twice. */
export async function readRows(table) {
  const rows = new Map()
  for await (const { id, v } of table.scan().rows()) {
    if (rows.has(Number(id))) throw new Error(`row ${id} is there twice`)
    rows.set(Number(id), v)
  }
  return rows
}
