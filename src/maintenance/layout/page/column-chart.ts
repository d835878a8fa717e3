import { shortCount } from './html-text.js'
import { bar, CHART_WIDTH, label, line, sideLabel, ticks } from './svg-chart.js'
import type { Tone } from './svg-chart.js'

export interface Column {
  readonly label: string
  readonly value: number
  readonly tone: Tone
  readonly tooltip: string
}

export interface ColumnChart {
  readonly columns: readonly Column[]
  readonly xLabel: string
  readonly yLabel: string
  /** A line at a place between columns: 1.5 is in the middle of the second. */
  readonly mark?: { readonly at: number; readonly label: string } | undefined
}

export const COLUMN_CHART_HEIGHT = 230
const [LEFT, RIGHT, TOP, BOTTOM] = [54, 8, 22, 46]
const WIDEST_COLUMN = 64

/** Columns side by side over a line, and a scale of counts. */
export function columnChart({ columns, xLabel, yLabel, mark }: ColumnChart): string {
  const [width, height] = [CHART_WIDTH - LEFT - RIGHT, COLUMN_CHART_HEIGHT - TOP - BOTTOM]
  const scale = ticks(Math.max(...columns.map(({ value }) => value)))
  const top = scale.at(-1)!
  const yOf = (value: number): number => TOP + height - (value / top) * height
  const slot = width / columns.length
  const gap = Math.min(6, slot * 0.15)
  const every = Math.max(1, Math.ceil(52 / slot))
  const parts = [
    ...scale.flatMap((tick) => [
      line([LEFT, yOf(tick)], [CHART_WIDTH - RIGHT, yOf(tick)], tick === 0 ? 'base' : 'grid'),
      label(LEFT - 6, yOf(tick) + 4, shortCount(tick), { anchor: 'end' }),
    ]),
    ...columns.map(({ value, tone, tooltip }, i) => {
      const drawn = value === 0 ? 0 : Math.max(1.5, (value / top) * height)
      // The whole slot shows the tooltip, so that the lowest columns can be pointed at.
      const hit = bar({ x: LEFT + i * slot, y: TOP, width: slot, height }, 'quiet', tooltip).replace('class="quiet"', 'class="hit"')
      const wide = Math.min(slot - gap, WIDEST_COLUMN)
      return hit + bar({ x: LEFT + (i + 0.5) * slot - wide / 2, y: TOP + height - drawn, width: wide, height: drawn }, tone, tooltip)
    }),
    ...columns.map((column, i) => (i % every === 0 ? label(LEFT + (i + 0.5) * slot, TOP + height + 17, column.label, { anchor: 'middle' }) : '')),
    label(LEFT + width / 2, COLUMN_CHART_HEIGHT - 8, xLabel, { anchor: 'middle' }),
    sideLabel(12, TOP + height / 2, yLabel),
  ]
  if (mark !== undefined) {
    const x = LEFT + Math.min(columns.length, Math.max(0, mark.at)) * slot
    const anchor = x > CHART_WIDTH * 0.7 ? 'end' : x < CHART_WIDTH * 0.3 ? 'start' : 'middle'
    parts.push(line([x, TOP - 4], [x, TOP + height], 'mark'), label(x, TOP - 9, mark.label, { anchor, kind: 'value' }))
  }
  return parts.join('\n')
}
