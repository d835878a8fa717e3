import { describe, expect, it } from 'vitest'
import { appendFiles } from '../../src/commit/append-files.js'
import { changeFiles } from '../../src/commit/change-files.js'
import type { ManifestEntry } from '../../src/manifest/data-file.js'
import { CommitBench, dataFile } from '../support/commit-bench.js'
import { table } from '../support/metadata-builders.js'

const NOTHING = { addedDataFiles: [], removedDataFiles: [], addedDeleteFiles: [], removedDeleteFiles: [] }

/** The live entries of the current snapshot by the file's path. */
async function liveEntries(bench: CommitBench): Promise<ReadonlyMap<string, ManifestEntry>> {
  const live = (await bench.entries()).filter((entry) => entry.status !== 'deleted')
  return new Map(live.map((entry) => [entry.dataFile.filePath, entry]))
}

describe('a transaction that is overtaken', () => {
  it('gives the files of its earlier operations the sequence numbers and row ids of the attempt that lands, where its later ones merge manifests', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 3, properties: { 'commit.manifest.min-count-to-merge': '2' } }) })
    const base = bench.backend.current()
    bench.backend.beforeCommit = (n) => (n === 1 ? bench.appendAsOther(['other'], { branch: 'audit' }) : undefined)
    const append = (path: string): ReturnType<typeof appendFiles> => appendFiles([dataFile(path)], {}, bench.runtime)
    await bench.transaction([append('first'), append('second')], base)
    const live = await liveEntries(bench)
    expect([...live].map(([path, { sequenceNumber, dataFile: { firstRowId } }]) => [path, sequenceNumber, firstRowId]).sort()).toEqual([
      ['first', 2n, 10n],
      ['second', 3n, 20n],
    ])
  })

  it('does so where its later ones look for files to remove', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 3, properties: { 'commit.manifest-merge.enabled': 'false' } }) })
    await bench.append(['old'])
    const base = bench.backend.current()
    bench.backend.beforeCommit = (n) => (n === 2 ? bench.appendAsOther(['other']) : undefined)
    const append = appendFiles([dataFile('first'), dataFile('second')], {}, bench.runtime)
    const remove = changeFiles({ ...NOTHING, removedDataFiles: [dataFile('second')] }, { name: 'delete' }, bench.runtime)
    const again = changeFiles({ ...NOTHING, removedDataFiles: [dataFile('old')] }, { name: 'delete' }, bench.runtime)
    await bench.transaction([append, again, remove], base)
    const live = await liveEntries(bench)
    expect([...live].map(([path, { sequenceNumber, dataFile: { firstRowId } }]) => [path, sequenceNumber, firstRowId]).sort()).toEqual([
      ['first', 3n, 20n],
      ['other', 2n, 10n],
    ])
  })
})
