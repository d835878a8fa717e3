import { bar, CHART_WIDTH, label } from './svg-chart.js'
import type { Tone } from './svg-chart.js'

export interface SharePart {
  readonly name: string
  readonly value: number
  readonly text: string
  readonly tone: Tone
}

export interface ShareBar {
  readonly name: string
  readonly parts: readonly SharePart[]
}

const BAR_HEIGHT = 64

export function shareBarsHeight(bars: number): number {
  return bars * BAR_HEIGHT
}

/** Wholes cut into their parts, one beneath the other, each with its legend. */
export function shareBars(bars: readonly ShareBar[]): string {
  return bars.map((one, i) => shareBar(one, i * BAR_HEIGHT)).join('\n')
}

function shareBar({ name, parts }: ShareBar, y: number): string {
  const whole = parts.reduce((sum, { value }) => sum + value, 0)
  const drawn: string[] = [label(0, y + 13, name, { kind: 'name' })]
  let x = 0
  for (const { name: part, value, text, tone } of parts) {
    const width = whole === 0 ? 0 : value === 0 ? 0 : Math.max(2, (value / whole) * CHART_WIDTH)
    drawn.push(bar({ x, y: y + 20, width: Math.min(width, CHART_WIDTH - x), height: 16 }, tone, `${part}: ${text}`))
    x += width
  }
  let at = 0
  for (const { name: part, text, tone } of parts) {
    drawn.push(bar({ x: at, y: y + 43, width: 9, height: 9 }, tone, part), label(at + 14, y + 52, `${part} ${text}`, { kind: 'axis' }))
    at += CHART_WIDTH / parts.length
  }
  return drawn.join('\n')
}
