import { describe, expect, it } from 'vitest'
import { cherryPick } from '../../src/commit/cherry-pick.js'
import { CommitBench } from '../support/commit-bench.js'

const staged = { stageOnly: true, properties: new Map([['wap.id', 'job']]) }

describe('a pick that the catalog took and answered as refused', () => {
  it('is a success where the branch only had to move', async () => {
    const bench = new CommitBench({ script: ['ok', 'ok', 'rejected-landed'] })
    await bench.append(['a'])
    const { snapshot } = await bench.append(['b'], staged)
    await bench.commit(cherryPick('job', {}, bench.runtime))
    expect([await bench.paths(), bench.backend.metadata.currentSnapshotId]).toEqual([['a', 'b'], snapshot!.snapshotId])
  })

  it('is a success where its files were added anew, and they are there once', async () => {
    const bench = new CommitBench({ script: ['ok', 'ok', 'ok', 'rejected-landed'] })
    await bench.append(['a'])
    await bench.append(['b'], staged)
    await bench.append(['c'])
    const { snapshot } = await bench.commit(cherryPick('job', {}, bench.runtime))
    expect([await bench.paths(), snapshot?.summary.get('published-wap-id')]).toEqual([['a', 'b', 'c'], 'job'])
  })
})

describe('a name that another writer publishes while it is picked', () => {
  it('is refused when the other added its files anew', async () => {
    const bench = new CommitBench()
    await bench.append(['a'])
    await bench.append(['b'], staged)
    const stale = bench.backend.current()
    await bench.append(['c'])
    await bench.commit(cherryPick('job', {}, bench.runtime))
    await expect(bench.commit(cherryPick('job', {}, bench.runtime), stale)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(await bench.paths()).toEqual(['a', 'b', 'c'])
  })

  it('is there once when both only had to move the branch: whose move it was makes no difference', async () => {
    const bench = new CommitBench()
    await bench.append(['a'])
    await bench.append(['b'], staged)
    const stale = bench.backend.current()
    await bench.commit(cherryPick('job', {}, bench.runtime))
    await bench.commit(cherryPick('job', {}, bench.runtime), stale)
    expect(await bench.paths()).toEqual(['a', 'b'])
  })
})
