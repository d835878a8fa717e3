import type { RunningServer } from '../catalog/rest-server/serve-catalog.js'
import { systemRuntime } from '../util/runtime.js'
import { checkArgument, checkOptional, namesOf } from './checked-arguments.js'
import { type BackendOptions, openBackend } from './open-backend.js'
import { BACKEND, checkOpenOptions } from './open-options.js'

export interface ServeCatalogOptions extends BackendOptions {
  /** Default `127.0.0.1`. Others than this machine's own need a token. */
  readonly host?: string | undefined
  /** Default 0: any free one. */
  readonly port?: number | undefined
  /** What clients must send, as bearer token or as OAuth 2 client secret. */
  readonly token?: string | undefined
  /** Properties that clients get, such as `s3.endpoint`. Never credentials: those are refused. */
  readonly clientProperties?: Readonly<Record<string, string>> | undefined
  readonly onError?: ((error: unknown) => void) | undefined
}

const SERVER = { host: true, port: true, token: true, clientProperties: true, onError: true } as const
const SERVE_NAMES = namesOf<ServeCatalogOptions>()({ ...BACKEND, ...SERVER })

/**
 * Serves the catalog at a URI by the REST protocol of Iceberg, for engines that speak it: they and writers of the same
 * warehouse that go without the server are safe from each other.
 * @throws FloeError `INVALID` for an address that others reach without a token, a port that is none, a secret among `clientProperties`
 */
export async function serveCatalog(uri: string, options: ServeCatalogOptions = {}): Promise<RunningServer> {
  checkArgument(uri, 'string', "A catalog's URI")
  checkOpenOptions(options, 'serveCatalog', SERVE_NAMES)
  const { host, port, token, clientProperties, onError } = options
  checkOptional(host, 'string', 'The host')
  checkOptional(token, 'string', 'The token')
  checkOptional(clientProperties, 'object', 'clientProperties')
  const runtime = options.runtime ?? systemRuntime
  const { serveCatalog: serve } = await import('../catalog/rest-server/serve-catalog.js')
  const { backend, close } = await openBackend(uri, options)
  try {
    const server = await serve({ catalog: backend, runtime, host, port, token, overrides: clientProperties, onError })
    const closeAll = async (): Promise<void> => {
      await server.close()
      await backend.close?.()
      await close()
    }
    return { uri: server.uri, close: closeAll }
  } catch (error) {
    await close()
    throw error
  }
}
