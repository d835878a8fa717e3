import { readFile } from 'node:fs/promises'
import { serveCatalog } from '../table/serve.js'
import { absolutePlace, CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { catalogNamed, storeOptions } from './open-target.js'
import { systemFailure } from './system-failure.js'
import { UsageError } from './usage-error.js'

/** `floe serve`: a REST catalog over a warehouse, until it is interrupted. */
export async function serveVerb(args: readonly string[], { stdout, stderr, signal }: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    host: { type: 'string' },
    port: { type: 'string' },
    'token-file': { type: 'string' },
    'client-property': { type: 'string', multiple: true },
  })
  const uri = catalogNamed(options, 'serve')
  const server = await serveCatalog(absolutePlace(uri), {
    ...storeOptions(options),
    allowedLocations: options.texts('allow-location').map(absolutePlace),
    host: options.text('host'),
    port: options.count('port'),
    token: await readToken(options.text('token-file')),
    clientProperties: options.pairs('client-property'),
    onError: (error) => {
      void stderr.line(`floe: ${error instanceof Error ? error.message : String(error)}`)
    },
  })
  await stdout.line(options.flag('json') ? JSON.stringify({ uri: server.uri }) : `Serving ${uri} at ${server.uri}; interrupt to stop`)
  await interruption(signal)
  await server.close()
}

/** By file or environment: arguments are seen by every process of the machine. */
async function readToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env['FLOE_SERVE_TOKEN']
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw systemFailure(error, 'read the token file', file) ?? error
  })
  const token = text.trim()
  if (token === '') throw new UsageError('The token file is empty')
  return token
}

function interruption(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
