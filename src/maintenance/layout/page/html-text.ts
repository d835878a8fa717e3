/** Characters that turn text around, break lines or cannot be in a document: shown by their number. */
const HIDDEN = /[\p{Cc}\p{Surrogate}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu
const MARKUP: ReadonlyMap<string, string> = new Map([['&', '&amp;'], ['<', '&lt;'], ['>', '&gt;'], ['"', '&quot;'], ["'", '&#39;']])

/** Any text as content or attribute of an HTML document: whatever it is, it stays text, and can be seen. */
export function escapeText(text: string): string {
  return text
    .replace(HIDDEN, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
    .replace(/[&<>"']/g, (character) => MARKUP.get(character)!)
}

/** The text in at most `length` characters, its middle left out: names differ at their ends. Not escaped yet. */
export function clipMiddle(text: string, length: number): string {
  const characters = [...text]
  if (characters.length <= length) return text
  const head = Math.ceil((length - 1) / 2)
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (length - 1 - head)).join('')}`
}

/** `1,234,567`. */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

/** `1 file`, `2 files`. */
export function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
}

const SHORT_UNITS = ['', ' k', ' M', ' G', ' T', ' P']

/** `1.2 M`, for axes and tiles. */
export function shortCount(count: number): string {
  return scaled(count, 1000, SHORT_UNITS)
}

const BYTE_UNITS = [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB', ' EiB']

/** `1.5 MiB`. */
export function bytesText(bytes: number): string {
  return scaled(bytes, 1024, BYTE_UNITS)
}

function scaled(number: number, base: number, units: readonly string[]): string {
  let [value, unit] = [number, 0]
  while (value >= base && unit < units.length - 1) {
    value /= base
    unit++
  }
  // 999.96 is 1.0 of the next unit, not 1000 of this one.
  if (Math.round(value) >= base && unit < units.length - 1) [value, unit] = [value / base, unit + 1]
  return `${decimalText(value)}${units[unit]!}`
}

/** A number with one decimal below ten, none above. */
export function decimalText(value: number): string {
  return value >= 9.95 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1).replace(/\.0$/, '')
}

/** `12 %`; shares that are not nothing, or not all, never look so. */
export function percentText(share: number): string {
  const value = share * 100
  if (value > 0 && value < 1) return '<1 %'
  if (value > 99 && value < 100) return '>99 %'
  return `${Math.round(value)} %`
}

/** `2024-01-31 12:00`, UTC. */
export function timeText(timeMs: number): string {
  const date = new Date(timeMs)
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().slice(0, 16).replace('T', ' ')
}

const DURATIONS = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000]] as const

/** `5 days`, by the largest unit of which there is one. */
export function durationText(ms: number): string {
  const [unit, length] = DURATIONS.find(([, one]) => ms >= one) ?? ['second', 1000]
  return countOf(Math.floor(ms / length), unit)
}
