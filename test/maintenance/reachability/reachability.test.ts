import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadStaticTable } from '../../../src/catalog/static-table.js'
import { LocalFileIO } from '../../../src/io/local-file-io.js'
import { mapPaths } from '../../../src/io/path-mapping.js'
import { reachableFiles, type ReachabilityOptions, type ReachabilityRoot, type ReachableFile } from '../../../src/maintenance/reachability.js'
import { goldenMapping, goldenPath, goldenTables, type GoldenTable } from '../../golden/golden-tables.js'
import { UpkeepBench } from '../../support/upkeep-bench.js'
import { failureOf } from '../../support/lake.js'

const [from, to] = Object.entries(goldenMapping)[0]!
const golden = (table: GoldenTable): Promise<ReachabilityRoot> => {
  const io = mapPaths(new LocalFileIO(), [{ from, to }])
  return loadStaticTable(table.metadata, { io, allowedLocations: [from] })
}

async function walk(root: ReachabilityRoot, options: ReachabilityOptions = {}): Promise<ReachableFile[]> {
  const files: ReachableFile[] = []
  for await (const file of reachableFiles(root, options)) files.push(file)
  return files
}

const contentOf = (files: readonly ReachableFile[]): string[] =>
  [...new Set(files.filter(({ manifest }) => manifest !== undefined).map(({ location }) => location))].sort()
const namesOf = (files: readonly ReachableFile[], type: ReachableFile['type']): string[] =>
  files.filter((file) => file.type === type).map(({ location }) => location)

describe('what is reachable from the tables of other engines', () => {
  it.each(goldenTables.map((table) => ({ name: table.table, table })))('is, of $name, every file that they say is live, and each exists', async ({ table }) => {
    const root = await golden(table)
    const files = await walk(root)
    const live = table.snapshots.flatMap((snapshot) => table['live-files'][snapshot['snapshot-id']] ?? [])
    expect(contentOf(files)).toEqual([...new Set(live.map(({ file_path }) => file_path))].sort())
    const needed = files.filter(({ type }) => type !== 'previous-metadata' && type !== 'version-hint')
    // Tables that were imported name files of other tables.
    const gone = needed.filter(({ location }) => location.startsWith(from) && !existsSync(goldenPath(location)))
    expect(gone).toEqual([])
    expect(namesOf(files, 'metadata')).toEqual([table.metadata])
    for (const type of ['manifest-list', 'manifest'] as const) expect(new Set(namesOf(files, type)).size).toBe(namesOf(files, type).length)
  })

  it('FAULTS 42: counts statistics, partition statistics and files of vectors', async () => {
    const typesOf = async (name: string): Promise<string[]> => {
      const files = await walk(await golden(goldenTables.find(({ table }) => table === name)!))
      return [...new Set(files.map(({ type }) => type))].sort()
    }
    expect(await typesOf('stats_puffin')).toContain('statistics')
    expect(await typesOf('partition_stats')).toContain('partition-statistics')
    expect(await typesOf('v3_deletion_vectors')).toContain('deletion-vector')
    expect(await typesOf('eq_pos_mixed')).toEqual(expect.arrayContaining(['equality-deletes', 'position-deletes', 'data']))
  })
})

describe('a walk', () => {
  async function bench(): Promise<UpkeepBench> {
    const made = await UpkeepBench.open({ properties: { 'commit.manifest-merge.enabled': 'false' }, catalog: 'files' })
    for (let i = 0; i < 5; i++) await made.append()
    return made
  }

  it('reads each manifest and list once, however many snapshots have it', async () => {
    const made = await bench()
    const table = await made.load()
    made.io.calls.length = 0
    await walk(table)
    const read = made.io.calls.filter(({ operation }) => operation === 'read').map(({ location }) => location)
    expect(read).toHaveLength(10)
    expect(new Set(read).size).toBe(10)
  })

  it('reads no manifest where content is not asked for', async () => {
    const made = await bench()
    const table = await made.load()
    made.io.calls.length = 0
    expect(contentOf(await walk(table, { content: false }))).toEqual([])
    expect(made.io.calls).toHaveLength(5)
  })

  it('of some snapshots leaves the others out', async () => {
    const made = await bench()
    const table = await made.load()
    const [first] = table.metadata.snapshots
    expect(contentOf(await walk(table, { snapshots: [first!.snapshotId] }))).toHaveLength(1)
    expect(contentOf(await walk(table, { snapshots: [] }))).toEqual([])
  })

  it('of a newer version goes only where the one before has not been', async () => {
    const made = await bench()
    const walked = new Set<string>()
    await walk(await made.load(), { walked })
    const added = await made.append()
    made.io.calls.length = 0
    expect(contentOf(await walk(await made.load(), { walked }))).toEqual(added.map(({ filePath }) => filePath))
    expect(made.io.calls.filter(({ location }) => location.endsWith('.avro'))).toHaveLength(2)
  })

  it('names the log and the hint of a path-based table', async () => {
    const files = await walk(await (await bench()).load())
    expect(namesOf(files, 'metadata')).toEqual([expect.stringMatching(/v6\.metadata\.json$/)])
    expect(namesOf(files, 'previous-metadata')).toHaveLength(5)
    expect(namesOf(files, 'version-hint')).toEqual([expect.stringMatching(/metadata\/version-hint\.text$/)])
  })

  it('fails on a manifest that is gone, or goes on when it is to report it', async () => {
    const made = await bench()
    const table = await made.load()
    const [lost] = namesOf(await walk(table), 'manifest')
    await made.memory.delete([lost!])
    expect((await failureOf(walk(table))).code).toBe('NOT_FOUND')
    const reported: string[] = []
    const files = await walk(table, { onUnreadable: (location) => void reported.push(location) })
    expect(reported).toEqual([lost])
    expect(contentOf(files)).toHaveLength(4)
  })

  it('ends when it is aborted', async () => {
    const table = await (await bench()).load()
    expect((await failureOf(walk(table, { signal: AbortSignal.abort() }))).code).toBe('ABORTED')
    const controller = new AbortController()
    const half = async (): Promise<void> => {
      for await (const { type } of reachableFiles(table, { signal: controller.signal })) if (type === 'manifest') controller.abort()
    }
    expect((await failureOf(half())).code).toBe('ABORTED')
  })

  it('left early leaves nothing under way', async () => {
    const made = await bench()
    for await (const { type } of reachableFiles(await made.load())) if (type === 'manifest-list') break
    const calls = made.io.calls.length
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(made.io.calls).toHaveLength(calls)
  })
})
