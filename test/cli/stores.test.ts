/** Tables and input files in a store other than the local disk. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { S3Server } from '../support/s3-server.js'
import { floe } from './run.js'

let server: S3Server
let folder: string
let s3: readonly string[]

beforeAll(async () => {
  server = await S3Server.start()
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-stores-'))
  s3 = ['--s3-endpoint', server.endpoint, '--s3-region', 'us-east-1', '--s3-path-style']
})

afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

const from = ['--create', '--input-format', 'jsonl', '--from', '-']

it('a table in an S3 store is created, appended to, scanned and inspected, with credentials of the environment', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  const table = 's3://bucket/lake#shop.events'
  expect(await floe(['append', table, ...from, ...s3], { stdin: '{"id":1}\n' })).toMatchObject({ code: 0 })
  expect(await floe(['append', 's3://bucket/lake/shop/events', ...from, ...s3], { stdin: '{"id":2}\n' })).toMatchObject({ code: 0 })
  expect((await floe(['scan', table, ...s3])).out.split('\n').sort()).toEqual(['', '{"id":"1"}', '{"id":"2"}'])
  expect((await floe(['inspect', 's3://bucket/lake/shop/events', 'snapshots', ...s3])).out).toContain('(2 rows)')
})

it('a bucket is served from a folder where a prefix is mapped, for tables and for input', async () => {
  const mapped = ['--map-prefix', `s3://elsewhere/=${folder}`]
  expect(await floe(['append', 's3://elsewhere/lake#a.b', ...from, ...mapped], { stdin: '{"id":1}\n' })).toMatchObject({ code: 0 })
  expect(await floe(['scan', 's3://elsewhere/lake#a.b', '-o', join(folder, 'rows.csv'), ...mapped])).toMatchObject({ code: 0 })
  expect(await floe(['append', 's3://elsewhere/lake#a.b', '--from', 's3://elsewhere/rows.csv', ...mapped])).toMatchObject({ code: 0 })
  expect(await floe(['scan', join(folder, 'lake/a/b'), ...mapped])).toEqual({ code: 0, out: '{"id":"1"}\n{"id":"1"}\n', err: '' })
})

it('doctor tells what a store keeps, and ends with an error that names what it lacks', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  const safe = await floe(['doctor', 's3://bucket/tried', ...s3])
  expect(safe).toMatchObject({ code: 0, err: '' })
  expect(safe.out).toContain(' ok  create-once: of 32 creations of one object at once, 1 succeeded\n')
  expect(safe.out).toMatch(/Commits to s3:\/\/bucket\/tried are safe\.\n$/)
  server.ignoreConditions = true
  try {
    const unsafe = await floe(['doctor', 's3://bucket/tried', ...s3])
    expect(unsafe.code).toBe(1)
    expect(unsafe.out).toMatch(/^BAD {2}create-once: .* 32 succeeded instead of one\nBAD {2}create-if-absent: it created an object that existed already\n ok {2}read/)
    expect(unsafe.out).not.toContain('are safe')
    expect(unsafe.err).toMatch(/^floe: UNSUPPORTED: .*does not keep create-once, create-if-absent: keep the tables in another store/)
  } finally {
    server.ignoreConditions = false
  }
  expect(server.keys().filter((key) => key.startsWith('bucket/tried/'))).toEqual(['bucket/tried/.floe-store'])
})

it('doctor of a disk leaves out what no disk does', async () => {
  const { code, out } = await floe(['doctor', join(folder, 'lake')])
  expect(code).toBe(0)
  expect(out).toContain('  –  replace-once: the store replaces nothing on a condition; no commit relies on it\n')
  expect(out).not.toContain('odd')
})
