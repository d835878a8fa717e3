/** Callers without a compiler misspell: an option that a verb does not have is refused before anything is done, never passed over. */
import { describe, expect, it } from 'vitest'
import { openCatalog, openTable, schema, serveCatalog, t } from '../../src/index.js'
import type { Catalog, Table } from '../../src/index.js'
import { checkNames, namesOf } from '../../src/table/checked-arguments.js'
import { memoryLake } from '../support/lake.js'

const columns = schema({ id: t.long.required, name: t.string }, { identifierFields: ['id'] })
const row = { id: 1n, name: 'b' }
const event = { ...row, op: 'u', at: 1n }
const nothing = { groups: [] } as never

type Call = (table: Table, options: never) => Promise<unknown>

const VERBS: Readonly<Record<string, Call>> = {
  append: (table, options) => table.append([{ id: 9n }], options),
  appendFiles: (table, options) => table.appendFiles([], options),
  delete: (table, options) => table.delete('id = 1', options),
  update: (table, options) => table.update('id = 1', { name: 'b' }, options),
  upsert: (table, options) => table.upsert([row], ['id'], options),
  merge: (table, options) => table.merge([row], { on: ['id'], whenMatched: 'delete', ...(options as object) }),
  overwrite: (table, options) => table.overwrite([row], 'id = 1', options),
  overwritePartitions: (table, options) => table.overwritePartitions([row], options),
  rowDelta: (table, options) => table.rowDelta({ addRows: [row] }, options),
  deleteByKeys: (table, options) => table.deleteByKeys([{ id: 1n }], ['id'], options),
  convertEqualityDeletes: (table, options) => table.convertEqualityDeletes(options),
  applyChanges: (table, options) => table.applyChanges([event], { operation: 'op', order: 'at', ...(options as object) }),
  createBranch: (table, options) => table.createBranch('new', options),
  createTag: (table, options) => table.createTag('new', options),
  replaceBranch: (table, options) => table.replaceBranch('audit', { ref: 'main' }, options),
  'the target of replaceBranch': (table, at) => table.replaceBranch('audit', { ref: 'main', ...(at as object) }),
  replaceTag: (table, options) => table.replaceTag('v1', { ref: 'main' }, options),
  'the target of replaceTag': (table, at) => table.replaceTag('v1', { ref: 'main', ...(at as object) }),
  dropBranch: (table, options) => table.dropBranch('audit', options),
  dropTag: (table, options) => table.dropTag('v1', options),
  renameBranch: (table, options) => table.renameBranch('audit', 'later', options),
  setRetention: (table, options) => table.setRetention('audit', { minSnapshotsToKeep: 2 }, options),
  retention: (table, retention) => table.setRetention('audit', retention),
  fastForward: (table, options) => table.fastForward('audit', 'main', options),
  rollback: (table, options) => table.rollback({ snapshotId: table.snapshots[0]!.snapshotId }, options),
  setCurrentSnapshot: (table, options) => table.setCurrentSnapshot(table.snapshots[0]!.snapshotId, options),
  cherryPick: (table, options) => table.cherryPick({ wapId: 'w' }, options),
  publish: (table, options) => table.branch('audit').publish(() => true, options),
  transaction: (table, options) => table.transaction((work) => work.append([{ id: 9n }]), options),
  updateSchema: (table, options) => table.updateSchema((update) => update.addColumn('more', t.int), options),
  updateSpec: (table, options) => table.updateSpec((update) => update.addField('name'), options),
  replaceSortOrder: (table, options) => table.replaceSortOrder(['id'], options),
  updateProperties: (table, options) => table.updateProperties({ owner: 'us' }, options),
  upgrade: (table, options) => table.upgrade(3, options),
  compact: (table, options) => table.compact(options),
  planCompaction: (table, options) => table.planCompaction(options),
  rewriteGroup: (table, options) => table.rewriteGroup(0, nothing, options),
  commitCompaction: (table, options) => table.commitCompaction(nothing, [], options),
  expireSnapshots: (table, options) => table.expireSnapshots(options),
  planOrphanRemoval: (table, options) => table.planOrphanRemoval(options),
  removeOrphanFiles: (table, options) => table.removeOrphanFiles(options),
  rewriteManifests: (table, options) => table.rewriteManifests(options),
  rewritePositionDeletes: (table, options) => table.rewritePositionDeletes(options),
  computeStatistics: (table, options) => table.computeStatistics(options),
  computePartitionStatistics: (table, options) => table.computePartitionStatistics(options),
  partitionStatistics: (table, options) => table.partitionStatistics(options),
  maintain: (table, options) => table.maintain(options),
  'the policy of maintain': (table, policy) => table.maintain({ policy }),
  'the expiry of a policy': (table, expiry) => table.maintain({ policy: { expiry } }),
  'the compaction of a policy': (table, compaction) => table.planMaintenance({ policy: { compaction } }),
  planMaintenance: (table, options) => table.planMaintenance(options),
  purge: (table, options) => table.purge('id = 1', options),
  repair: (table, options) => table.repair(options),
  fsck: (table, options) => table.fsck(options),
  layout: (table, options) => table.layout(options),
  stage: (table, stage) => table.append([{ id: 9n }], { stage: { wapId: 'x', ...(stage as object) } }),
}

async function prepared(): Promise<{ catalog: Catalog; table: Table; files: () => Promise<string[]> }> {
  const { catalog, files } = await memoryLake()
  const table = await catalog.createTable('a.b', { schema: columns })
  await table.append([{ id: 1n, name: 'a' }, { id: 2n, name: 'a' }])
  await table.createTag('v1')
  await table.append([{ id: 3n, name: 'a' }])
  await table.append([{ id: 4n, name: 'a' }], { stage: { wapId: 'w' } })
  await table.createBranch('audit', { ref: 'v1' })
  return { catalog, table, files }
}

