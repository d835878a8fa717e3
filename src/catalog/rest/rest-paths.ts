import type { TableIdentifier } from '../catalog-backend.js'

/** The separator of namespace levels where the server names none: the unit separator, escaped. */
export const DEFAULT_NAMESPACE_SEPARATOR = '%1F'

/** Paths of the protocol, below the catalog's URI. Source: `ResourcePaths`, `RESTUtil` */
export class RestPaths {
  readonly #prefix: string
  readonly #separator: string

  /** `separator` is the escaped text that stands between the levels of a namespace in paths. */
  constructor(prefix: string | undefined, separator: string = DEFAULT_NAMESPACE_SEPARATOR) {
    this.#prefix = prefix === undefined || prefix === '' ? 'v1' : `v1/${escapePrefix(prefix)}`
    this.#separator = separator
  }

  namespaces(): string {
    return `${this.#prefix}/namespaces`
  }

  namespace(namespace: readonly string[]): string {
    return `${this.#prefix}/namespaces/${namespace.map(escapeSegment).join(this.#separator)}`
  }

  namespaceProperties(namespace: readonly string[]): string {
    return `${this.namespace(namespace)}/properties`
  }

  tables(namespace: readonly string[]): string {
    return `${this.namespace(namespace)}/tables`
  }

  table(identifier: TableIdentifier): string {
    return `${this.tables(identifier.namespace)}/${escapeSegment(identifier.name)}`
  }

  register(namespace: readonly string[]): string {
    return `${this.namespace(namespace)}/register`
  }

  rename(): string {
    return `${this.#prefix}/tables/rename`
  }

  metrics(identifier: TableIdentifier): string {
    return `${this.table(identifier)}/metrics`
  }

  credentials(identifier: TableIdentifier): string {
    return `${this.table(identifier)}/credentials`
  }

  plan(identifier: TableIdentifier): string {
    return `${this.table(identifier)}/plan`
  }

  plannedScan(identifier: TableIdentifier, planId: string): string {
    return `${this.plan(identifier)}/${escapeSegment(planId)}`
  }

  scanTasks(identifier: TableIdentifier): string {
    return `${this.table(identifier)}/tasks`
  }

  transaction(): string {
    return `${this.#prefix}/transactions/commit`
  }

  views(namespace: readonly string[]): string {
    return `${this.namespace(namespace)}/views`
  }

  view(identifier: TableIdentifier): string {
    return `${this.views(identifier.namespace)}/${escapeSegment(identifier.name)}`
  }

  registerView(namespace: readonly string[]): string {
    return `${this.namespace(namespace)}/register-view`
  }

  renameView(): string {
    return `${this.#prefix}/views/rename`
  }

  /** A namespace as the value of a query parameter; it is escaped when the query is. */
  namespaceParameter(namespace: readonly string[]): string {
    return namespace.join(decodeURIComponent(this.#separator))
  }
}

/**
 * A prefix is part of a path as the server wrote it: S3 Tables sends an ARN whose colons and slash are escaped already. Only what no path
 * may hold is escaped. Source: `ResourcePaths`
 */
function escapePrefix(prefix: string): string {
  return prefix.replaceAll(/%(?![0-9A-Fa-f]{2})|[^\w\-.~%!$&'()*+,;=:@/]/gu, (character) => encodeURIComponent(character))
}

/** Servers decode paths as forms or as URIs: `%20` means a space to both, `+` to one only. */
function escapeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
