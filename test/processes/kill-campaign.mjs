/**
 * Kills processes (SIGKILL) at the steps of their operations, and looks each time at what is left: the rows are those from before
 * or from after the operation and nothing in between, and the next writer goes on without any repair.
 * Options: --points N (spread over all steps; default: every step), --minutes N (ends after so long, and says how far it came),
 * --s3 JSON of access, --location PLACE.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { openCatalog } from '../../dist/index.js'
import { createTable, operations, readRows, TABLE } from './operations.mjs'

const text = { type: 'string' }
const { values } = parseArgs({ options: { points: text, minutes: text, s3: text, location: text } })
const endMs = performance.now() + Number(values.minutes ?? Infinity) * 60_000
const folder = mkdtempSync(join(tmpdir(), 'floe-kill-'))
const location = values.location ?? join(folder, 'lake')
const access = values.s3 === undefined ? undefined : JSON.parse(values.s3)
const options = access === undefined ? {} : { s3: access }

const GOLDEN_RATIO = 0.618_033_988_749_895

function victim(name, step, moment) {
  const env = values.s3 === undefined ? process.env : { ...process.env, FLOE_S3: values.s3 }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'victim.mjs'), location, name, String(step), moment], { env })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, out, err })))
}

async function open() {
  const lake = await openCatalog(location, options)
  return { lake, table: await lake.loadTable(TABLE) }
}

const sameRows = (a, b) => a.size === b.size && [...a].every(([id, v]) => b.get(id) === v)
const show = (rows) => JSON.stringify([...rows].sort(([a], [b]) => a - b))

async function rowsNow() {
  const { lake, table } = await open()
  const rows = await readRows(table)
  await lake.close()
  return rows
}

/** Which steps of which operations are the points to be killed at. */
async function plan() {
  const points = []
  for (const name of Object.keys(operations)) {
    const { code, out, err } = await victim(name, 0, 'before')
    if (code !== 0) throw new Error(`${name} failed without being killed: ${err}`)
    const { steps } = JSON.parse(out)
    for (let step = 1; step <= steps; step++) for (const moment of ['before', 'after']) points.push({ name, step, moment })
  }
  const wanted = values.points === undefined ? points.length : Math.min(points.length, Number(values.points))
  const chosen = Array.from({ length: wanted }, (_, i) => points[Math.floor((i * points.length) / wanted)])
  // In an order in which any beginning is spread over all operations.
  const place = new Map(chosen.map((point, i) => [point, (i * GOLDEN_RATIO) % 1]))
  return { all: points.length, chosen: chosen.sort((a, b) => place.get(a) - place.get(b)) }
}

async function kill({ name, step, moment }) {
  const before = await rowsNow()
  const { signal, code, err } = await victim(name, step, moment)
  const after = await rowsNow()
  const whole = operations[name].next(before)
  const isDone = sameRows(after, whole)
  const point = `${name}, killed ${moment} step ${step}`
  if (!isDone && !sameRows(after, before)) throw new Error(`${point}: rows are ${show(after)}, neither ${show(before)} nor ${show(whole)}`)
  // Steps depend a little on the table: an operation that came to its end was not killed.
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`${point}: it failed by itself: ${err}`)
  const { lake, table } = await open()
  const id = Math.max(0, ...after.keys()) + 1
  await table.append([{ id, p: id % 3, v: 'next writer' }])
  await lake.close()
  const next = await rowsNow()
  if (!sameRows(next, new Map([...after, [id, 'next writer']]))) throw new Error(`${point}: the next writer left ${show(next)}`)
  return { killed: signal === 'SIGKILL', done: isDone }
}

try {
  await createTable(location, options)
  const { all, chosen } = await plan()
  let [tried, killed, done] = [0, 0, 0]
  for (const point of chosen) {
    if (performance.now() > endMs) break
    tried++
    const outcome = await kill(point)
    if (outcome.killed) killed++
    if (outcome.killed && outcome.done) done++
  }
  const kinds = Object.keys(operations).length
  const counted = `${killed} processes killed, at ${tried} of ${all} points of ${kinds} operations`
  console.log(`${counted}: ${done} had committed, ${killed - done} had not, and every table was whole`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
