import type { LayoutAdvice, TableLayout } from './layout-types.js'
import { clusteringCharts } from './page/clustering-charts.js'
import { deleteCharts } from './page/delete-charts.js'
import { fileCharts } from './page/file-charts.js'
import { growthCharts } from './page/growth-charts.js'
import { bytesText, countOf, countText, decimalText, escapeText, percentText, shortCount, timeText } from './page/html-text.js'
import { layoutTables } from './page/layout-tables.js'
import { metadataCharts } from './page/metadata-charts.js'
import { PAGE_STYLE } from './page/page-style.js'

/** Nothing may be loaded or run: not even by text that slipped through escaping. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/**
 * The layout of a table as one HTML document: pictures first, tables second; no script, nothing loaded, light and dark by the
 * reader's preference. The same layout gives the same bytes, and any names stay text.
 */
export function layoutPage(layout: TableLayout): string {
  const sections = [
    section('What would help', `<ul class="advice">\n${layout.advice.map(adviceItem).join('\n')}\n</ul>`),
    charts('Files', fileCharts(layout)),
    charts('Clustering and skipping', clusteringCharts(layout)),
    charts('Deletes', [...deleteCharts(layout), ...growthCharts(layout, ['deleteFiles'])]),
    charts('Growth', growthCharts(layout, ['rows', 'bytes', 'files'])),
    charts('Metadata', metadataCharts(layout)),
    section('In numbers', layoutTables(layout).join('\n')),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(layout.table)} · table layout</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
${header(layout)}
${sections.filter((part) => part !== '').join('\n')}
${footer(layout)}
</main>
</body>
</html>
`
}

function header(layout: TableLayout): string {
  const { table, location, formatVersion, ref, snapshotId, snapshotTimeMs } = layout
  const state = snapshotId === null ? 'no snapshot yet' : `snapshot ${snapshotId}${snapshotTimeMs === null ? '' : `, ${timeText(snapshotTimeMs)} UTC`}`
  return `<header>
<h1>${escapeText(table)}</h1>
<p class="where"><code>${escapeText(location)}</code></p>
<p class="where">Format version ${formatVersion} · ${ref === null ? '' : `${escapeText(ref)} · `}${escapeText(state)}</p>
<dl class="tiles">
${tiles(layout).map(tile).join('\n')}
</dl>
</header>`
}

interface Tile {
  readonly name: string
  readonly figure: string
  readonly note: string
}

function tiles({ totals, deletes, clustering, manifests }: TableLayout): Tile[] {
  const average = totals.dataFiles === 0 ? 0 : totals.dataBytes / totals.dataFiles
  const deleted = totals.rows === 0 ? 0 : Math.min(1, deletes.positionDeletes / totals.rows)
  const deleteFiles = deletes.positionDeleteFiles + deletes.deletionVectors + deletes.equalityDeleteFiles
  const sorted = clustering[0]
  return [
    { name: 'Rows', figure: shortCount(totals.rows), note: `${countText(totals.rows)} in data files` },
    { name: 'Data files', figure: shortCount(totals.dataFiles), note: `${bytesText(average)} on average` },
    { name: 'Size', figure: bytesText(totals.dataBytes), note: countOf(totals.partitions, 'partition') },
    { name: 'Deleted rows', figure: percentText(deleted), note: countOf(deleteFiles, 'delete file') },
    ...(sorted === undefined || totals.dataFiles === 0 ? [] : [{ name: 'Overlap depth', figure: decimalText(sorted.depth.average), note: `by ${sorted.order}` }]),
    { name: 'Manifests', figure: countText(manifests.dataManifests + manifests.deleteManifests), note: bytesText(manifests.bytes) },
  ]
}

function tile({ name, figure, note }: Tile): string {
  const figures = `<dd class="figure">${escapeText(figure)}</dd><dd class="note">${escapeText(note)}</dd>`
  return `<div class="tile"><dt>${escapeText(name)}</dt>${figures}</div>`
}

const BADGES = { act: 'Act', consider: 'Consider', fine: 'Fine' } as const

function adviceItem({ weight, title, why, command }: LayoutAdvice): string {
  const run = command === null ? '' : `<br><code>${commandWords(command).map((word) => `<span>${escapeText(word)}</span>`).join(' ')}</code>`
  return `<li class="${weight}"><span class="badge">${BADGES[weight]}</span><h3>${escapeText(title)}</h3><p>${escapeText(why)}${run}</p></li>`
}

/** The words of a command line; the table comes after the verb. */
function commandWords(command: string): string[] {
  const [verb = '', ...options] = command.split(' ')
  return ['floe', verb, '<table>', ...options]
}

function charts(title: string, cards: readonly string[]): string {
  return cards.length === 0 ? '' : section(title, `<div class="charts">\n${cards.join('\n')}\n</div>`)
}

function section(title: string, content: string): string {
  return content === '' ? '' : `<section>\n<h2>${escapeText(title)}</h2>\n${content}\n</section>`
}

function footer({ metadataLocation, measuredAtMs }: TableLayout): string {
  return `<footer>
<p>Measured ${timeText(measuredAtMs)} UTC from <code>${escapeText(metadataLocation)}</code>, by metadata and manifests alone: no data file was opened.</p>
<p>Overlap depth: how many files hold one value, by their bounds. Skipping: what filters for ranges of 1 % of the rows must read.</p>
</footer>`
}
