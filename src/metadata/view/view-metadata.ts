/**
 * Views: a query by name, in the dialects of the engines that run it. This folder knows what their metadata says and how it changes,
 * not where it is kept. Spec: Iceberg View Spec
 */
import type { Schema } from '../../schema/schema.js'
import type { JsonValue } from '../../util/json.js'

/** A view as of one moment. Spec: View Metadata */
export interface ViewMetadata {
  readonly viewUuid: string
  readonly formatVersion: 1
  /** Its base location, below which metadata files lie. */
  readonly location: string
  readonly schemas: readonly Schema[]
  readonly currentVersionId: number
  readonly versions: readonly ViewVersion[]
  /** When which version was made current, oldest first. */
  readonly versionLog: readonly ViewLogEntry[]
  readonly properties: ReadonlyMap<string, string>
  /** Members that this version does not know; kept when metadata is rewritten. */
  readonly unknownFields: ReadonlyMap<string, JsonValue>
}

/** One definition of a view; it never changes. Spec: Versions */
export interface ViewVersion {
  readonly versionId: number
  readonly schemaId: number
  readonly timestampMs: number
  /** `engine-name`, `engine-version`. */
  readonly summary: ReadonlyMap<string, string>
  readonly representations: readonly ViewRepresentation[]
  /** For names without a catalog. Default: the view's own. */
  readonly defaultCatalog: string | undefined
  /** For names without a namespace. */
  readonly defaultNamespace: readonly string[]
  readonly unknownFields: ReadonlyMap<string, JsonValue>
}

/** Spec: Representations. Types other than `sql` are kept as they are. */
export type ViewRepresentation = SqlRepresentation | { readonly type: 'unknown'; readonly members: ReadonlyMap<string, JsonValue> }

export interface SqlRepresentation {
  readonly type: 'sql'
  /** A SELECT statement. */
  readonly sql: string
  /** `spark`, `trino`, and so on; one statement for each. */
  readonly dialect: string
  readonly unknownFields?: ReadonlyMap<string, JsonValue> | undefined
}

/** Spec: Version log */
export interface ViewLogEntry {
  readonly timestampMs: number
  readonly versionId: number
}

/** The current version. */
export function currentVersion(metadata: ViewMetadata): ViewVersion {
  return metadata.versions.find(({ versionId }) => versionId === metadata.currentVersionId)!
}

/** The statement for a dialect, whatever the case of its name. */
export function sqlFor(version: ViewVersion, dialect: string): string | undefined {
  const wanted = dialect.toLowerCase()
  return sqlOf(version).find((representation) => representation.dialect.toLowerCase() === wanted)?.sql
}

/** The statements of a version. */
export function sqlOf(version: ViewVersion): readonly SqlRepresentation[] {
  return version.representations.filter((representation) => representation.type === 'sql')
}
