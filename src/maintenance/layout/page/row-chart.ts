import { clipMiddle } from './html-text.js'
import { bar, CHART_WIDTH, label, line } from './svg-chart.js'
import type { Tone } from './svg-chart.js'

export interface Row {
  readonly name: string
  readonly value: number
  readonly text: string
  readonly tone: Tone
  readonly tooltip: string
}

export interface RowChart {
  readonly rows: readonly Row[]
  /** What a full row is. */
  readonly most: number
  readonly xLabel: string
  /** Along the axis, ascending, 0 first. */
  readonly ticks: readonly { readonly value: number; readonly text: string }[]
}

const ROW_HEIGHT = 22
const [LEFT, RIGHT, BOTTOM] = [150, 62, 40]
const NAME_LENGTH = 20

export function rowChartHeight(rows: number): number {
  return rows * ROW_HEIGHT + BOTTOM + 4
}

/** Bars beneath one another, each with its name before it and its value behind. */
export function rowChart({ rows, most, xLabel, ticks }: RowChart): string {
  const width = CHART_WIDTH - LEFT - RIGHT
  const height = rows.length * ROW_HEIGHT
  const xOf = (value: number): number => LEFT + (most > 0 ? Math.min(1, value / most) : 0) * width
  return [
    ...ticks.flatMap(({ value, text }) => [
      line([xOf(value), 0], [xOf(value), height], value === 0 ? 'base' : 'grid'),
      label(xOf(value), height + 15, text, { anchor: 'middle' }),
    ]),
    ...rows.map(({ name, value, text, tone, tooltip }, i) => {
      const y = i * ROW_HEIGHT
      const drawn = value === 0 ? 0 : Math.max(1.5, xOf(value) - LEFT)
      const hit = bar({ x: 0, y, width: CHART_WIDTH, height: ROW_HEIGHT }, 'quiet', tooltip).replace('class="quiet"', 'class="hit"')
      const drawing = bar({ x: LEFT, y: y + 4, width: drawn, height: ROW_HEIGHT - 8 }, tone, tooltip)
      const texts = label(LEFT - 8, y + 15, clipMiddle(name, NAME_LENGTH), { anchor: 'end', kind: 'name' }) + label(LEFT + drawn + 6, y + 15, text, { kind: 'value' })
      return hit + drawing + texts
    }),
    label(LEFT + width / 2, height + 33, xLabel, { anchor: 'middle' }),
  ].join('\n')
}
