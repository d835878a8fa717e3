import type { GrowthPoint, TableLayout } from '../layout-types.js'
import { bytesText, countOf, countText, shortCount, timeText } from './html-text.js'
import { LINE_CHART_HEIGHT, lineChart } from './line-chart.js'
import { byteTicks, chartCard, emptyCard, ticks } from './svg-chart.js'

type MeasureName = 'rows' | 'bytes' | 'files' | 'deleteFiles'

interface Measure {
  readonly name: MeasureName
  readonly id: string
  readonly title: string
  readonly text: (value: number) => string
  readonly full: (value: number) => string
  readonly ticks: (most: number) => readonly number[]
}

const MEASURES: readonly Measure[] = [
  { name: 'rows', id: 'growth-rows', title: 'Rows', text: shortCount, full: (rows) => countOf(rows, 'row'), ticks },
  { name: 'bytes', id: 'growth-bytes', title: 'Bytes', text: bytesText, full: bytesText, ticks: byteTicks },
  { name: 'files', id: 'growth-files', title: 'Data files', text: shortCount, full: (files) => countOf(files, 'file'), ticks },
  { name: 'deleteFiles', id: 'growth-deletes', title: 'Delete files over time', text: shortCount, full: (files) => countOf(files, 'delete file'), ticks },
]

/** Totals of the summaries over time. */
export function growthCharts({ growth }: TableLayout, names: readonly MeasureName[]): string[] {
  return MEASURES.filter(({ name }) => names.includes(name)).flatMap((measure) => growthChart(measure, growth))
}

function growthChart({ name, id, title, text, full, ticks: scale }: Measure, { points, snapshots }: TableLayout['growth']): string[] {
  const known = points.flatMap((point) => {
    const value: GrowthPoint[MeasureName] = point[name]
    return value === null ? [] : [{ point, value }]
  })
  if (known.length === 0) {
    return snapshots === 0 || id === 'growth-deletes' ? [] : [emptyCard({ id, title, summary: 'The summaries of the snapshots do not tell.' })]
  }
  const most = Math.max(...known.map(({ value }) => value))
  if (most === 0 && id === 'growth-deletes') return []
  const drawn = known.map(({ point, value }) => ({
    timeMs: point.timeMs,
    value,
    tooltip: `${timeText(point.timeMs)} UTC, ${point.operation ?? 'unknown operation'}: ${full(value)} (snapshot ${point.snapshotId})`,
  }))
  const body = lineChart({ points: drawn, ticks: scale(most), text })
  const thinned = known.length < snapshots ? `, ${countText(known.length)} shown` : ''
  const summary = `${full(known.at(-1)!.value)} now, over ${countOf(snapshots, 'snapshot')}${thinned}.`
  return [chartCard({ id, title, summary, height: LINE_CHART_HEIGHT, body })]
}
