/** A Trino of one process, with its Iceberg connector and nothing else. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './java-process.js'
import { trinoInstallation } from './tools.js'

const JAVA_OPTIONS = [
  '-Xmx1g',
  '-XX:TieredStopAtLevel=1',
  '-Djdk.attach.allowAttachSelf=true',
  '-Dfile.encoding=UTF-8',
  '--enable-native-access=ALL-UNNAMED',
  '--sun-misc-unsafe-memory-access=allow',
  '--add-modules=jdk.incubator.vector',
]
/** Class loading of a server this large, on machines with other things to do. */
const START_TIMEOUT_MS = 300_000

export interface Trino {
  /** The rows of the statement. Throws with Trino's message when it fails. */
  sql(statement: string): Promise<readonly (readonly unknown[])[]>
  stop(): Promise<void>
}

interface StatementAnswer {
  readonly nextUri?: string
  readonly data?: readonly (readonly unknown[])[]
  readonly error?: { readonly message: string }
}

/** Starts Trino with the catalog `lake` of these properties. */
export async function startTrino(properties: Readonly<Record<string, string>>): Promise<Trino> {
  const { java, home } = trinoInstallation()
  const folder = mkdtempSync(join(tmpdir(), 'floe-trino-'))
  const port = await freePort()
  mkdirSync(join(folder, 'catalog'))
  const text = (members: Readonly<Record<string, string>>): string => Object.entries(members).map((member) => member.join('=')).join('\n')
  writeFileSync(join(folder, 'catalog/lake.properties'), text({ 'connector.name': 'iceberg', ...properties }))
  const config = {
    coordinator: 'true',
    'node-scheduler.include-coordinator': 'true',
    'http-server.http.port': String(port),
    'discovery.uri': `http://127.0.0.1:${port}`,
    'catalog.config-dir': join(folder, 'catalog'),
    'plugin.dir': join(home, 'plugin'),
  }
  writeFileSync(join(folder, 'config.properties'), text(config))
  const node = ['-Dnode.environment=test', '-Dnode.id=test', `-Dnode.data-dir=${folder}`, `-Dconfig=${join(folder, 'config.properties')}`]
  const server = spawn(java, [...JAVA_OPTIONS, ...node, '-cp', join(home, 'lib/*'), 'io.trino.server.TrinoServer'], { cwd: folder })
  let log = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => { log = (log + chunk.toString()).slice(-8000) })
  const uri = `http://127.0.0.1:${port}`
  const stop = async (): Promise<void> => {
    const ended = server.exitCode === null ? new Promise((resolve) => server.once('exit', resolve)) : undefined
    server.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  for (let waitedMs = 0; !(await isStarted(uri)); waitedMs += 500) {
    if (server.exitCode === null && waitedMs < START_TIMEOUT_MS) {
      await sleep(500)
      continue
    }
    await stop()
    throw new Error(`Trino does not answer: ${log}`)
  }
  return { sql: (statement) => run(uri, statement), stop }
}

async function isStarted(uri: string): Promise<boolean> {
  const answer = await fetch(`${uri}/v1/info`).catch(() => undefined)
  return answer?.ok === true && ((await answer.json()) as { readonly starting: boolean }).starting === false
}

async function run(uri: string, statement: string): Promise<readonly (readonly unknown[])[]> {
  const rows: (readonly unknown[])[] = []
  let answer = await fetch(`${uri}/v1/statement`, { method: 'POST', body: statement, headers: { 'x-trino-user': 'test' } })
  for (;;) {
    const page = (await answer.json()) as StatementAnswer
    if (page.error !== undefined) throw new Error(`${statement}: ${page.error.message}`)
    rows.push(...(page.data ?? []))
    if (page.nextUri === undefined) return rows
    answer = await fetch(page.nextUri, { headers: { 'x-trino-user': 'test' } })
  }
}
