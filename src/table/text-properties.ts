import { FloeError } from '../util/errors.js'

/**
 * Properties as callers give them, as a map. The format has texts only, and other readers fail on anything else, so that
 * callers without type checks are told instead of obeyed.
 *
 * @throws FloeError `INVALID` naming the property whose value is not a string
 */
export function textProperties(properties: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const entries = Object.entries(properties)
  for (const [name, value] of entries as readonly (readonly [string, unknown])[]) {
    if (typeof value === 'string') continue
    throw new FloeError('INVALID', `The property ${JSON.stringify(name)} must be a string, not ${value === null ? 'null' : `a ${typeof value}`}: write it in quotes`)
  }
  return new Map(entries)
}
