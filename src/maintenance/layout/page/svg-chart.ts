import { escapeText } from './html-text.js'

/** Width of every chart in its own units; the page scales it. */
export const CHART_WIDTH = 440

export type Tone = 'data' | 'good' | 'warn' | 'bad' | 'quiet'

export interface ChartOptions {
  /** Unique in the page. */
  readonly id: string
  readonly title: string
  /** One sentence for who cannot see it, and below the title for who can. */
  readonly summary: string
  readonly height: number
  /** SVG, escaped already. */
  readonly body: string
}

/** A card with one chart. */
export function chartCard({ id, title, summary, height, body }: ChartOptions): string {
  return [
    `<figure class="card" id="${id}">`,
    `<figcaption><h3>${escapeText(title)}</h3><p>${escapeText(summary)}</p></figcaption>`,
    `<svg viewBox="0 0 ${CHART_WIDTH} ${height}" role="img" aria-labelledby="${id}-t ${id}-d">`,
    `<title id="${id}-t">${escapeText(title)}</title><desc id="${id}-d">${escapeText(summary)}</desc>`,
    body,
    '</svg></figure>',
  ].join('\n')
}

/** A card that says why there is nothing to draw. */
export function emptyCard({ id, title, summary }: Pick<ChartOptions, 'id' | 'title' | 'summary'>): string {
  const caption = `<figcaption><h3>${escapeText(title)}</h3></figcaption>`
  return `<figure class="card" id="${id}">\n${caption}\n<p class="empty">${escapeText(summary)}</p></figure>`
}

export interface LabelOptions {
  readonly anchor?: 'start' | 'middle' | 'end' | undefined
  readonly kind?: 'axis' | 'name' | 'value' | undefined
}

export function label(x: number, y: number, text: string, { anchor = 'start', kind = 'axis' }: LabelOptions = {}): string {
  return `<text class="${kind}" x="${short(x)}" y="${short(y)}" text-anchor="${anchor}">${escapeText(text)}</text>`
}

/** A label along the vertical axis, read from below. */
export function sideLabel(x: number, y: number, text: string): string {
  return `<text class="axis" transform="translate(${short(x)} ${short(y)}) rotate(-90)" text-anchor="middle">${escapeText(text)}</text>`
}

export interface Rectangle {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export function bar({ x, y, width, height }: Rectangle, tone: Tone, tooltip: string): string {
  const place = `x="${short(x)}" y="${short(y)}" width="${short(Math.max(0, width))}" height="${short(Math.max(0, height))}"`
  return `<rect class="${tone}" ${place} rx="2"><title>${escapeText(tooltip)}</title></rect>`
}

type Point = readonly [x: number, y: number]

export function line([x1, y1]: Point, [x2, y2]: Point, kind: 'grid' | 'base' | 'mark'): string {
  return `<line class="${kind}" x1="${short(x1)}" y1="${short(y1)}" x2="${short(x2)}" y2="${short(y2)}"/>`
}

/** Round numbers from 0 to at least `most`, about `count` of them. */
export function ticks(most: number, count = 4): number[] {
  if (!(most > 0)) return [0, 1]
  const rough = most / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = Math.max(1, [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough && Number.isInteger(factor * power)) ?? 10) * power
  return stepsOf(most, Number.isInteger(step) && step >= 1 ? step : Math.max(1, Math.ceil(rough)))
}

/** As {@link ticks}, at powers of two: for bytes. */
export function byteTicks(most: number): number[] {
  if (!(most > 0)) return [0, 1]
  return stepsOf(most, 2 ** Math.max(0, Math.ceil(Math.log2(most / 4))))
}

function stepsOf(most: number, step: number): number[] {
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step)
}

/** A coordinate in as few digits as can be seen. */
export function short(coordinate: number): string {
  return String(Math.round(coordinate * 10) / 10)
}
