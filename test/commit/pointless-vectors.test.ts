import { expect, it } from 'vitest'
import { alwaysTrue } from '../../src/expression/predicates.js'
import { CommitBench, dataFile, vector } from '../support/commit-bench.js'
import { table } from '../support/metadata-builders.js'

const validation = (startingSnapshotId: bigint | undefined): object => ({
  validation: { startingSnapshotId, isolation: 'snapshot', conflictFilter: alwaysTrue(), allowConcurrentDeletes: true },
})

it('a vector for a data file that others removed meanwhile is in no snapshot, and does not stay behind', async () => {
  const bench = new CommitBench({ metadata: table({ formatVersion: 3 }) })
  await bench.append(['gone', 'stays'])
  const base = bench.backend.current()
  await bench.changeAsOther({ removedDataFiles: [dataFile('gone')] })
  const addedDeleteFiles = [vector('v-gone.puffin', 'gone'), vector('v-stays.puffin', 'stays')]
  await bench.change({ addedDeleteFiles }, { ownsFiles: true, ...validation(base.metadata.currentSnapshotId) }, base)
  expect(await bench.paths()).toEqual(['stays', 'v-stays.puffin'])
  expect(bench.io.deleted).toContain('v-gone.puffin')
  expect(bench.io.deleted).not.toContain('v-stays.puffin')
})
