/** S3 servers as processes, each on a free port of this machine. */
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface S3Process {
  readonly endpoint: string
  stop(): Promise<void>
}

/** How to start a server that listens on a port of 127.0.0.1. */
export interface S3Command {
  readonly executable: string
  readonly args: (port: number) => readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a server and waits until it answers. */
export async function startS3Process({ executable, args, env }: S3Command): Promise<S3Process> {
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const server = spawn(executable, args(port), { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  server.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4000)
  })
  server.once('error', (error) => { log += error.message })
  await untilAnswers(endpoint, () => (server.exitCode === null && server.pid !== undefined ? undefined : new Error(`${executable} ended: ${log}`)))
  return {
    endpoint,
    stop: () =>
      new Promise((resolve) => {
        server.once('exit', () => { resolve() })
        server.kill()
      }),
  }
}

async function untilAnswers(endpoint: string, ended: () => Error | undefined): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const error = ended()
    if (error !== undefined) throw error
    const answer = await fetch(endpoint).catch(() => undefined)
    if (answer !== undefined) return
    await sleep(100)
  }
  throw new Error(`${endpoint} did not answer within thirty seconds`)
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
