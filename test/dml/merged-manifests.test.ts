import { it, expect } from 'vitest'
import { identity, schema, t } from '../../src/index.js'
import { memoryLake } from '../support/lake.js'
it('merges manifests of version 1 that a change has just written with files that stay', async () => {
  const lake = await memoryLake()
  const properties = { 'commit.manifest.min-count-to-merge': '2' }
  const table = await lake.catalog.createTable('a.t', {
    schema: schema({ id: t.long, p: t.int }), partitionBy: [identity('p')], formatVersion: 1, properties,
  })
  await table.append([{ id: 1n, p: 1 }, { id: 2n, p: 2 }])
  await table.overwritePartitions([{ id: 3n, p: 2 }])
  expect((await table.scan().rows().toArray()).map((row) => row['id']).sort()).toEqual([1n, 3n])
})
