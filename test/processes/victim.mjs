/**
 * Makes one operation, and dies at its n-th step: a system call that touches the disk, or a request to an S3 server.
 * Arguments: location, operation, step (0: count them, and print the count), `before` or `after` the step takes effect.
 */
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import process from 'node:process'

const [location, name, step, moment] = process.argv.slice(2)
const lastStep = Number(step)
let steps = 0
let isArmed = false

/** One step of the operation, which may be the last of this process. */
async function take(effect) {
  if (!isArmed) return effect()
  const isLast = ++steps === lastStep
  if (isLast && moment === 'before') process.kill(process.pid, 'SIGKILL')
  const result = await effect()
  if (isLast) {
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => undefined)
  }
  return result
}

function tamper(target, names) {
  for (const key of names) {
    const original = target[key]
    target[key] = function (...args) {
      return take(() => original.apply(this, args))
    }
  }
}

const handle = await fs.open(process.execPath)
tamper(Object.getPrototypeOf(handle), ['write', 'writev', 'writeFile', 'sync', 'datasync'])
await handle.close()
tamper(fs, ['link', 'unlink', 'rename', 'mkdir', 'rmdir', 'rm', 'open'])
syncBuiltinESMExports()

const access = process.env.FLOE_S3 === undefined ? undefined : JSON.parse(process.env.FLOE_S3)
const loadSdk = async () => {
  const sdk = await import('@aws-sdk/client-s3')
  class CountingClient extends sdk.S3Client {
    send(...args) {
      return take(() => super.send(...args))
    }
  }
  return { ...sdk, S3Client: CountingClient }
}
const { openCatalog } = await import('../../dist/index.js')
const { operations, readRows, TABLE } = await import('./operations.mjs')
const lake = await openCatalog(location, access === undefined ? {} : { s3: { ...access, loadSdk } })
const table = await lake.loadTable(TABLE)
const rows = await readRows(table)
isArmed = true
await operations[name].run(table, rows)
isArmed = false
console.log(JSON.stringify({ steps }))
await lake.close()
process.exit(0)
