import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import { UsageError } from './usage-error.js'

type OptionSpecs = NonNullable<ParseArgsConfig['options']>

/** Options that every verb takes. */
const COMMON = {
  'map-prefix': { type: 'string', multiple: true },
  's3-endpoint': { type: 'string' },
  's3-region': { type: 'string' },
  's3-path-style': { type: 'boolean' },
  'allow-location': { type: 'string', multiple: true },
  json: { type: 'boolean' },
} as const satisfies OptionSpecs

/** The parsed options of a command line. */
export class CommandOptions {
  readonly #values: Readonly<Record<string, unknown>>
  readonly positionals: readonly string[]

  /** @throws UsageError for options that the verb does not have, and for values that are missing */
  constructor(args: readonly string[], specs: OptionSpecs) {
    try {
      const { values, positionals } = parseArgs({ args: [...args], options: { ...COMMON, ...specs }, allowPositionals: true, strict: true })
      this.#values = values
      this.positionals = positionals
    } catch (error) {
      throw new UsageError((error as Error).message)
    }
  }

  /** @throws UsageError when more than one table is named */
  refuseSecondTable(): void {
    const second = this.positionals[1]
    if (second !== undefined) throw new UsageError(`One table at a time: ${JSON.stringify(second)} is one too many`)
  }

  text(name: string): string | undefined {
    return this.#values[name] as string | undefined
  }

  texts(name: string): readonly string[] {
    return (this.#values[name] as string[] | undefined) ?? []
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  /** A whole number from `least` on. */
  count(name: string, least = 0): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
    if (Number.isSafeInteger(value) && value >= least) return value
    throw new UsageError(`--${name} takes a whole number from ${least} on, not ${JSON.stringify(text)}`)
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name)
    if (text === undefined || choices.includes(text as T)) return text as T | undefined
    throw new UsageError(`--${name} is one of ${choices.join(', ')}, not ${JSON.stringify(text)}`)
  }

  /** `KEY=VALUE` options, cut at the first `=`. */
  pairs(name: string): Record<string, string> {
    const entries = this.texts(name).map((text) => {
      const cut = text.indexOf('=')
      if (cut <= 0) throw new UsageError(`--${name} takes KEY=VALUE, not ${JSON.stringify(text)}`)
      return [text.slice(0, cut), text.slice(cut + 1)] as const
    })
    return Object.fromEntries(entries)
  }
}

/** A path of this machine made absolute; URIs as they are. */
export function absolutePlace(place: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(place) ? place : resolve(place)
}
