import type { CommandOptions } from './command-options.js'
import { UsageError } from './usage-error.js'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** An option such as `90m`, `12h` or `7d`, in milliseconds. @throws UsageError for other texts */
export function durationOption(options: CommandOptions, name: string): number | undefined {
  const text = options.text(name)
  if (text === undefined) return undefined
  const match = /^(\d{1,12})(ms|[smhdw])$/.exec(text)
  const ms = match === null ? NaN : Number(match[1]) * UNIT_MS[match[2]!]!
  if (Number.isSafeInteger(ms) && ms > 0) return ms
  throw new UsageError(`--${name} takes a time such as 90m, 12h or 7d, not ${JSON.stringify(text)}`)
}
