import { escapeText, timeText } from './html-text.js'
import { CHART_WIDTH, label, line, short } from './svg-chart.js'

export interface LinePoint {
  readonly timeMs: number
  readonly value: number
  readonly tooltip: string
}

export interface LineChart {
  readonly points: readonly LinePoint[]
  readonly ticks: readonly number[]
  readonly text: (value: number) => string
}

export const LINE_CHART_HEIGHT = 200
const [LEFT, RIGHT, TOP, BOTTOM] = [62, 14, 12, 38]

/** Values over time as steps: they hold until the next commit. */
export function lineChart({ points, ticks, text }: LineChart): string {
  const [width, height] = [CHART_WIDTH - LEFT - RIGHT, LINE_CHART_HEIGHT - TOP - BOTTOM]
  const [first, last] = [points[0]!.timeMs, points.at(-1)!.timeMs]
  const top = ticks.at(-1)!
  const xOf = (timeMs: number): number => (last > first ? LEFT + ((timeMs - first) / (last - first)) * width : LEFT + width / 2)
  const yOf = (value: number): number => TOP + height - (value / top) * height
  const base = TOP + height
  const steps = points.map(({ timeMs, value }, i) => {
    const [x, y] = [short(xOf(timeMs)), short(yOf(value))]
    return i === 0 ? `M${x} ${y}` : `H${x}V${y}`
  })
  const path = steps.join('')
  const radius = points.length > 80 ? 1.5 : points.length > 30 ? 2.5 : 3.5
  return [
    ...ticks.flatMap((tick) => [
      line([LEFT, yOf(tick)], [CHART_WIDTH - RIGHT, yOf(tick)], tick === 0 ? 'base' : 'grid'),
      label(LEFT - 6, yOf(tick) + 4, text(tick), { anchor: 'end' }),
    ]),
    ...(points.length > 1 ? [`<path class="area" d="${path}V${short(base)}H${short(xOf(first))}Z"/>`, `<path class="line" d="${path}"/>`] : []),
    ...points.map(
      ({ timeMs, value, tooltip }) =>
        `<circle class="point" cx="${short(xOf(timeMs))}" cy="${short(yOf(value))}" r="${radius}"><title>${escapeText(tooltip)}</title></circle>`,
    ),
    ...(last > first
      ? [label(LEFT, base + 17, timeText(first)), label(CHART_WIDTH - RIGHT, base + 17, timeText(last), { anchor: 'end' })]
      : [label(LEFT + width / 2, base + 17, timeText(first), { anchor: 'middle' })]),
    label(LEFT + width / 2, LINE_CHART_HEIGHT - 4, 'time of commit, UTC', { anchor: 'middle' }),
  ].join('\n')
}
