import type { HistoryLayout, TableLayout } from '../layout-types.js'
import { COLUMN_CHART_HEIGHT, columnChart } from './column-chart.js'
import { bytesText, countOf, countText, decimalText, durationText } from './html-text.js'
import { shareBars, shareBarsHeight } from './share-bar.js'
import { chartCard } from './svg-chart.js'
import { timeline, timelineHeight } from './timeline.js'

/** Manifests by size, and snapshots by what becomes of them. */
export function metadataCharts(layout: TableLayout): string[] {
  const charts: string[] = []
  if (layout.manifests.sizes.length > 0) charts.push(manifestsChart(layout.manifests))
  if (layout.history.snapshots > 0) charts.push(historyChart(layout.history), timelineChart(layout))
  return charts
}

function manifestsChart({ sizes, dataManifests, deleteManifests, bytes, targetBytes, spread }: TableLayout['manifests']): string {
  const columns = sizes.map(({ fromBytes, toBytes, files }) => ({
    label: bytesText(fromBytes),
    value: files,
    tone: fromBytes > 1.8 * targetBytes ? ('bad' as const) : ('data' as const),
    tooltip: `${bytesText(fromBytes)} to ${bytesText(toBytes)}: ${countOf(files, 'manifest')}`,
  }))
  const body = columnChart({ columns, xLabel: 'size from, doubling', yLabel: 'manifests' })
  const spreads = spread === null ? '' : ` Planning one partition reads ${decimalText(spread)} data ${spread < 1.5 ? 'manifest' : 'manifests'} on average.`
  const of = `${countText(dataManifests)} of data, ${countText(deleteManifests)} of deletes`
  const summary = `${countOf(dataManifests + deleteManifests, 'manifest')} (${of}), ${bytesText(bytes)}; target ${bytesText(targetBytes)}.${spreads}`
  return chartCard({ id: 'manifests', title: 'Manifests', summary, height: COLUMN_CHART_HEIGHT, body })
}

function historyChart({ snapshots, expirable, maxSnapshotAgeMs, minSnapshotsToKeep, refs, metadataFiles }: HistoryLayout): string {
  const gone = expirable ?? 0
  const branches = refs.filter(({ type }) => type === 'branch').length
  const bars = [
    {
      name: 'Snapshots',
      parts: [
        { name: 'kept by the policy', value: snapshots - gone, text: countText(snapshots - gone), tone: 'data' as const },
        { name: 'may expire', value: gone, text: countText(gone), tone: 'warn' as const },
      ],
    },
    {
      name: 'References',
      parts: [
        { name: branches === 1 ? 'branch' : 'branches', value: branches, text: countText(branches), tone: 'data' as const },
        { name: refs.length - branches === 1 ? 'tag' : 'tags', value: refs.length - branches, text: countText(refs.length - branches), tone: 'quiet' as const },
      ],
    },
  ]
  const policy = expirable === null ? 'gc.enabled=false keeps everything' : `keeps ${durationText(maxSnapshotAgeMs)} and at least ${countOf(minSnapshotsToKeep, 'snapshot')}`
  const summary = `${countOf(snapshots, 'snapshot')}; the table's policy ${policy}. ${countOf(metadataFiles, 'earlier metadata file')} in the log.`
  return chartCard({ id: 'history', title: 'History kept', summary, height: shareBarsHeight(bars.length), body: shareBars(bars) })
}

const SHOWN_REFS = 8

function timelineChart({ history, measuredAtMs }: TableLayout): string {
  const { timesMs, refs, expirable, maxSnapshotAgeMs } = history
  const shown = refs.flatMap(({ name, type, timeMs }) => (timeMs === null ? [] : [{ name, type, timeMs }])).slice(0, SHOWN_REFS)
  const cutMs = expirable === null ? undefined : measuredAtMs - maxSnapshotAgeMs
  const body = timeline({ timesMs, refs: shown, nowMs: measuredAtMs, cutMs })
  const more = refs.length > shown.length ? ` ${shown.length} of ${refs.length} references.` : ''
  const summary = `Snapshots and what branches and tags name${cutMs === undefined ? '' : '; shaded: older than the policy keeps by age'}.${more}`
  return chartCard({ id: 'timeline', title: 'Snapshots and references', summary, height: timelineHeight(shown.length), body })
}
