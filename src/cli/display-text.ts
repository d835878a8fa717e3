/** Characters that move the cursor or change the terminal's state: shown, never sent. */
const CONTROL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
const SHORT: ReadonlyMap<string, string> = new Map([['\n', '\\n'], ['\r', '\\r'], ['\t', '\\t']])

/** Text that is safe to print on a terminal, on one line. */
export function visibleText(text: string): string {
  return text.replace(CONTROL, (character) => SHORT.get(character) ?? `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`)
}

/** Marks, joiners and variation selectors. */
const ZERO_WIDTH = /^(?:\p{Mark}|\p{Cf})$/u
const WIDE = /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u

/** Columns that text takes on a terminal: wide characters take two, combining ones none. */
export function displayWidth(text: string): number {
  // The common case, plain ASCII, is its length.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const character of text) width += WIDE.test(character) ? 2 : ZERO_WIDTH.test(character) ? 0 : 1
  return width
}

/** The text in at most `width` columns: its start or its end, with an ellipsis for the rest. */
export function clipText(text: string, width: number, keep: 'start' | 'end' = 'start'): string {
  if (displayWidth(text) <= width) return text
  const characters = keep === 'start' ? [...text] : [...text].reverse()
  let used = 1
  const kept: string[] = []
  for (const character of characters) {
    used += displayWidth(character)
    if (used > width) break
    kept.push(character)
  }
  return keep === 'start' ? `${kept.join('')}…` : `…${kept.reverse().join('')}`
}

/** The text with spaces up to `width` columns. */
export function padText(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'left' ? text + space : space + text
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** A size for people: `1.5 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]!}`
}

/** A whole number with its thousands apart: `1,234,567`. */
export function countText(count: number | bigint): string {
  return count.toLocaleString('en-US')
}

/** `1 file`, `2 files`. */
export function countOf(count: number | bigint, noun: string): string {
  return `${countText(count)} ${noun}${Number(count) === 1 ? '' : 's'}`
}
