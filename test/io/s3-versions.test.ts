import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FileIO, ObjectVersion } from '../../src/io/file-io.js'
import { mapPaths } from '../../src/io/path-mapping.js'
import { guardPrefixes } from '../../src/io/prefix-guard.js'
import { ReadThroughCache } from '../../src/io/read-through-cache.js'
import { S3FileIO } from '../../src/io/s3-file-io.js'
import { S3Server } from '../support/s3-server.js'

let server: S3Server
let io: S3FileIO

beforeAll(async () => {
  server = await S3Server.start({ versioned: true, pageSize: 2 })
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  io = new S3FileIO({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials, maxAttempts: 2 })
})
afterAll(async () => {
  await io.close()
  await server.close()
})

async function all(of: FileIO, prefix: string): Promise<ObjectVersion[]> {
  const found: ObjectVersion[] = []
  for await (const version of of.versions!.list(prefix)) found.push(version)
  return found
}

describe('versions of S3 objects', () => {
  it('are listed over pages, read and deleted one by one, and an object comes back when the mark of its deletion goes', async () => {
    server.reset()
    const location = 's3://lake/t/a b.txt'
    for (const text of ['one', 'two', 'three']) await io.write(location, Buffer.from(text))
    await io.delete([location])
    await io.write('s3://lake/other/x', Buffer.from('x'))
    const versions = await all(io, 's3://lake/t')
    expect(versions.map(({ isLatest, isDeleteMarker, sizeBytes }) => [isLatest, isDeleteMarker, sizeBytes])).toEqual([
      [false, false, 3], [false, false, 3], [false, false, 5], [true, true, 0],
    ])
    expect(new Set(versions.map((version) => version.location))).toEqual(new Set([location]))
    expect(Buffer.from(await io.versions.read(versions[1]!)).toString()).toBe('two')
    await io.versions.delete(versions[0]!)
    await io.versions.delete(versions[0]!)
    expect(await io.head(location)).toBeUndefined()
    await io.versions.delete(versions[3]!)
    expect(Buffer.from(await io.read(location)).toString()).toBe('three')
  })

  it('may be locked, and the lock says until when', async () => {
    server.reset()
    await io.write('s3://lake/t/b', Buffer.from('b'))
    const [version] = await all(io, 's3://lake/t')
    expect(await io.versions.heldUntilMs(version!)).toBeUndefined()
    const until = new Date(Date.now() + 60_000)
    server.lock(/t\/b$/, until)
    await expect(io.versions.delete(version!)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(await io.versions.heldUntilMs(version!)).toBe(until.getTime())
  })

  it('are there through guards, mappings and caches, under the names that were asked for', async () => {
    server.reset()
    await io.write('s3://lake/t/c', Buffer.from('c'))
    const cached = new ReadThroughCache(guardPrefixes(mapPaths(io, [{ from: 's3://mine/', to: 's3://lake/' }]), { prefixes: ['s3://mine/t/'] }))
    const [version] = await all(cached, 's3://mine/t')
    expect(version).toMatchObject({ location: 's3://mine/t/c', isLatest: true })
    expect(Buffer.from(await cached.versions!.read(version!)).toString()).toBe('c')
    await expect(cached.versions!.delete({ ...version!, location: 's3://mine/other/c' })).rejects.toMatchObject({ code: 'INVALID' })
    await cached.versions!.delete(version!)
    expect(server.keys()).toEqual([])
  })

  it('that may not be listed are refused with a reason', async () => {
    server.reset()
    server.fail('forbidden', 'list-versions')
    await expect(all(io, 's3://lake/t')).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })
})
