/** What a token server is asked. Source: `OAuth2Util` */

/** Kinds of tokens that can be exchanged, RFC 8693 §3. */
export const tokenTypes = {
  access_token: 'urn:ietf:params:oauth:token-type:access_token',
  refresh_token: 'urn:ietf:params:oauth:token-type:refresh_token',
  id_token: 'urn:ietf:params:oauth:token-type:id_token',
  saml1: 'urn:ietf:params:oauth:token-type:saml1',
  saml2: 'urn:ietf:params:oauth:token-type:saml2',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const

/** A token, or the function that is asked for it whenever one is needed. */
export interface OAuth2Token {
  readonly token: string | (() => Promise<string>)
  /** Default `access_token`. */
  readonly type?: keyof typeof tokenTypes | undefined
}

export interface TokenParameters {
  /** Default `catalog`. */
  readonly scope?: string | undefined
  readonly audience?: string | undefined
  readonly resource?: string | undefined
}

const DEFAULT_SCOPE = 'catalog'

interface Client extends TokenParameters {
  readonly clientId?: string | undefined
  readonly clientSecret: string
}

/** RFC 6749 §4.4.2 */
export function grantForm(client: Client): URLSearchParams {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (client.clientId !== undefined) form.set('client_id', client.clientId)
  form.set('client_secret', client.clientSecret)
  return withParameters(form, client)
}

interface TypedToken {
  readonly token: string
  /** As the form says it. */
  readonly type: string
}

/** RFC 8693 §2.1 */
export function exchangeForm(parameters: TokenParameters, subject: TypedToken, actor: TypedToken | undefined): URLSearchParams {
  const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' })
  form.set('subject_token', subject.token)
  form.set('subject_token_type', subject.type)
  if (actor !== undefined) {
    form.set('actor_token', actor.token)
    form.set('actor_token_type', actor.type)
  }
  return withParameters(form, parameters)
}

function withParameters(form: URLSearchParams, { scope = DEFAULT_SCOPE, audience, resource }: TokenParameters): URLSearchParams {
  form.set('scope', scope)
  if (audience !== undefined) form.set('audience', audience)
  if (resource !== undefined) form.set('resource', resource)
  return form
}
