/** The Avro files that the reference wrote: data files of a table, and the position deletes that point into them. */
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { canonicalRowWriter } from '../../src/arrow/canonical-row.js'
import { readAvroDataFile } from '../../src/avro-data/avro-data-file.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD } from '../../src/schema/reserved-fields.js'
import { parseSchema } from '../../src/schema/schema-json.js'
import { Schema } from '../../src/schema/schema.js'
import type { JsonValue } from '../../src/util/json.js'
import { expectedLines, goldenPath, goldenTables, readGolden } from '../golden/golden-tables.js'
import type { GoldenFile } from '../golden/golden-tables.js'

const golden = goldenTables.find(({ table }) => table === 'format_avro')!
const schema = parseSchema(golden.schemas[0] as unknown as JsonValue)
const filesOf = (snapshot: string): readonly GoldenFile[] => golden['live-files'][snapshot]!

/** Canonical lines with the position of each row. */
async function linesOf(file: GoldenFile, projection: Schema): Promise<{ line: string; position: number }[]> {
  const write = canonicalRowWriter(projection)
  const lines: { line: string; position: number }[] = []
  const location = pathToFileURL(goldenPath(file.file_path)).href
  for await (const { batch, firstPosition } of readAvroDataFile({
    io: new LocalFileIO(),
    location,
    fileSizeBytes: readGolden(file.file_path).length,
    projection,
  })) {
    write(batch).forEach((line, i) => lines.push({ line, position: firstPosition + i }))
  }
  return lines
}

describe('the golden Avro table', () => {
  it.each(golden.snapshots.map((snapshot) => snapshot['snapshot-id']))('has in snapshot %s the rows that the engines see', async (snapshot) => {
    const deletes = filesOf(snapshot).filter((file) => file.content === 1)
    const deleted = new Set<string>()
    for (const file of deletes) {
      for (const { line } of await linesOf(file, new Schema([DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD]))) deleted.add(line)
    }
    const lines: string[] = []
    for (const file of filesOf(snapshot).filter(({ content }) => content === 0)) {
      const rows = await linesOf(file, schema)
      expect(rows).toHaveLength(file.record_count)
      const isLive = (position: number): boolean => !deleted.has(JSON.stringify({ file_path: file.file_path, pos: String(position) }))
      lines.push(...rows.flatMap(({ line, position }) => (isLive(position) ? [line] : [])))
    }
    expect(lines.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))).toEqual(expectedLines(golden, `snapshot-${snapshot}`))
    expect(deleted.size).toBe(deletes.length)
  })
})
