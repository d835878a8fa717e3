/** A request as a session sees it. */
export interface OutgoingRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Who the client is to the catalog. */
export interface AuthSession {
  /** The request's headers with what proves who asks. Fetches or renews tokens first where that is due. */
  authorize(request: OutgoingRequest): Promise<Readonly<Record<string, string>>>
  /** Statuses by which the catalog says that it does not take the proof. Default: 401 and 419. */
  readonly refusals?: ReadonlySet<number> | undefined
  /** Called with the headers of a request that the catalog refused: whether there is something newer to try than they have. */
  refresh?(refused: Readonly<Record<string, string>>): Promise<boolean>
  /** Values that must not show up in any message. */
  secrets(): readonly string[]
}

/** For catalogs that ask for nothing. */
export const anonymousSession: AuthSession = {
  authorize: (request) => Promise.resolve(request.headers),
  secrets: () => [],
}

/** A token that the caller has, or fetches: the function is asked again when the catalog refuses what it gave last. */
export function bearerSession(token: string | (() => Promise<string>)): AuthSession {
  let current: Promise<string> | undefined
  const seen = new Set<string>()
  const ask = async (): Promise<string> => {
    current ??= typeof token === 'string' ? Promise.resolve(token) : token()
    try {
      const value = await current
      seen.add(value)
      return value
    } catch (error) {
      current = undefined
      throw error
    }
  }
  return {
    authorize: async (request) => ({ ...request.headers, authorization: `Bearer ${await ask()}` }),
    refresh: async (refused) => {
      if (typeof token === 'string') return false
      const isRefused = (value: string | undefined): boolean => refused['authorization'] === `Bearer ${value}`
      // Requests that are refused at the same time ask once.
      if (isRefused(await current)) current = undefined
      return !isRefused(await ask())
    },
    secrets: () => [...seen],
  }
}
