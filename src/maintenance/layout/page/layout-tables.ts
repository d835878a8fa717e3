import type { GrowthPoint, TableLayout } from '../layout-types.js'
import { dataTable } from './data-table.js'
import { nameOf } from './file-charts.js'
import { bytesText, countOf, countText, decimalText, durationText, percentText, timeText } from './html-text.js'

/** What the charts show, and more, as numbers. */
export function layoutTables(layout: TableLayout): string[] {
  return [partitionsTable(layout), columnsTable(layout), clusteringTable(layout), growthTable(layout), refsTable(layout)].filter((table) => table !== '')
}

function partitionsTable({ partitions }: TableLayout): string {
  const { largest, rest } = partitions
  const others = rest.partitions === 0 ? '' : `, without ${countOf(rest.partitions, 'smaller one')} of ${bytesText(rest.bytes)}`
  return dataTable(`Partitions${others}`, largest, [
    { name: 'Partition', of: nameOf },
    { name: 'Spec', of: ({ specId }) => String(specId), isNumber: true },
    { name: 'Files', of: ({ files }) => countText(files), isNumber: true },
    { name: 'Small', of: ({ smallFiles }) => countText(smallFiles), isNumber: true },
    { name: 'Bytes', of: ({ bytes }) => bytesText(bytes), isNumber: true },
    { name: 'Rows', of: ({ rows }) => countText(rows), isNumber: true },
    { name: 'With deletes', of: ({ filesWithDeletes }) => countText(filesWithDeletes), isNumber: true },
    { name: 'Deleted rows', of: ({ positionDeletes }) => countText(positionDeletes), isNumber: true },
  ])
}

function columnsTable({ columns, totals }: TableLayout): string {
  const part = columns.measured.length < columns.total ? `, ${columns.measured.length} of ${columns.total}` : ''
  return dataTable(`Columns${part}`, totals.dataFiles === 0 ? [] : columns.measured, [
    { name: 'Column', of: ({ column }) => column },
    { name: 'Type', of: ({ type }) => type },
    { name: 'Files with bounds', of: ({ filesWithBounds }) => countText(filesWithBounds), isNumber: true },
    { name: '1 % range reads', of: ({ fileShare }) => `${percentText(fileShare)} of files`, isNumber: true },
    { name: 'of bytes', of: ({ byteShare }) => percentText(byteShare), isNumber: true },
    { name: 'Depth', of: ({ depth }) => decimalText(depth), isNumber: true },
    { name: 'Deepest', of: ({ maxDepth }) => countText(maxDepth), isNumber: true },
  ])
}

function clusteringTable({ clustering }: TableLayout): string {
  return dataTable('Overlap by the sort order and its columns', clustering, [
    { name: 'Order', of: ({ order }) => order },
    { name: 'Files', of: ({ depth }) => countText(depth.files), isNumber: true },
    { name: 'Average depth', of: ({ depth }) => decimalText(depth.average), isNumber: true },
    { name: 'Deepest', of: ({ depth }) => countText(depth.maximum), isNumber: true },
    { name: 'Of one value', of: ({ depth }) => countText(depth.constantFiles), isNumber: true },
    { name: 'Without bounds', of: ({ depth }) => countText(depth.unboundedFiles), isNumber: true },
  ])
}

function growthTable({ growth }: TableLayout): string {
  const known = (of: (point: GrowthPoint) => number | null, text: (value: number) => string) => (point: GrowthPoint): string => {
    const value = of(point)
    return value === null ? '–' : text(value)
  }
  return dataTable('Snapshots', growth.points.toReversed(), [
    { name: 'Snapshot', of: ({ snapshotId }) => snapshotId },
    { name: 'Committed, UTC', of: ({ timeMs }) => timeText(timeMs) },
    { name: 'Operation', of: ({ operation }) => operation ?? '–' },
    { name: 'Files', of: known(({ files }) => files, countText), isNumber: true },
    { name: 'Rows', of: known(({ rows }) => rows, countText), isNumber: true },
    { name: 'Bytes', of: known(({ bytes }) => bytes, bytesText), isNumber: true },
    { name: 'Delete files', of: known(({ deleteFiles }) => deleteFiles, countText), isNumber: true },
  ])
}

function refsTable({ history }: TableLayout): string {
  const age = (ms: number | null): string => (ms === null ? '–' : durationText(ms))
  return dataTable('Branches and tags', history.refs, [
    { name: 'Name', of: ({ name }) => name },
    { name: 'Type', of: ({ type }) => type },
    { name: 'Snapshot', of: ({ snapshotId }) => snapshotId },
    { name: 'Committed, UTC', of: ({ timeMs }) => (timeMs === null ? '–' : timeText(timeMs)) },
    { name: 'Keeps snapshots', of: ({ minSnapshotsToKeep: least }) => (least === null ? '–' : countText(least)), isNumber: true },
    { name: 'for', of: ({ maxSnapshotAgeMs }) => age(maxSnapshotAgeMs) },
    { name: 'itself for', of: ({ maxRefAgeMs }) => age(maxRefAgeMs) },
  ])
}
