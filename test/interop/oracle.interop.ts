/** The oracle itself: it agrees with a table of known rows, and it notices when a row is wrong. */
import { afterAll, describe, expect, it } from 'vitest'
import { oracle } from './oracle.js'
import type { Engine } from './oracle.js'
import { requireTool } from './tools.js'
import { startVersitygw } from './versitygw.js'
import { currentMetadata, makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

const engines: readonly Engine[] = ['spark', 'java', 'pyiceberg', 'duckdb', 'pyarrow']
const lines = ['{"id":"1","s":"é","d":"-0"}', '{"id":"9007199254740993","s":null,"d":"NaN"}']

describe('the oracle', () => {
  it('sees what Spark wrote, with every engine', async (context) => {
    requireTool(context, 'python', 'spark')
    await oracle().sql(warehouse.location, [
      'create table {catalog}.self.t (id bigint not null, s string, d double) using iceberg',
      "insert into {catalog}.self.t values (1, 'é', -0.0D), (9007199254740993, null, double('NaN'))",
    ])
    const answers = await oracle().check({ metadata: currentMetadata(warehouse, 'self', 't') }, lines, engines)
    expect(answers.map((answer) => answer.message)).toEqual(engines.map(() => 'ok 2 rows'))
  })

  const wrongs: readonly (readonly [string, readonly string[]])[] = [
    ['another value', [lines[0]!, lines[1]!.replace('3', '2')]],
    ['a negative zero that became positive', [lines[0]!.replace('-0', '0'), lines[1]!]],
    ['a row twice', [...lines, lines[0]!]],
    ['a row missing', [lines[0]!]],
  ]
  it.for(wrongs)('notices %s', async ([, wrong], context) => {
    requireTool(context, 'python', 'spark')
    const answers = await oracle().check({ metadata: currentMetadata(warehouse, 'self', 't') }, wrong, engines)
    expect(answers.map((answer) => answer.ok)).toEqual(engines.map(() => false))
  })

  it('finds nothing wrong with the table', async (context) => {
    requireTool(context, 'python', 'spark')
    expect((await oracle().describe({ metadata: currentMetadata(warehouse, 'self', 't') })).errors).toEqual([])
  })
})

it('versitygw starts, answers and stops', async (context) => {
  requireTool(context, 'versitygw')
  const server = await startVersitygw(warehouse.folder, 'bucket')
  const answer = await fetch(`${server.endpoint}/bucket`)
  await server.stop()
  expect(answer.status).toBe(403)
})
