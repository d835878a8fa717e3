import { bytesText, clipMiddle, countOf } from './html-text.js'
import { bar, CHART_WIDTH, label } from './svg-chart.js'

export interface HeatRow {
  readonly name: string
  /** By column. */
  readonly counts: readonly number[]
}

export interface HeatMap {
  readonly rows: readonly HeatRow[]
  /** Where each column starts, in bytes; ascending powers of two. */
  readonly columns: readonly number[]
  readonly xLabel: string
}

const ROW_HEIGHT = 20
const [LEFT, RIGHT, BOTTOM] = [150, 8, 40]
const NAME_LENGTH = 20
const SHADES = 5

export function heatMapHeight(rows: number): number {
  return rows * ROW_HEIGHT + BOTTOM + 2
}

/** Rows of cells, the stronger their colour the more files. */
export function heatMap({ rows, columns, xLabel }: HeatMap): string {
  const width = (CHART_WIDTH - LEFT - RIGHT) / columns.length
  const height = rows.length * ROW_HEIGHT
  const most = Math.max(1, ...rows.flatMap(({ counts }) => counts))
  const every = Math.max(1, Math.ceil(52 / width))
  const cells = rows.flatMap(({ name, counts }, r) => [
    label(LEFT - 8, r * ROW_HEIGHT + 14, clipMiddle(name, NAME_LENGTH), { anchor: 'end', kind: 'name' }),
    ...counts.map((count, c) => {
      const shade = count === 0 ? 0 : Math.max(1, Math.ceil((Math.log1p(count) / Math.log1p(most)) * SHADES))
      const tooltip = `${name}: ${countOf(count, 'file')} of ${bytesText(columns[c]!)} to ${bytesText(columns[c]! * 2)}`
      const place = { x: LEFT + c * width + 0.5, y: r * ROW_HEIGHT + 1, width: width - 1, height: ROW_HEIGHT - 2 }
      return bar(place, 'quiet', tooltip).replace('class="quiet"', `class="heat heat${shade}"`)
    }),
  ])
  const axis = columns.map((bytes, c) => (c % every === 0 ? label(LEFT + c * width, height + 15, bytesText(bytes), { anchor: 'middle' }) : ''))
  return [...cells, ...axis, label(LEFT + (CHART_WIDTH - LEFT - RIGHT) / 2, height + 33, xLabel, { anchor: 'middle' })].join('\n')
}
