import { bytesText, countOf, visibleText } from './display-text.js'
import { jsonOf } from './json-rows.js'
import { layOutTable, tableHead, tableLine } from './terminal-table.js'
import type { TableColumn } from './terminal-table.js'
import type { TypedRows } from './typed-rows.js'
import { printJson } from '../util/json.js'

/** A column for people: which member of a row, by its path, and how it is shown. */
export interface InspectionColumn extends TableColumn {
  readonly path: string
  readonly show: 'value' | 'time' | 'place' | 'bytes' | 'content' | 'status' | 'partition'
}

const value = (path: string, name = path): InspectionColumn => ({ name, path, align: 'left', show: 'value' })
const count = (path: string, name = path): InspectionColumn => ({ name, path, align: 'right', show: 'value' })
const size = (path: string, name = path): InspectionColumn => ({ name, path, align: 'right', show: 'bytes' })
const time = (path: string, name = path): InspectionColumn => ({ name, path, align: 'left', show: 'time', fit: 'whole' })
const id = (path: string, name = path): InspectionColumn => ({ name, path, align: 'right', show: 'value', fit: 'whole' })
const place = (path: string, name = path): InspectionColumn => ({ name, path, align: 'left', show: 'place', fit: 'end' })
const partition: InspectionColumn = { name: 'partition', path: 'partition', align: 'left', show: 'partition' }
const content = (path: string): InspectionColumn => ({ name: 'content', path, align: 'left', show: 'content' })

const FILES = [
  content('content'),
  count('record_count', 'records'),
  size('file_size_in_bytes', 'size'),
  count('spec_id', 'spec'),
  partition,
  place('file_path'),
]
const MANIFESTS = [
  content('content'),
  size('length', 'size'),
  count('partition_spec_id', 'spec'),
  count('added_data_files_count', 'added'),
  count('existing_data_files_count', 'existing'),
  count('deleted_data_files_count', 'deleted'),
  id('added_snapshot_id', 'added by'),
  place('path'),
]
const ENTRIES = [
  { name: 'status', path: 'status', align: 'left', show: 'status' } as const,
  id('snapshot_id', 'snapshot'),
  count('sequence_number', 'sequence'),
  count('data_file.record_count', 'records'),
  place('data_file.file_path', 'file_path'),
]
const SCHEMAS = [count('schema_id', 'schema'), count('field_id', 'id'), value('path', 'column'), value('type'), value('required'), value('doc')]

/** The columns that matter most; `--json` has them all. */
const COLUMNS: ReadonlyMap<string, readonly InspectionColumn[]> = new Map([
  [
    'snapshots',
    [
      id('snapshot_id', 'snapshot'),
      time('committed_at', 'committed at (UTC)'),
      value('operation'),
      count('summary.added-records', '+records'),
      count('summary.total-records', 'records'),
      count('summary.total-data-files', 'files'),
      id('parent_id', 'parent'),
    ],
  ],
  [
    'history',
    [time('made_current_at', 'made current (UTC)'), id('snapshot_id', 'snapshot'), id('parent_id', 'parent'), value('is_current_ancestor', 'ancestor')],
  ],
  ['refs', [value('name'), value('type'), id('snapshot_id', 'snapshot'), count('max_reference_age_in_ms', 'max age ms')]],
  ['schema', SCHEMAS.slice(1)],
  ['schemas', SCHEMAS],
  ['properties', [value('key'), { ...value('value'), fit: 'start' }]],
  ['metadata-log', [time('timestamp', 'time (UTC)'), id('latest_snapshot_id', 'snapshot'), count('latest_schema_id', 'schema'), place('file')]],
  [
    'statistics',
    [
      id('snapshot_id', 'snapshot'),
      count('snapshots_behind', 'behind'),
      value('kind'),
      value('columns'),
      count('ndv', 'distinct'),
      size('file_size_in_bytes', 'size'),
      place('statistics_path', 'file'),
    ],
  ],
  ['files', FILES],
  ['manifests', MANIFESTS],
  ['entries', ENTRIES],
  [
    'partitions',
    [
      partition,
      count('spec_id', 'spec'),
      count('record_count', 'records'),
      count('file_count', 'files'),
      size('total_data_file_size_in_bytes', 'size'),
      count('position_delete_record_count', 'pos deletes'),
      count('equality_delete_record_count', 'eq deletes'),
      time('last_updated_at', 'updated (UTC)'),
    ],
  ],
])

/** What to show of `floe inspect <what>`. */
export function inspectionColumns(what: string): readonly InspectionColumn[] {
  const kind = what.replace(/^all-/, '').replace(/^(?:data|delete)-files$/, 'files')
  return COLUMNS.get(kind)!
}

/** Rows as a table; places below `location`, the table's own, are shown without it. */
export function inspectionText(
  rows: readonly object[],
  columns: readonly InspectionColumn[],
  { location, columns: width, typed }: { readonly location: string; readonly columns: number | undefined; readonly typed: TypedRows },
): string {
  const cells = rows.map((row) => columns.map((column) => visibleText(cell(memberAt(row, column.path), column, { location, typed }))))
  const layout = layOutTable(columns, cells, width)
  const note = layout.hidden.length === 0 ? '' : `; not shown: ${layout.hidden.join(', ')}`
  return `${tableHead(layout)}${cells.map((row) => tableLine(row, layout)).join('')}(${countOf(rows.length, 'row')}${note})\n`
}

function memberAt(row: object, path: string): unknown {
  const own = (target: unknown, name: string): unknown =>
    typeof target === 'object' && target !== null && Object.hasOwn(target, name) ? (target as Record<string, unknown>)[name] : undefined
  const dot = path.indexOf('.')
  return dot < 0 ? own(row, path) : own(own(row, path.slice(0, dot)), path.slice(dot + 1))
}

function cell(member: unknown, { show }: InspectionColumn, { location, typed }: { location: string; typed: TypedRows }): string {
  if (member === undefined || member === null) return ''
  switch (show) {
    case 'bytes':
      return bytesText(Number(member))
    case 'place':
      return relativePlace(String(member), location)
    case 'content':
      return ['data', 'position deletes', 'equality deletes'][Number(member)] ?? String(member)
    case 'status':
      return ['existing', 'added', 'deleted'][Number(member)] ?? String(member)
    case 'partition':
      return typed.partitionText(member as object)
    case 'time':
      return (member as Date).toISOString().slice(0, 19).replace('T', ' ')
    case 'value':
      return typeof member === 'object' && !(member instanceof Date) ? membersText(member) : plain(member)
  }
}

/** A place below the table without the table's own. */
export function relativePlace(place: string, location: string): string {
  const folder = location.endsWith('/') ? location : `${location}/`
  return place.startsWith(folder) ? place.slice(folder.length) : place
}

function membersText(members: object): string {
  return Object.entries(members).map(([name, member]) => `${name}=${plain(member)}`).join(' ')
}

function plain(member: unknown): string {
  const json = jsonOf(member)
  return typeof json === 'string' ? json : printJson(json)
}
