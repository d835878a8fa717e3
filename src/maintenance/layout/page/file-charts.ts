import type { PartitionLayout, SizeBucket, TableLayout } from '../layout-types.js'
import { COLUMN_CHART_HEIGHT, columnChart } from './column-chart.js'
import { heatMap, heatMapHeight } from './heat-map.js'
import { bytesText, countOf, countText, percentText } from './html-text.js'
import { rowChart, rowChartHeight } from './row-chart.js'
import { byteTicks, chartCard, emptyCard } from './svg-chart.js'
import type { Tone } from './svg-chart.js'

const SHOWN_PARTITIONS = 16

/** Sizes of files, altogether and by partition, and sizes of partitions. */
export function fileCharts(layout: TableLayout): string[] {
  if (layout.totals.dataFiles === 0) return [emptyCard({ id: 'sizes', title: 'File sizes', summary: 'The table has no data files.' })]
  const charts = [sizesChart(layout)]
  if (layout.partitions.largest.length > 1) charts.push(sizesByPartition(layout), partitionsChart(layout))
  return charts
}

function sizesChart({ fileSizes, totals, targetFileSizeBytes: target }: TableLayout): string {
  const columns = fileSizes.map(({ fromBytes, toBytes, files, bytes }) => ({
    label: bytesText(fromBytes),
    value: files,
    tone: toneOf(fromBytes, toBytes, target),
    tooltip: `${bytesText(fromBytes)} to ${bytesText(toBytes)}: ${countOf(files, 'file')}, ${bytesText(bytes)}`,
  }))
  const first = fileSizes[0]!.fromBytes
  const place = Math.log2(target) - (first === 0 ? 0 : Math.log2(first))
  const isBeyond = place > columns.length
  const mark = place < 0 ? undefined : { at: place, label: `target ${bytesText(target)}${isBeyond ? ' →' : ''}` }
  const body = columnChart({ columns, xLabel: 'size from, doubling', yLabel: 'data files', mark })
  const share = totals.smallFiles / totals.dataFiles
  const summary = `${countText(totals.smallFiles)} of ${countOf(totals.dataFiles, 'file')} (${percentText(share)}) are under 75 % of the target, ${countText(totals.largeFiles)} over 180 %.`
  return chartCard({ id: 'sizes', title: 'File sizes', summary, height: COLUMN_CHART_HEIGHT, body })
}

/** Files of a bucket are of the right size when some sizes in it are. */
function toneOf(fromBytes: number, toBytes: number, target: number): Tone {
  if (toBytes <= 0.75 * target) return 'warn'
  return fromBytes > 1.8 * target ? 'bad' : 'good'
}

function sizesByPartition({ partitions, fileSizes }: TableLayout): string {
  const shown = partitions.largest.slice(0, SHOWN_PARTITIONS)
  const columns = fileSizes.map(({ fromBytes }) => fromBytes)
  const rows = shown.map((partition) => ({ name: nameOf(partition), counts: columns.map((bytes) => filesOf(partition.sizes, bytes)) }))
  const body = heatMap({ rows, columns: columns.map((bytes) => Math.max(1, bytes)), xLabel: 'file size from, doubling' })
  const total = partitions.largest.length + partitions.rest.partitions
  const summary = `The stronger a cell, the more files of that size. ${total > shown.length ? `The ${shown.length} largest of ${countOf(total, 'partition')}.` : ''}`
  return chartCard({ id: 'partition-sizes', title: 'File sizes by partition', summary: summary.trim(), height: heatMapHeight(rows.length), body })
}

function filesOf(sizes: readonly SizeBucket[], fromBytes: number): number {
  return sizes.find((bucket) => bucket.fromBytes === fromBytes)?.files ?? 0
}

function partitionsChart({ partitions, totals }: TableLayout): string {
  const shown = partitions.largest.slice(0, SHOWN_PARTITIONS)
  const most = shown[0]!.bytes
  const rows = shown.map((partition) => {
    const { bytes, files, rows: records } = partition
    const tooltip = `${nameOf(partition)}: ${bytesText(bytes)} in ${countOf(files, 'file')}, ${countOf(records, 'row')}`
    return { name: nameOf(partition), value: bytes, text: bytesText(bytes), tone: 'data' as const, tooltip }
  })
  const scale = byteTicks(most)
  const ticks = scale.map((value) => ({ value, text: bytesText(value) }))
  const summary = `${countOf(totals.partitions, 'partition')}, ${bytesText(partitions.medianBytes)} in the middle one, ${bytesText(most)} in the largest.`
  const body = rowChart({ rows, most: scale.at(-1)!, xLabel: 'bytes of data files', ticks })
  return chartCard({ id: 'partitions', title: 'Largest partitions', summary, height: rowChartHeight(rows.length), body })
}

/** Files of no partition are of the whole table. */
export function nameOf({ path }: PartitionLayout): string {
  return path === '' ? '(unpartitioned)' : path
}
