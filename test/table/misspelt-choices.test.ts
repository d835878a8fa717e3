/** Words that callers choose: one that is misspelt would be taken for the default, or for the choice that is tested last. */
import { describe, expect, it } from 'vitest'
import { asc, desc, openCatalog, openTable, readFiles, schema, schemaOfFile, serveCatalog, t } from '../../src/index.js'
import type { Table } from '../../src/index.js'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import { S3FileIO } from '../../src/io/s3-file-io.js'
import { encodeUtf8 } from '../../src/util/utf8.js'
import { memoryLake } from '../support/lake.js'

const columns = schema({ id: t.long.required, name: t.string }, { identifierFields: ['id'] })
const row = { id: 1n, name: 'b' }

type Call = (table: Table, word: never) => unknown

const CHOICES: Readonly<Record<string, Call>> = {
  'unknownColumns of append': (table, unknownColumns) => table.append([row], { unknownColumns }),
  'unknownColumns of upsert': (table, unknownColumns) => table.upsert([row], ['id'], { unknownColumns }),
  'unknownColumns of overwrite': (table, unknownColumns) => table.overwrite([row], 'id = 1', { unknownColumns }),
  'unknownColumns of rowDelta': (table, unknownColumns) => table.rowDelta({ addRows: [row] }, { unknownColumns }),
  'unknownColumns of deleteByKeys': (table, unknownColumns) => table.deleteByKeys([{ id: 1n }], ['id'], { unknownColumns }),
  'mode of delete': (table, mode) => table.delete('id = 1', { mode }),
  'isolation of update': (table, isolation) => table.update('id = 1', { name: 'c' }, { isolation }),
  'missingColumns of applyChanges': (table, missingColumns) => table.applyChanges([], { operation: 'op', order: 'at', missingColumns }),
  'ifPositionUnknown of applyChanges': (table, ifPositionUnknown) => table.applyChanges([], { operation: 'op', order: 'at', ifPositionUnknown }),
  'selection of compact': (table, selection) => table.compact({ selection }),
  'jobOrder of compact': (table, jobOrder) => table.compact({ jobOrder }),
  'tags of purge': (table, tags) => table.purge('id = 1', { tags }),
  'cleanExpiredFiles of expireSnapshots': (table, cleanExpiredFiles) => table.expireSnapshots({ cleanExpiredFiles }),
  'timestamps of rows': (table, timestamps) => table.scan().rows({ timestamps }),
  'variants of rows': (table, variants) => table.scan().rows({ variants }),
  'timestamps of changes': (table, timestamps) => table.scanChanges().rows({ timestamps }),
  'nulls of asc': (table, nulls) => table.replaceSortOrder([asc('id', { nulls })]),
  'nulls of desc': (table, nulls) => table.replaceSortOrder([desc('id', { nulls })]),
}

/** What `call` throws, at once or later. */
async function thrownBy(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error
  }
}

describe.each(Object.entries(CHOICES))('%s', (_, call) => {
  it.each([['odd'], [null], [1n], [true]])('refuses %s, naming the choices, and does nothing', async (word: unknown) => {
    const { catalog, files } = await memoryLake()
    const table = await catalog.createTable('a.b', { schema: columns })
    await table.append([{ id: 1n, name: 'a' }, { id: 2n, name: 'a' }])
    const before = await files()
    const error = await thrownBy(() => call(table, word as never))
    expect(error).toMatchObject({ code: 'INVALID', message: expect.stringMatching(/is one of \w.*, not ("odd"|null|a value of type (bigint|boolean))/) as string })
    expect(await files()).toEqual(before)
  })
})