describe.each(Object.entries(VERBS))('%s', (_, call) => {
  it('refuses an option that it does not have, naming it and those that it has, and does nothing', async () => {
    const { catalog, table, files } = await prepared()
    const [before, location] = [await files(), table.metadataLocation]
    const error: unknown = await call(table, { colour: 'red' } as never).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'INVALID', message: expect.stringMatching(/ has no option 'colour'\..* There are: \w/) as string })
    expect([await files(), (await catalog.loadTable('a.b')).metadataLocation]).toEqual([before, location])
  })

  it('takes members of undefined for left out', async () => {
    const { table } = await prepared()
    const error: unknown = await call(table, { colour: undefined } as never).catch((thrown: unknown) => thrown)
    if (error instanceof Error) expect(error.message).not.toContain('colour')
  })
})

describe('what is near', () => {
  it('is told: a rehearsal that is misspelt changes nothing', async () => {
    const { table } = await prepared()
    await expect(table.delete('id = 1', { dryrun: true } as never)).rejects.toMatchObject({
      code: 'INVALID', message: expect.stringContaining("delete has no option 'dryrun'. Did you mean dryRun?") as string,
    })
    expect(await table.scan().count()).toBe(3)
  })

  it('is the table of a branch where a verb has no branch of its own', async () => {
    const { table } = await prepared()
    const calls = [
      table.rollback({ snapshotId: table.snapshots[0]!.snapshotId }, { branch: 'audit' } as never),
      table.transaction((work) => work.append([{ id: 9n }]), { branch: 'audit' } as never),
    ]
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining("table.branch('name')") as string })
    }
    expect(await table.scan().count()).toBe(3)
  })
})

it('a merge refuses a condition by another name, which would be none, and a delta a part by another name', async () => {
  const { table } = await prepared()
  const whenMatched = { condition: { target: 'id = 1' }, then: 'delete' }
  await expect(table.merge([row], { on: ['id'], whenMatched } as never)).rejects.toMatchObject({ code: 'INVALID' })
  await expect(table.rowDelta({ addRow: [row] } as never)).rejects.toMatchObject({ code: 'INVALID' })
  await expect(table.rowDelta({ deleteKeys: { keys: [{ id: 1n }], columns: ['id'], column: 'id' } } as never)).rejects.toMatchObject({ code: 'INVALID' })
  expect(await table.scan().count()).toBe(3)
})

it('a table that is bound to a branch hands its branch on, in transactions too', async () => {
  const { table } = await prepared()
  const audit = table.branch('audit')
  await audit.append([{ id: 8n, name: 'c' }])
  await audit.delete('id = 2')
  await audit.transaction(async (work) => {
    await work.update('id = 8', { name: 'd' })
    await work.append([{ id: 9n }])
  })
  await audit.compact({ rewriteAll: true })
  await audit.maintain({ dryRun: true })
  expect([await audit.scan().count(), await table.scan().count()]).toEqual([3, 3])
})

it('catalogs and tables are opened, made and dropped with what they have', async () => {
  const refused = (call: Promise<unknown>): Promise<void> =>
    expect(call).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining("'colour'") as string })
  const odd = { colour: 'red' } as never
  await refused(openCatalog('memory:', odd))
  await refused(openTable('/nowhere', odd))
  await refused(serveCatalog('memory:', odd))
  await refused(openCatalog('memory:', { s3: odd }))
  await refused(openCatalog('memory:', { rest: odd }))
  await refused(openCatalog('memory:', { parquet: odd }))
  const { catalog, table } = await prepared()
  expect(() => table.scanChanges(odd)).toThrow(/scanChanges has no option 'colour'/)
  await refused(catalog.createTable('a.c', { schema: columns, ...(odd as object) }))
  await refused(catalog.dropTable('a.b', odd))
  await refused(catalog.transaction(() => undefined, odd))
  expect([await catalog.tableExists('a.b'), await catalog.tableExists('a.c')]).toEqual([true, false])
})

it('the compiler holds lists of names against the type', () => {
  interface Two { readonly one?: number; readonly two?: number }
  // @ts-expect-error: a name is missing
  expect(namesOf<Two>()({ one: true })).toEqual(['one'])
  // @ts-expect-error: a name is too many
  expect(namesOf<Two>()({ one: true, two: true, three: true })).toHaveLength(3)
  const spread = { two: true, three: true } as const
  // @ts-expect-error: a name that was spread in is too many
  const names = namesOf<Two>()({ one: true, ...spread })
  expect(() => { checkNames({ four: 4 }, names, 'x') }).toThrow(/no option 'four'/)
  expect(namesOf<{ readonly a: 1 } | { readonly b: 2 }>()({ a: true, b: true })).toEqual(['a', 'b'])
})

it('an inspection, a view and a proof of who one is refuse members that they do not have', async () => {
  const { catalog, table } = await prepared()
  await expect(table.inspect.files({ snapshot: 1n } as never)).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining("'snapshot'") as string })
  const view = { schema: columns, sql: { spark: 'SELECT 1' } }
  await expect(catalog.createView('a.v', { ...view, namespace: ['a'] } as never)).rejects.toMatchObject({ code: 'INVALID' })
  const made = await catalog.createView('a.v', view)
  await expect(made.replace({ ...view, location: 'x' } as never)).rejects.toMatchObject({ code: 'INVALID' })
  const rest = { auth: { type: 'oauth2', clientId: 'me', clientSecret: 'hush-hush', scopes: 'all' } } as never
  const error: unknown = await openCatalog('http://127.0.0.1:1', { rest }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'INVALID', message: expect.stringContaining("no option 'scopes'. Did you mean scope?") as string })
  expect(String(error)).not.toContain('hush')
})
