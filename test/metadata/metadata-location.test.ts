import { describe, expect, it } from 'vitest'
import { locationProvider } from '../../src/metadata/location-provider.js'
import { stripTrailingSlash } from '../../src/metadata/location.js'
import { makeMetadataFileName, metadataFileLocation, parseMetadataFileName } from '../../src/metadata/metadata-location.js'

const uuid = 'd5c4b0a6-2a3d-4b7e-9f00-0123456789ab'
const placed = (properties: Readonly<Record<string, string>>, location = 's3://bucket/db/table') => ({
  location,
  properties: new Map(Object.entries(properties)),
})

describe('names of metadata files (trap 71)', () => {
  it.each([
    ['v1.metadata.json', { version: 1, uuid: undefined, compression: 'none' }],
    ['v0.metadata.json', { version: 0, uuid: undefined, compression: 'none' }],
    ['v12.gz.metadata.json', { version: 12, uuid: undefined, compression: 'gzip' }],
    ['v12.metadata.json.gz', { version: 12, uuid: undefined, compression: 'gzip' }],
    [`00000-${uuid}.metadata.json`, { version: 0, uuid, compression: 'none' }],
    [`s3://b/t/metadata/00003-${uuid}.gz.metadata.json`, { version: 3, uuid, compression: 'gzip' }],
    [`123456-${uuid}.metadata.json`, { version: 123456, uuid, compression: 'none' }],
  ] as const)('reads %s', (name, expected) => {
    expect(parseMetadataFileName(name)).toEqual(expected)
  })

  it.each([
    'v1.metadata.json.tmp',
    'v1.metadata.jsonx',
    'v01.metadata.json',
    'v-1.metadata.json',
    'v1x.metadata.json',
    'v.metadata.json',
    `-${uuid}.metadata.json`,
    `3x-${uuid}.metadata.json`,
    '00003-.metadata.json',
    '.metadata.json',
    'snap-1-1-x.avro',
    `v${'9'.repeat(16)}.metadata.json`,
    'version-hint.text',
  ])('refuses %s', (name) => {
    expect(parseMetadataFileName(name)).toBeUndefined()
  })

  it('makes the names it reads', () => {
    for (const file of [
      { version: 3, uuid: undefined, compression: 'gzip' },
      { version: 3, uuid, compression: 'none' },
      { version: 100_000, uuid, compression: 'gzip' },
    ] as const) {
      expect(parseMetadataFileName(makeMetadataFileName(file))).toEqual(file)
    }
    expect(makeMetadataFileName({ version: 3, uuid, compression: 'none' })).toBe(`00003-${uuid}.metadata.json`)
  })

  it('puts files under write.metadata.path when it is set', () => {
    expect(metadataFileLocation(placed({}), 'x')).toBe('s3://bucket/db/table/metadata/x')
    expect(metadataFileLocation(placed({ 'write.metadata.path': 's3://other/m/' }), 'x')).toBe('s3://other/m/x')
    expect(() => metadataFileLocation(placed({ 'write.metadata.path': ' ' }), 'x')).toThrow(/write.metadata.path/)
  })
})

describe('places of data files', () => {
  const object = { 'write.object-storage.enabled': 'true' }

  it('are data/ in the table, or write.data.path', () => {
    expect(locationProvider(placed({})).dataLocation('f.parquet')).toBe('s3://bucket/db/table/data/f.parquet')
    expect(locationProvider(placed({})).dataLocation('f.parquet', 'kind=a')).toBe('s3://bucket/db/table/data/kind=a/f.parquet')
    expect(locationProvider(placed({ 'write.data.path': 's3://d/x/' })).dataLocation('f', 'k=1')).toBe('s3://d/x/k=1/f')
  })

  // Expected values: the reference's TestLocationProvider.testHashInjection.
  it.each([
    ['a', '0101/0110/1001/10110010/a'],
    ['b', '1110/0111/1110/00000011/b'],
    ['c', '0010/1101/0110/01011111/c'],
    ['d', '1001/0001/0100/01110011/d'],
  ])('spread %s by the reference\'s hash', (name, expected) => {
    expect(locationProvider(placed(object)).dataLocation(name)).toBe(`s3://bucket/db/table/data/${expected}`)
  })

  it('hash the partition path too, or leave it out', () => {
    const withPath = locationProvider(placed(object)).dataLocation('f', 'k=1')
    expect(withPath).toMatch(/\/data\/[01]{4}\/[01]{4}\/[01]{4}\/[01]{8}\/k=1\/f$/)
    const without = locationProvider(placed({ ...object, 'write.object-storage.partitioned-paths': 'false' })).dataLocation('a', 'k=1')
    expect(without).toBe('s3://bucket/db/table/data/0101/0110/1001/10110010-a')
  })

  it('carry the names of namespace and table in a folder outside of the table', () => {
    const outside = locationProvider(placed({ ...object, 'write.data.path': 's3://shared' })).dataLocation('a')
    expect(outside).toBe('s3://shared/0101/0110/1001/10110010/db/table/a')
  })

  it('refuse deprecated properties and custom providers', () => {
    expect(() => locationProvider(placed({ 'write.folder-storage.path': 'x' }))).toThrow(/deprecated/)
    expect(() => locationProvider(placed({ 'write.location-provider.impl': 'x' }))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })

  it('keep the slashes of a bare scheme', () => {
    expect(stripTrailingSlash('file:///')).toBe('file://')
    expect(stripTrailingSlash('s3://b/')).toBe('s3://b')
    expect(stripTrailingSlash('/')).toBe('/')
    expect(() => stripTrailingSlash('')).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })
})
