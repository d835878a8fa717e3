import type { TableLayout } from '../layout-types.js'
import { COLUMN_CHART_HEIGHT, columnChart } from './column-chart.js'
import { bytesText, countOf, countText, percentText } from './html-text.js'
import { shareBars, shareBarsHeight } from './share-bar.js'
import { chartCard, emptyCard } from './svg-chart.js'

/** Rows and files with deletes, and how many delete files each data file has. */
export function deleteCharts({ deletes, totals }: TableLayout): string[] {
  const title = 'Delete debt'
  const files = deletes.positionDeleteFiles + deletes.deletionVectors + deletes.equalityDeleteFiles
  if (files + deletes.danglingFiles === 0) {
    return totals.dataFiles === 0 ? [] : [emptyCard({ id: 'deletes', title, summary: 'No row-level deletes: every row that is stored is read for something.' })]
  }
  const named = Math.min(deletes.positionDeletes, totals.rows)
  const clean = totals.dataFiles - deletes.filesWithDeletes
  const bars = [
    {
      name: 'Rows in data files',
      parts: [
        { name: 'live', value: totals.rows - named, text: countText(totals.rows - named), tone: 'data' as const },
        { name: 'deleted by position', value: named, text: `${countText(named)} (${percentText(totals.rows === 0 ? 0 : named / totals.rows)})`, tone: 'bad' as const },
      ],
    },
    {
      name: 'Data files',
      parts: [
        { name: 'without deletes', value: clean, text: countText(clean), tone: 'data' as const },
        { name: 'with deletes', value: deletes.filesWithDeletes, text: countText(deletes.filesWithDeletes), tone: 'warn' as const },
      ],
    },
  ]
  const kinds = [
    [deletes.positionDeleteFiles, 'position delete file'],
    [deletes.deletionVectors, 'deletion vector'],
    [deletes.equalityDeleteFiles, 'equality delete file'],
    [deletes.danglingFiles, 'delete file that applies to nothing'],
  ] as const
  const listed = kinds.filter(([count]) => count > 0).map(([count, noun]) => countOf(count, noun).replace('file that applies to nothings', 'files that apply to nothing'))
  const keys = deletes.equalityDeletes > 0 ? `; ${countOf(deletes.equalityDeletes, 'equality key')} to compare` : ''
  const summary = `${listed.join(', ')}: ${bytesText(deletes.bytes)} to read beside the data${keys}.`
  const charts = [chartCard({ id: 'deletes', title, summary, height: shareBarsHeight(bars.length), body: shareBars(bars) })]
  if (deletes.filesWithDeletes > 0) charts.push(filesByDeletes(deletes))
  return charts
}

function filesByDeletes({ filesByDeletes: buckets, filesWithDeletes }: TableLayout['deletes']): string {
  const columns = buckets.map(({ from, to, files }) => {
    const range = from === to ? String(from) : `${from}–${to}`
    const tone = to === 0 ? ('good' as const) : to <= 2 ? ('warn' as const) : ('bad' as const)
    return { label: range, value: files, tone, tooltip: `${countOf(files, 'data file')} with ${range} to apply` }
  })
  const body = columnChart({ columns, xLabel: 'delete files to apply', yLabel: 'data files' })
  const summary = `${countOf(filesWithDeletes, 'data file')} ${filesWithDeletes === 1 ? 'has' : 'have'} deletes to apply whenever they are read.`
  return chartCard({ id: 'deletes-by-file', title: 'Deletes per data file', summary, height: COLUMN_CHART_HEIGHT, body })
}
