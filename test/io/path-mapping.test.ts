import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { openFileIO } from '../../src/io/open-file-io.js'
import { mapPaths } from '../../src/io/path-mapping.js'
import { describeFileIO } from '../conformance/file-io.js'

let base = ''
let roots = 0
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'floe-map-'))
})
afterAll(() => {
  rmSync(base, { recursive: true, force: true })
})

describeFileIO('a bucket served from a folder', () => {
  const root = `r${roots++}`
  return { io: mapPaths(new LocalFileIO({ sync: false }), [{ from: 's3://bucket/', to: `file:${base}` }]), root: `s3a://bucket/${root}` }
}, { compareAndSwap: false, emptySegments: false })
describeFileIO('a bucket served from another', () => ({
  io: mapPaths(new MemoryFileIO(), [{ from: 's3://bucket', to: 's3://mirror/deep/er' }]),
  root: 's3://bucket/r',
}))
describeFileIO('openFileIO with a mapping', () => ({
  io: openFileIO('s3://bucket', { sync: false, mappings: [{ from: 's3://bucket', to: base }] }),
  root: `s3://bucket/r${roots++}`,
}), { compareAndSwap: false, emptySegments: false })

describe('mappings', () => {
  it('the longest match wins, whole segments only, the rest passes through', async () => {
    const store = new MemoryFileIO()
    const io = mapPaths(store, [
      { from: 's3://b', to: 'memory:/all' },
      { from: 's3://b/sub/', to: 'memory:/part' },
    ])
    for (const location of ['s3://b/x', 's3://b/sub/y', 's3://b/subway/z', 'memory:/other']) await io.write(location, new Uint8Array(1))
    for (const real of ['memory:/all/x', 'memory:/part/y', 'memory:/all/subway/z', 'memory:/other']) expect(await store.head(real)).toBeDefined()
  })

  it('a dot segment or a link never leads out of the folder', async () => {
    mkdirSync(`${base}/m`)
    writeFileSync(`${base}/secret`, 'secret')
    symlinkSync(`${base}/secret`, `${base}/m/link`)
    const io = mapPaths(new LocalFileIO(), [{ from: 's3://b', to: `${base}/m` }])
    for (const location of ['s3://b/../secret', 's3://b/x/../../secret', 's3://b/link']) {
      await expect(io.read(location)).rejects.toMatchObject({ code: 'INVALID' })
    }
    await expect(io.delete(['s3://b/../secret'])).rejects.toMatchObject({ code: 'INVALID' })
    expect(readFileSync(`${base}/secret`, 'utf8')).toBe('secret')
  })
})

describe('openFileIO', () => {
  it('chooses by scheme, and refuses what it does not know', async () => {
    writeFileSync(`${base}/f`, 'x')
    for (const location of [`${base}/f`, `file:${base}/f`, `file://${base}/f`]) expect(await openFileIO(location).read(location)).toHaveLength(1)
    await openFileIO('memory:').write('memory:/x', new Uint8Array(1))
    for (const location of ['https://host/x', 'gs://b/k', 'abfs://c@a/k']) expect(() => openFileIO(location)).toThrow(/No store is known/)
    expect(() => openFileIO('relative')).toThrow(/is no location/)
  })

  it('an unmapped location beside a mapping is still served', async () => {
    const io = openFileIO(base, { mappings: [{ from: 's3://b', to: `${base}/m2` }] })
    await io.write('s3://b/x', new Uint8Array(2))
    expect(await io.read(`${base}/m2/x`)).toHaveLength(2)
    await io.delete(['s3://b/x', `${base}/f`])
    expect(await io.head(`${base}/m2/x`)).toBeUndefined()
    await io.close?.()
  })
})
