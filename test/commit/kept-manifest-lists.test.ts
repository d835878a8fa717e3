import { describe, expect, it } from 'vitest'
import { keepManifestFiles, readKeptManifestFiles } from '../../src/commit/kept-manifest-lists.js'
import { readManifestFiles } from '../../src/commit/manifest-input.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { manifestFile } from '../manifest/manifest-fixture.js'
import { CommitBench, dataFile, positionDeletes, vector } from '../support/commit-bench.js'
import { snapshotOn, table } from '../support/metadata-builders.js'

const BY_KIND = { specId: 0, fields: [{ fieldId: 1000, name: 'kind', sourceIds: [3], transform: 'identity' }] } as const

function countListReads(bench: CommitBench): () => number {
  const original = bench.io.read.bind(bench.io)
  let reads = 0
  bench.io.read = (location, options) => {
    if (location.includes('/snap-')) reads++
    return original(location, options)
  }
  return () => reads
}

/** The head's list from memory, checked to be what the store has. */
async function expectKept(bench: CommitBench): Promise<void> {
  const { metadata } = bench.backend
  const head = metadata.snapshots.find(({ snapshotId }) => snapshotId === metadata.currentSnapshotId)
  const stored = await readManifestFiles(bench.backend.current(), head)
  const read = countListReads(bench)
  expect(await readKeptManifestFiles(bench.backend.current(), head)).toEqual(stored)
  expect(read()).toBe(0)
}

describe('kept manifest lists', () => {
  it.each([1, 2, 3] as const)('are what the lists in the store of a v%i table decode to, after every kind of commit', async (formatVersion) => {
    const merging = { 'commit.manifest.min-count-to-merge': '2' }
    const bench = new CommitBench({ metadata: table({ formatVersion, spec: BY_KIND, properties: merging }) })
    const file = (path: string) => dataFile(path, { partition: [path[0]!] })
    const added = (...paths: string[]) => ({ addedDataFiles: paths.map(file) })
    await bench.change(added('a1', 'b1'), { mode: 'fast' })
    await expectKept(bench)
    await bench.change(added('a2'), { mode: 'fast' })
    await expectKept(bench)
    await bench.change(added('c1'))
    await expectKept(bench)
    await bench.change({ removedDataFiles: [file('a1')], ...added('a3') })
    await expectKept(bench)
    if (formatVersion === 1) return
    const deletes = formatVersion === 2 ? positionDeletes('a2.deletes', 'a2') : vector('a2.puffin', 'a2')
    await bench.change({ addedDeleteFiles: [{ ...deletes, partition: ['a'] }] })
    await expectKept(bench)
    await bench.change(added('d1'), { mode: 'fast' })
    await expectKept(bench)
    expect((await bench.manifests()).map(({ content }) => content)).toContain('deletes')
  })

  it('spare a commit on top of our own the reading, and not one on top of a list that we have not seen', async () => {
    const bench = new CommitBench()
    const reads = countListReads(bench)
    await bench.append(['a'])
    await bench.append(['b'])
    expect(reads()).toBe(0)
    const elsewhere = new CommitBench()
    for await (const { location } of bench.io.list('mem://lake/')) {
      await elsewhere.io.write(location, await bench.io.read(location), { ifNoneMatch: '*' })
    }
    elsewhere.backend.metadata = bench.backend.metadata
    const readsElsewhere = countListReads(elsewhere)
    await elsewhere.append(['c'])
    expect(readsElsewhere()).toBe(1)
    expect(await elsewhere.paths()).toEqual(['a', 'b', 'c'])
  })

  it('are the last ones used, with at most 100,000 manifests in all stores together, and four lists of each', async () => {
    const stores = Array.from({ length: 3 }, () => new MemoryFileIO())
    const metadata = table()
    const list = Array.from({ length: 30_000 }, () => manifestFile())
    const isKept = (store: number, manifestList: string) => {
      const found = readKeptManifestFiles({ io: stores[store]!, metadata }, { ...snapshotOn(metadata, 1n), manifestList })
      return found.then((kept) => kept === list || kept.length === 0, () => false)
    }
    const keep = (store: number, name: string, manifests = list) => { keepManifestFiles(stores[store]!, name, manifests) }
    keep(0, 'a')
    keep(0, 'b')
    expect(await isKept(0, 'a')).toBe(true)
    keep(1, 'c')
    expect([await isKept(0, 'b'), await isKept(1, 'b')]).toEqual([true, false])
    keep(1, 'd')
    // Of the store that was used longest ago, the list that was used longest ago.
    expect([await isKept(0, 'a'), await isKept(0, 'b'), await isKept(1, 'c'), await isKept(1, 'd')]).toEqual([false, true, true, true])
    for (const name of ['1', '2', '3', '4', '5']) keep(2, name, [])
    expect([await isKept(2, '1'), await isKept(2, '2'), await isKept(2, '5')]).toEqual([false, true, true])
    keep(2, 'huge', [...list, ...list, ...list, ...list])
    expect([await isKept(2, 'huge'), await isKept(0, 'b'), await isKept(1, 'd')]).toEqual([false, false, false])
  })
})
