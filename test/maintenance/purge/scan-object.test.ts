/** Whatever hides a key, a codec, a sketch, cut bounds or a short value, the search for it looks behind. */
import { describe, expect, it } from 'vitest'
import { eq, or, type Expression } from '../../../src/index.js'
import { readManifest, readManifestFiles } from '../../../src/commit/manifest-input.js'
import { encodeVectorBlob } from '../../../src/deletes/deletion-vector.js'
import { PositionBitmap } from '../../../src/deletes/position-bitmap.js'
import { Needles, needlesOf, textForms } from '../../../src/maintenance/purge/key-needles.js'
import { PurgeTarget } from '../../../src/maintenance/purge/purge-target.js'
import { scanManifest } from '../../../src/maintenance/purge/scan-manifest.js'
import { ObjectScanner } from '../../../src/maintenance/purge/scan-object.js'
import { encodePuffinFile } from '../../../src/puffin/puffin-file.js'
import { encodeThetaSketch, THETA_BLOB_TYPE, THETA_SEED, ThetaSketch } from '../../../src/puffin/theta-sketch.js'
import { gzip } from '../../../src/util/compression.js'
import { hash128, murmur3Bytes } from '../../../src/util/murmur3-128.js'
import { t } from '../../../src/index.js'
import { DamageBench } from '../../support/damaged-table.js'

const CANARY = 'c4a7-9f31e2d85b60-kanarienvogel-77aa'

async function scanner(bench: DamageBench, filter: Expression = eq('kind', CANARY)): Promise<{ readonly scan: ObjectScanner; readonly target: PurgeTarget }> {
  const context = await bench.context()
  const target = new PurgeTarget(context, filter, {})
  return { scan: new ObjectScanner(context, target, undefined), target }
}

describe('the search of an object', () => {
  it.each(['zstd', 'gzip', 'brotli', 'snappy', 'lz4', 'uncompressed'])('finds a value in pages of %s, and none where there is none', async (codec) => {
    const bench = await DamageBench.make({ properties: { 'write.parquet.compression-codec': codec } })
    // Neither the least nor the greatest: no bound names it.
    await bench.table.append(['aaaa', CANARY, 'zzzz'].map((kind, i) => ({ id: i, kind, score: 0 })))
    const { scan } = await scanner(bench)
    const seen = new Map<number, string | undefined>()
    for (const { filePath: location, fileSizeBytes: sizeBytes, recordCount } of await bench.dataFiles()) {
      seen.set(recordCount, await scan.scan({ location, sizeBytes, io: bench.io }))
    }
    expect(seen.get(3)).toMatch(codec === 'gzip' || codec === 'brotli' ? /^a (?:dictionary|data) page$/ : /^(?:a dictionary page|a data page|its bytes|a row)$/)
    expect([seen.get(4), seen.get(6)]).toEqual([undefined, undefined])
    expect(scan.undecoded).toEqual([])
  })

  it('finds values too short for their bytes to tell anything in rows', async () => {
    const bench = await DamageBench.make()
    const { scan, target } = await scanner(bench, or(eq('id', 3n), eq('kind', 'nobody-has-this-kind')))
    expect(target.keys.needles.size).toBeGreaterThan(0)
    const seen: (string | undefined)[] = []
    for (const { filePath: location, fileSizeBytes: sizeBytes } of await bench.dataFiles()) {
      seen.push(await scan.scan({ location, sizeBytes, io: bench.io }))
    }
    expect(seen.filter((place) => place === 'a row')).toHaveLength(1)
    expect(seen.filter((place) => place === undefined)).toHaveLength(1)
  })

  it('finds the hash of a value in a theta sketch, and a value in other blobs', async () => {
    const bench = await DamageBench.make()
    const { scan } = await scanner(bench)
    const bytes = Buffer.from(CANARY)
    const sketch = new ThetaSketch()
    murmur3Bytes(bytes, 0, bytes.length, THETA_SEED)
    sketch.update(hash128.low, hash128.high)
    const unnamed = { fields: [2], snapshotId: 1n, sequenceNumber: 1n, properties: new Map<string, string>() }
    const puffin = (type: string, content: Uint8Array): Uint8Array => encodePuffinFile([{ ...unnamed, type, content }], new Map()).bytes
    expect(await scan.scanBytes('x', puffin(THETA_BLOB_TYPE, encodeThetaSketch(sketch.compact())))).toBe('a theta sketch')
    expect(await scan.scanBytes('x', puffin('other', bytes))).toBe('its bytes')
    expect(await scan.scanBytes('x', puffin('deletion-vector-v1', encodeVectorBlob(PositionBitmap.of([1]))))).toBeUndefined()
  })

  it('finds a value in gzipped text, in names and across pieces of a large object', async () => {
    const bench = await DamageBench.make()
    const { scan } = await scanner(bench)
    expect(await scan.scanBytes('x', gzip(Buffer.from(`{"summary":"${CANARY}"}`)))).toBe('its text')
    expect(await scan.scanBytes(`data/kind=${CANARY}/x`, new Uint8Array(9))).toBe('its name')
    const large = Buffer.alloc(8 * 2 ** 20 + 100)
    large.write(CANARY, 8 * 2 ** 20 - 10)
    expect(await scan.scanBytes('x', large)).toBe('its bytes')
    expect(await scan.scanBytes('x', Buffer.alloc(8 * 2 ** 20 + 100))).toBeUndefined()
  })

  it('tells what it could not decode', async () => {
    const bench = await DamageBench.make()
    const { scan } = await scanner(bench)
    expect(await scan.scanBytes('x', Buffer.from('PAR1 and then nothing'))).toBeUndefined()
    expect(scan.undecoded).toHaveLength(1)
  })

  it('finds keys in bounds, those of removed files also where they are cut', async () => {
    const bench = await DamageBench.make()
    await bench.table.append([{ id: 50, kind: CANARY, score: 0 }])
    await bench.table.delete(eq('id', 50n))
    const { target } = await scanner(bench)
    const loaded = await bench.loaded()
    const seen: (string | undefined)[] = []
    for (const manifest of await readManifestFiles(loaded, bench.table.currentSnapshot)) {
      seen.push(scanManifest(await readManifest(loaded, manifest), loaded.metadata, target))
    }
    expect(seen.filter((place) => place?.startsWith('bounds of ') === true)).toHaveLength(1)
  })
})

describe('needles', () => {
  it('are found as plain search finds them, however many there are', () => {
    let state = 7
    const next = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16
    for (const count of [1, 5, 40]) {
      const needles = Array.from({ length: count }, () => Uint8Array.from({ length: 6 + (next() % 9) }, () => next() % 3))
      const many = new Needles(needles)
      for (let round = 0; round < 60; round++) {
        const hay = Uint8Array.from({ length: next() % 400 }, () => next() % 3)
        expect(many.isIn(hay)).toBe(needles.some((needle) => Buffer.from(hay).includes(Buffer.from(needle))))
      }
    }
  })

  it('are made of values that do not turn up by chance', () => {
    expect(needlesOf(t.string.type, 'ab')).toEqual([])
    expect(needlesOf(t.long.type, 5n)).toEqual([])
    expect(needlesOf(t.string.type, 'bob@example.org').map((form) => Buffer.from(form).toString())).toContain('bob%40example.org')
    expect(textForms('say "hello"').map((form) => Buffer.from(form).toString())).toContain('say \\"hello\\"')
  })
})
