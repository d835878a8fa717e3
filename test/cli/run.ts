import { Writable } from 'node:stream'
import type { Environment } from '../../src/cli/environment.js'
import { Output } from '../../src/cli/output.js'
import { runCommand } from '../../src/cli/run-command.js'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array
  /** Width of the terminal that standard output is; absent: it is a pipe. */
  readonly columns?: number
  readonly signal?: AbortSignal
}

/** Runs a command line inside this process. */
export async function floe(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [out, err] = [new Collected(options.columns), new Collected(undefined)]
  const environment: Environment = {
    stdout: new Output(out),
    stderr: new Output(err),
    stdin: bytesOf(options.stdin ?? ''),
    signal: options.signal ?? new AbortController().signal,
  }
  const code = await runCommand(args, environment)
  return { code, out: out.text, err: err.text }
}

class Collected extends Writable {
  readonly isTTY: boolean
  readonly columns: number
  readonly #chunks: Buffer[] = []

  constructor(columns: number | undefined) {
    super()
    this.isTTY = columns !== undefined
    this.columns = columns ?? 80
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8')
  }
}

async function* bytesOf(content: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield typeof content === 'string' ? Buffer.from(content) : content
}
