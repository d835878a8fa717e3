import type { CommandOptions } from './command-options.js'
import { UsageError } from './usage-error.js'

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** An option such as `128MB`, `512MiB` or `1g`, in bytes; units are powers of 1,024. @throws UsageError for other texts */
export function sizeOption(options: CommandOptions, name: string): number | undefined {
  const text = options.text(name)
  if (text === undefined) return undefined
  const match = /^(\d{1,15})([kmgt]?)(?:i?b)?$/i.exec(text)
  const bytes = match === null ? NaN : Number(match[1]) * UNITS[match[2]!.toLowerCase()]!
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes
  throw new UsageError(`--${name} takes a size such as 128MB, 512MiB or 1g, not ${JSON.stringify(text)}`)
}
