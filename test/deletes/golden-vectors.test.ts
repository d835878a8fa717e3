import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'
import { decodeVectorBlob, encodeVectorBlob } from '../../src/deletes/deletion-vector.js'
import { decodePuffinFile, encodePuffinFile } from '../../src/puffin/puffin-file.js'
import { goldenFolder } from '../golden/golden-tables.js'

const tables = join(goldenFolder, 'tables')
const puffinFiles = readdirSync(tables, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.puffin')).sort()

describe('deletion vectors that the reference wrote', () => {
  it('are all here', () => {
    expect(puffinFiles.length).toBe(18)
  })

  it.each(puffinFiles)('%s decodes to as many positions as it says, and encodes to the same bytes', (path) => {
    const bytes = new Uint8Array(readFileSync(join(tables, path)))
    const footer = decodePuffinFile(bytes, path)
    const blobs = footer.blobs.map((blob) => {
      const content = bytes.subarray(blob.offset, blob.offset + blob.length)
      const bitmap = decodeVectorBlob(content, { cardinality: Number(blob.properties.get('cardinality')) })
      expect(Buffer.compare(encodeVectorBlob(bitmap), content)).toBe(0)
      expect(Buffer.compare(encodeVectorBlob(PositionBitmap.of(bitmap)), content)).toBe(0)
      return { ...blob, content }
    })
    expect(blobs.length).toBeGreaterThan(0)
    expect(Buffer.compare(encodePuffinFile(blobs, footer.properties).bytes, bytes)).toBe(0)
  })
})
