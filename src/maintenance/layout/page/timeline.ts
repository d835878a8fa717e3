import { clipMiddle, escapeText, timeText } from './html-text.js'
import { bar, CHART_WIDTH, label, line, short } from './svg-chart.js'

export interface Timeline {
  /** Ascending. */
  readonly timesMs: readonly number[]
  readonly refs: readonly { readonly name: string; readonly type: 'branch' | 'tag'; readonly timeMs: number }[]
  readonly nowMs: number
  /** What is older is shaded. */
  readonly cutMs: number | undefined
}

const ROW_HEIGHT = 24
const [LEFT, RIGHT, BOTTOM] = [150, 14, 26]
const NAME_LENGTH = 20

export function timelineHeight(refs: number): number {
  return (refs + 1) * ROW_HEIGHT + BOTTOM
}

/** Snapshots as strokes along time, below them what each branch and tag names. */
export function timeline({ timesMs, refs, nowMs, cutMs }: Timeline): string {
  const first = timesMs[0]!
  const last = Math.max(nowMs, timesMs.at(-1)!)
  const width = CHART_WIDTH - LEFT - RIGHT
  const height = (refs.length + 1) * ROW_HEIGHT
  const xOf = (timeMs: number): number => LEFT + (last > first ? Math.min(1, Math.max(0, (timeMs - first) / (last - first))) : 1) * width
  const parts: string[] = []
  if (cutMs !== undefined && cutMs > first) {
    const shade = bar({ x: LEFT, y: 0, width: xOf(cutMs) - LEFT, height }, 'quiet', `older than ${timeText(cutMs)} UTC`)
    parts.push(shade.replace('class="quiet"', 'class="past"'))
  }
  parts.push(label(LEFT - 8, 16, 'snapshots', { anchor: 'end', kind: 'name' }))
  for (const timeMs of timesMs) {
    const x = short(xOf(timeMs))
    parts.push(`<line class="tick" x1="${x}" y1="4" x2="${x}" y2="20"><title>${timeText(timeMs)} UTC</title></line>`)
  }
  refs.forEach(({ name, type, timeMs }, i) => {
    const y = (i + 1) * ROW_HEIGHT
    const tooltip = escapeText(`${type} ${name}: a snapshot of ${timeText(timeMs)} UTC`)
    const shape = type === 'branch' ? 'point' : 'tag'
    parts.push(
      line([LEFT, y + 12], [CHART_WIDTH - RIGHT, y + 12], 'grid'),
      label(LEFT - 8, y + 16, clipMiddle(name, NAME_LENGTH), { anchor: 'end', kind: 'name' }),
      `<circle class="${shape}" cx="${short(xOf(timeMs))}" cy="${y + 12}" r="5"><title>${tooltip}</title></circle>`,
    )
  })
  parts.push(label(LEFT, height + 18, timeText(first)), label(CHART_WIDTH - RIGHT, height + 18, `${timeText(last)} UTC`, { anchor: 'end' }))
  return parts.join('\n')
}
