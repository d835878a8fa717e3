import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'tsup'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { appendUntilCommitted, creation, notesOf } from '../support/table-commits.js'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
let base = ''
let program = ''

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'floe-processes-'))
  const outDir = join(root, 'node_modules', `.append-process-${process.pid}`)
  await build({
    entry: [join(root, 'test/support/append-process.ts')],
    outDir,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    config: false,
    silent: true,
    outExtension: () => ({ js: '.mjs' }),
    skipNodeModulesBundle: true,
  })
  program = join(outDir, 'append-process.mjs')
})
afterAll(() => {
  for (const folder of [base, join(program, '..')]) rmSync(folder, { recursive: true, force: true })
})

describe('writers in several processes', () => {
  it('commit to one table on a disk, and every acknowledged append is there once, in one line of history (fault 20)', async () => {
    const warehouse = join(base, 'many')
    const catalog = new ObjectStoreCatalog({ io: new LocalFileIO(), warehouse })
    const id = { namespace: ['shop'], name: 'events' }
    await catalog.createTable(id, creation())
    const writers = ['a', 'b', 'c']
    const appends = 12
    await Promise.all(writers.map((writer) => run(process.execPath, [program, warehouse, writer, String(appends)])))
    const table = await catalog.loadTable(id)
    const expected = writers.flatMap((writer) => Array.from({ length: appends }, (_, i) => `${writer}-${i}`))
    expect(notesOf(table).sort()).toEqual(expected.sort())
    expect(table.metadata.lastSequenceNumber).toBe(BigInt(expected.length))
    expect(table.metadataLocation).toContain(`/v${expected.length + 1}.metadata.json`)
    expect(readdirSync(join(warehouse, 'shop/events/metadata')).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('that are killed at any moment leave every acknowledged append, and a table that the next writer goes on with', async () => {
    const warehouse = join(base, 'killed')
    const catalog = new ObjectStoreCatalog({ io: new LocalFileIO(), warehouse })
    const id = { namespace: ['shop'], name: 'events' }
    await catalog.createTable(id, creation())
    const acknowledged: string[] = []
    for (let round = 0; round < 5; round++) {
      acknowledged.push(...(await appendsUntilKilled([program, warehouse, `k${round}`, '100000'], 3 + round)))
      const notes = notesOf(await new ObjectStoreCatalog({ io: new LocalFileIO(), warehouse }).loadTable(id))
      expect(notes).toEqual([...new Set(notes)])
      expect(notes).toEqual(expect.arrayContaining(acknowledged))
      expect(acknowledged.length).toBeGreaterThan(round)
      expect(notes.length - acknowledged.length).toBeLessThanOrEqual(round * 3 + 3)
      await appendUntilCommitted(catalog, id, `survivor ${round}`)
      acknowledged.push(`survivor ${round}`)
    }
  })
})

/** Runs a writer and kills it without notice, some moments after so many acknowledgements. Returns those it gave. */
function appendsUntilKilled(args: readonly string[], after: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.split('\n').length > after) setTimeout(() => child.kill('SIGKILL'), Math.random() * 4)
    })
    child.on('error', reject)
    child.on('close', () => resolve(output.split('\n').slice(0, -1)))
  })
}
