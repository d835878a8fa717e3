import type { OverlapDepth } from '../../../compaction/clustering/overlap-depth.js'
import type { ColumnLayout, TableLayout } from '../layout-types.js'
import { COLUMN_CHART_HEIGHT, columnChart } from './column-chart.js'
import { countOf, countText, decimalText, percentText } from './html-text.js'
import { rowChart, rowChartHeight } from './row-chart.js'
import { chartCard, emptyCard, ticks } from './svg-chart.js'
import type { Tone } from './svg-chart.js'

const SHOWN_COLUMNS = 14

/** What ranges of each column read, how deep files overlap by each column, and by the sort order. */
export function clusteringCharts(layout: TableLayout): string[] {
  const { columns, totals } = layout
  if (totals.dataFiles === 0) return []
  const measured = columns.measured.filter(({ filesWithBounds }) => filesWithBounds > 0)
  const bounded = measured.length > 0
  const none = emptyCard({ id: 'skipping', title: 'Skipping by column', summary: 'No column has bounds in the manifests: filters skip nothing.' })
  return [...(bounded ? [skippingChart(measured, layout), depthByColumn(measured)] : [none]), depthChart(layout)]
}

function skippingChart(measured: readonly ColumnLayout[], { columns }: TableLayout): string {
  const shown = measured.toSorted((a, b) => a.fileShare - b.fileShare).slice(0, SHOWN_COLUMNS)
  const rows = shown.map(({ column, type, fileShare, byteShare, filesWithBounds }) => ({
    name: column,
    value: fileShare,
    text: percentText(fileShare),
    tone: shareTone(fileShare),
    tooltip: `${column} (${type}): a range of 1 % reads ${percentText(fileShare)} of the files, ${percentText(byteShare)} of the bytes; ${countOf(filesWithBounds, 'file')} with bounds`,
  }))
  const scale = [0, 0.25, 0.5, 0.75, 1].map((value) => ({ value, text: percentText(value) }))
  const body = rowChart({ rows, most: 1, xLabel: 'share of files that a filter for 1 % of the rows reads', ticks: scale })
  const best = shown[0]!
  const more = columns.total > shown.length ? ` ${shown.length} of ${columns.total} columns.` : ''
  const summary = `The shorter the bar, the more a filter on the column skips, by bounds in manifests alone. Best: ${best.column}, ${percentText(best.fileShare)}.${more}`
  return chartCard({ id: 'skipping', title: 'Skipping by column', summary, height: rowChartHeight(rows.length), body })
}

function shareTone(share: number): Tone {
  return share <= 0.25 ? 'good' : share <= 0.75 ? 'data' : 'quiet'
}

function depthByColumn(measured: readonly ColumnLayout[]): string {
  const shown = measured.toSorted((a, b) => a.depth - b.depth).slice(0, SHOWN_COLUMNS)
  const most = Math.max(...shown.map(({ depth }) => depth))
  const rows = shown.map(({ column, depth, maxDepth }) => ({
    name: column,
    value: depth,
    text: decimalText(depth),
    tone: depthTone(depth),
    tooltip: `${column}: ${decimalText(depth)} files over one another on average, ${countText(maxDepth)} at most`,
  }))
  const scale = ticks(most)
  const labelled = scale.map((value) => ({ value, text: decimalText(value) }))
  const body = rowChart({ rows, most: scale.at(-1)!, xLabel: 'files that hold one value, on average', ticks: labelled })
  const summary = 'How many files lie over one another by the bounds of each column alone. 1 is best: every value is in one file.'
  return chartCard({ id: 'depth-columns', title: 'Overlap depth by column', summary, height: rowChartHeight(rows.length), body })
}

function depthTone(depth: number): Tone {
  return depth < 2 ? 'good' : depth < 4 ? 'data' : depth < 10 ? 'warn' : 'bad'
}

function depthChart({ clustering }: TableLayout): string {
  const sorted = clustering[0]
  const title = 'Overlap in the sort order'
  if (sorted === undefined) return emptyCard({ id: 'depth', title, summary: 'The table has no sort order that bounds tell of.' })
  const { order, depth } = sorted
  if (depth.histogram.length === 0) return emptyCard({ id: 'depth', title, summary: `By ${order} each file holds one value: none can overlap.` })
  const columns = depth.histogram.map(({ fromDepth, files }, i) => ({
    label: depthLabel(depth, i),
    value: files,
    tone: depthTone(fromDepth),
    tooltip: `${countOf(files, 'file')} at a depth of ${depthLabel(depth, i)}`,
  }))
  const body = columnChart({ columns, xLabel: 'files over one another', yLabel: 'data files' })
  const constant = depth.constantFiles > 0 ? ` ${countOf(depth.constantFiles, 'file')} of one value left out.` : ''
  const summary = `By ${order}: ${decimalText(depth.average)} on average, ${countText(depth.maximum)} at most.${constant}`
  return chartCard({ id: 'depth', title, summary, height: COLUMN_CHART_HEIGHT, body })
}

function depthLabel({ histogram }: OverlapDepth, i: number): string {
  const { fromDepth } = histogram[i]!
  return i < 2 ? String(fromDepth) : `${fromDepth}–${2 * (fromDepth - 1)}`
}
