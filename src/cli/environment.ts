import { addAbortSignal } from 'node:stream'
import { Output } from './output.js'

/** What a command touches of the process; tests hand in their own. */
export interface Environment {
  readonly stdout: Output
  readonly stderr: Output
  readonly stdin: AsyncIterable<Uint8Array>
  /** Fires on the first interrupt. */
  readonly signal: AbortSignal
}

/** The process's own streams. The first SIGINT aborts what runs, a second one ends the process as usual. */
export function processEnvironment(): { readonly environment: Environment; dispose(): void } {
  const controller = new AbortController()
  const interrupt = (): void => controller.abort(new DOMException('Interrupted', 'AbortError'))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const environment: Environment = {
    stdout: new Output(process.stdout),
    stderr: new Output(process.stderr),
    stdin: lazyStdin(controller.signal),
    signal: controller.signal,
  }
  return {
    environment,
    dispose() {
      process.removeListener('SIGINT', interrupt)
      process.removeListener('SIGTERM', interrupt)
    },
  }
}

/** Merely touching `process.stdin` may keep the process alive. */
async function* lazyStdin(signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  yield* addAbortSignal(signal, process.stdin) as AsyncIterable<Uint8Array>
}
