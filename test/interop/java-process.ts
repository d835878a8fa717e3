/** Child processes of the reference's REST classes. */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { restClassPath } from './tools.js'

/** Small and quick to start: two cores are shared with the tests. */
const JAVA_OPTIONS = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']

export interface ReferenceServer {
  readonly uri: string
  stop(): Promise<void>
}

/** The reference's `RESTCatalogServer` over a warehouse in `folder`, its pointers in SQLite. */
export async function startReferenceServer(folder: string): Promise<ReferenceServer> {
  mkdirSync(join(folder, 'warehouse'), { recursive: true })
  const port = await freePort()
  const server = spawn('java', [...JAVA_OPTIONS, '-cp', restClassPath(), 'org.apache.iceberg.rest.RESTCatalogServer'], {
    env: {
      ...process.env,
      CATALOG_REST_PORT: String(port),
      CATALOG_WAREHOUSE: pathToFileURL(join(folder, 'warehouse')).href,
      CATALOG_URI: `jdbc:sqlite:${join(folder, 'catalog.db')}`,
      CATALOG_JDBC_SCHEMA__VERSION: 'V1',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  server.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4000)
  })
  const uri = `http://127.0.0.1:${port}`
  for (let attempt = 0; ; attempt++) {
    if (server.exitCode !== null || attempt === 300) throw new Error(`the reference's server does not answer: ${log}`)
    const answer = await fetch(`${uri}/v1/config`).catch(() => undefined)
    if (answer?.ok === true) break
    await sleep(100)
  }
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.once('exit', () => { resolve() })
      server.kill()
    })
  return { uri, stop }
}

export interface JavaRun {
  readonly code: number | null
  readonly output: string
}

/** Runs a class of the kit's class path to its end. */
export async function runJava(properties: Readonly<Record<string, string>>, args: readonly string[]): Promise<JavaRun> {
  const defined = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`)
  const child = spawn('java', [...JAVA_OPTIONS, ...defined, '-cp', restClassPath(), ...args])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output = (output + chunk.toString()).slice(-20_000) })
  const code = await new Promise<number | null>((done) => child.once('close', done))
  return { code, output }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => { resolve(port) })
    })
  })
}
