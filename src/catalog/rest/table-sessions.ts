import type { TableIdentifier } from '../catalog-backend.js'
import { printTableIdentifier } from '../table-identifier.js'
import { bearerSession, type AuthSession, type OutgoingRequest } from './auth-session.js'
import { tokenTypes } from './oauth2-forms.js'
import { OAuth2Session } from './oauth2-session.js'

type Config = ReadonlyMap<string, string> | undefined

export interface TableSessionsOptions {
  /** The catalog's own session. */
  readonly parent: AuthSession
  /** Whether tokens of the server are of any use: the connection hides them, and requests are not signed. */
  readonly allowed: boolean
  /** The configuration that the server sends with a table by now. */
  readonly reload: (identifier: TableIdentifier) => Promise<Config>
}

const MAX_KNOWN = 1000
/** Kinds of tokens that a table's configuration may hold, the best first. Source: `OAuth2Manager.TOKEN_PREFERENCE_ORDER` */
const EXCHANGED = ['id_token', 'access_token', 'jwt', 'saml2', 'saml1'] as const

/**
 * Sessions of tables whose configuration holds a token: for requests about the table itself, as the server wants them. A credential
 * there is left alone: only the caller says with what the client proves who it is. Source: `OAuth2Manager.tableSession`
 */
export class TableSessions {
  readonly #options: TableSessionsOptions
  readonly #known = new Map<string, TableSession>()

  constructor(options: TableSessionsOptions) {
    this.#options = options
  }

  /** The session for requests about a table. */
  of(identifier: TableIdentifier): AuthSession {
    return this.#known.get(printTableIdentifier(identifier)) ?? this.#options.parent
  }

  /** Takes note of a table's configuration. A token that is known already keeps its session, with what it was exchanged for. */
  keep(identifier: TableIdentifier, config: Config): void {
    const key = printTableIdentifier(identifier)
    const known = this.#known.get(key)
    this.#known.delete(key)
    const given = this.#options.allowed && config !== undefined ? tokenOf(config) : undefined
    if (given === undefined) return
    const session = known ?? new TableSession(async () => this.keep(identifier, await this.#options.reload(identifier)))
    if (session.token !== given.token) session.use(given.token, this.#open(given))
    this.#known.set(key, session)
    const oldest = this.#known.keys().next()
    if (this.#known.size > MAX_KNOWN && oldest.done !== true) this.#known.delete(oldest.value)
  }

  secrets(): readonly string[] {
    return [...this.#known.values()].flatMap((session) => session.secrets())
  }

  #open(given: GivenToken): AuthSession {
    const { parent } = this.#options
    return parent instanceof OAuth2Session ? parent.forTable(given) : bearerSession(given.token)
  }
}

/** Goes on with the newest token that the server gave for the table; one that is refused has it asked for another. */
class TableSession implements AuthSession {
  token: string | undefined
  #inner: AuthSession | undefined
  readonly #reload: () => Promise<void>
  #reloading: Promise<void> | undefined

  constructor(reload: () => Promise<void>) {
    this.#reload = reload
  }

  use(token: string, session: AuthSession): void {
    this.token = token
    this.#inner = session
  }

  authorize(request: OutgoingRequest): Promise<Readonly<Record<string, string>>> {
    return this.#inner!.authorize(request)
  }

  async refresh(refused: Readonly<Record<string, string>>): Promise<boolean> {
    const before = this.token
    const isRenewed = this.#inner!.refresh?.(refused).catch(() => false)
    if ((await isRenewed) === true) return true
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined
    })
    await this.#reloading
    return this.token !== before
  }

  secrets(): readonly string[] {
    return [this.token!, ...this.#inner!.secrets()]
  }
}

interface GivenToken {
  readonly token: string
  /** `undefined`: an access token that is used as it is. */
  readonly type: (typeof EXCHANGED)[number] | undefined
}

function tokenOf(config: ReadonlyMap<string, string>): GivenToken | undefined {
  const token = config.get('token')
  if (token !== undefined) return { token, type: undefined }
  const type = EXCHANGED.find((kind) => config.has(tokenTypes[kind]))
  return type === undefined ? undefined : { token: config.get(tokenTypes[type])!, type }
}
