/** The answers of a REST catalog that plans scans, made by planning them here. */
import { parseExpression } from '../../src/expression/expression-json.js'
import type { Catalog } from '../../src/index.js'
import type { DataFile } from '../../src/manifest/data-file.js'
import type { PlannedFile } from '../../src/scan/scan-plan.js'
import { parseJson, type JsonMembers, type JsonObject, type JsonValue } from '../../src/util/json.js'

export const planEndpoints = [
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/plan',
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}',
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}',
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/tasks',
]

/** The planned files of what a client asks for, one `ScanTasks` object for each `size` of them. */
export async function scanTasks(catalog: Catalog, table: string, request: JsonObject, size = 2): Promise<readonly JsonMembers[]> {
  let scan = (await catalog.loadTable(table)).scan().filter(parseExpression(request.value('filter') ?? true))
  if (request.optionalBoolean('use-snapshot-schema') === true) scan = scan.useSnapshot(request.requireLong('snapshot-id'))
  const files = [...(await scan.plan()).files()]
  const parts: JsonMembers[] = []
  for (let i = 0; i < files.length; i += size) parts.push(tasksJson(files.slice(i, i + size)))
  return parts
}

function tasksJson(files: readonly PlannedFile[]): JsonMembers {
  const deletes: DataFile[] = []
  const indexOf = (file: DataFile): number => {
    const known = deletes.findIndex((other) => other.filePath === file.filePath && other.contentOffset === file.contentOffset)
    return known === -1 ? deletes.push(file) - 1 : known
  }
  const tasks = files.map((file) => ({
    'data-file': contentFile({ ...file.dataFile(), content: 'data' }, file.task().partition),
    ...(file.deletes.length === 0 ? {} : { 'delete-file-references': file.deletes.map(indexOf) }),
    'residual-filter': parseJson(file.task().residual),
  }))
  return { 'file-scan-tasks': tasks, 'delete-files': deletes.map((file) => contentFile(file, undefined)) }
}

/** Older servers write content and formats in capitals, and so does this one of deletes. */
function contentFile(file: DataFile, partition: string | undefined): JsonMembers {
  const members: Record<string, JsonValue> = {
    'spec-id': file.specId,
    content: file.content === 'data' ? 'data' : file.content.toUpperCase().replaceAll('-', '_'),
    'file-path': file.filePath,
    'file-format': file.content === 'data' ? file.fileFormat : file.fileFormat.toUpperCase(),
    partition: partition === undefined ? [...file.partition].map((value) => value as JsonValue) : parseJson(partition),
    'file-size-in-bytes': file.fileSizeBytes,
    'record-count': file.recordCount,
    'value-counts': { keys: [1], values: [file.recordCount] },
  }
  const optional: readonly (readonly [string, JsonValue | undefined])[] = [
    ['split-offsets', file.splitOffsets],
    ['equality-ids', file.equalityIds],
    ['first-row-id', file.firstRowId],
    ['referenced-data-file', file.referencedDataFile],
    ['content-offset', file.contentOffset],
    ['content-size-in-bytes', file.contentSizeBytes],
  ]
  for (const [name, value] of optional) if (value !== undefined) members[name] = value
  return members
}
