import { describe, expect, it } from 'vitest'
import { containerCompression, manifestCompression } from '../../src/manifest/manifest-compression.js'

describe('manifestCompression', () => {
  const of = (...entries: readonly (readonly [string, string])[]): unknown => containerCompression(manifestCompression(new Map(entries)))

  it('is gzip by default', () => {
    expect(of()).toEqual({ codec: 'deflate', level: 6 })
    expect(containerCompression()).toEqual({ codec: 'deflate', level: 6 })
  })

  it('reads codec and level of a table, in any case', () => {
    expect(of(['write.manifest.compression-codec', 'ZSTD'], ['write.manifest.compression-level', '7'])).toEqual({ codec: 'zstandard', level: 7 })
    expect(of(['write.manifest.compression-codec', 'zstd'])).toEqual({ codec: 'zstandard', level: 1 })
    expect(of(['write.manifest.compression-codec', 'uncompressed'])).toEqual({ codec: 'null', level: undefined })
    expect(of(['write.manifest.compression-codec', 'snappy'])).toEqual({ codec: 'snappy', level: undefined })
  })

  it('refuses what is no codec or no level', () => {
    expect(() => of(['write.manifest.compression-codec', 'toString'])).toThrow('use gzip, zstd, snappy or uncompressed')
    expect(() => of(['write.manifest.compression-level', 'high'])).toThrow('not an integer')
  })
})