describe('the door', () => {
  const refused = async (call: () => unknown, message: RegExp): Promise<void> => {
    expect(await thrownBy(call)).toMatchObject({ code: 'INVALID', message: expect.stringMatching(message) as string })
  }

  it('is not opened without a look at the store because the word for it is misspelt', async () => {
    for (const verifyStore of ['alwyas', 'nevr', true, false, null] as never[]) {
      await refused(() => openCatalog('memory:', { verifyStore }), /verifyStore is one of auto, never, always/)
      await refused(() => openTable('/nowhere', { verifyStore }), /verifyStore is one of/)
      await refused(() => serveCatalog('memory:', { verifyStore }), /verifyStore is one of/)
    }
  })

  it('is closed to other misspelt words of a store and a server', async () => {
    const word = 'odd' as never
    await refused(() => openCatalog('s3://b/w', { s3: { checksums: word } }), /s3\.checksums is one of when-required/)
    await refused(() => openCatalog('https://localhost:1', { rest: { snapshots: word } }), /rest\.snapshots is one of all, refs/)
    await refused(() => openCatalog('https://localhost:1', { rest: { accessDelegation: word } }), /rest\.accessDelegation is one of/)
  })

  it('asks files for their format in words that there are, and for options that there are', async () => {
    const { io } = await memoryLake()
    const file = 'memory:///rows.jsonl'
    await io.write(file, encodeUtf8('{"id":1}\n'))
    const drain = async (options: object): Promise<void> => { for await (const each of readFiles(file, { io, ...options })) void each }
    await refused(() => drain({ format: 'json' }), /The format of a file is one of parquet, arrow, jsonl, csv, not "json"/)
    await refused(() => schemaOfFile(file, { io, format: 'json' } as never), /The format of a file is one of/)
    await refused(() => drain({ delimeter: ';' }), /readFiles has no option 'delimeter'\. Did you mean delimiter\?/)
    await refused(() => schemaOfFile(file, { colour: 1 } as never), /schemaOfFile has no option 'colour'/)
    await refused(() => drain({ s3: { colour: 1 } }), /s3 of readFiles has no option 'colour'/)
  })
})

it('a store whose word for being tried is unknown is tried', async () => {
  const { io } = await memoryLake()
  io.hook = () => Promise.reject(new Error('no answer'))
  const catalog = new ObjectStoreCatalog({ warehouse: 's3://b/w', io, verifyStore: 'alwyas' as never })
  await expect(catalog.createNamespace(['a'])).rejects.toThrow('no answer')
  expect(io.calls.map((call) => call.location)).toEqual(['s3://b/w/.floe-store'])
})

it.each([
  [{}, /lack accessKeyId and secretAccessKey/],
  [{ accessKeyId: 'canary-id', secretKey: 'canary-key' }, /lack secretAccessKey/],
  [{ accessKeyId: '', secretAccessKey: 'canary-key' }, /lack accessKeyId/],
  [{ accessKeyId: 'canary-id', secretAccessKey: 7 }, /lack secretAccessKey/],
  ['canary-id:canary-key', /lack accessKeyId and secretAccessKey/],
  [null, /lack accessKeyId and secretAccessKey/],
])('credentials %j are refused before a request, and not repeated', async (credentials, message) => {
  const io = new S3FileIO({ endpoint: 'http://127.0.0.1:9', credentials: credentials as never })
  const error = await thrownBy(() => io.read('s3://b/x'))
  expect(error).toMatchObject({ code: 'INVALID', message: expect.stringMatching(message) as string })
  expect(String(error)).not.toContain('canary')
})

it('a plan and the rows of appends have the options that they have', async () => {
  const { catalog } = await memoryLake()
  const table = await catalog.createTable('a.b', { schema: columns })
  await expect(table.scan().plan({ includeColumnsStats: true } as never)).rejects.toThrow("plan has no option 'includeColumnsStats'. Did you mean includeColumnStats?")
  expect(() => table.scan().rows({ timestamp: 'date' } as never)).toThrow("rows has no option 'timestamp'. Did you mean timestamps?")
  expect(() => table.scan().appendsBetween(undefined, undefined, { inclusive: true } as never)).toThrow("appendsBetween has no option 'inclusive'")
})
