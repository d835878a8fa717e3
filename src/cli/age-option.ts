import type { CommandOptions } from './command-options.js'
import { durationOption } from './duration-option.js'
import { timeOf } from './scan-options.js'

/** An age such as `5d`, or a time. */
export type AgeOption = { readonly ageMs: number } | { readonly time: Date }

/** @throws UsageError for a text that is neither an age nor a time */
export function ageOption(options: CommandOptions, name: string): AgeOption | undefined {
  const text = options.text(name)
  if (text === undefined) return undefined
  if (!/^\d+[a-z]+$/.test(text)) return { time: new Date(timeOf(text, name)) }
  return { ageMs: durationOption(options, name)! }
}
