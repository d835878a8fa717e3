/** A real S3 server over a folder, for one test file. */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { S3Access } from './oracle.js'
import { versitygwExecutable } from './tools.js'

export interface S3Server extends S3Access {
  readonly bucket: string
  stop(): Promise<void>
}

/** Starts versitygw on a free port with one bucket. */
export async function startVersitygw(folder: string, bucket: string): Promise<S3Server> {
  mkdirSync(join(folder, 'objects', bucket), { recursive: true })
  const port = await freePort()
  const access: S3Access = { endpoint: `http://127.0.0.1:${port}`, accessKey: 'interop', secretKey: 'interop-secret' }
  const server = spawn(versitygwExecutable, ['--port', `127.0.0.1:${port}`, 'posix', join(folder, 'objects')], {
    env: { ...process.env, ROOT_ACCESS_KEY: access.accessKey, ROOT_SECRET_KEY: access.secretKey },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  server.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4000)
  })
  await untilAnswers(access.endpoint, () => (server.exitCode === null ? undefined : new Error(`versitygw ended: ${log}`)))
  return {
    ...access,
    bucket,
    stop: () =>
      new Promise((resolve) => {
        server.once('exit', () => { resolve() })
        server.kill()
      }),
  }
}

async function untilAnswers(endpoint: string, ended: () => Error | undefined): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const error = ended()
    if (error !== undefined) throw error
    const answer = await fetch(endpoint).catch(() => undefined)
    if (answer !== undefined) return
    await sleep(100)
  }
  throw new Error(`${endpoint} did not answer within ten seconds`)
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => { resolve(port) })
    })
  })
}
