import { FloeError } from './errors.js'

/**
 * For a word that callers choose: one that is misspelt would be taken for the default, or for the choice that is tested last.
 *
 * @throws FloeError `INVALID` naming the option and its choices, unless `value` is one of them or left out
 */
export function checkOneOf(value: unknown, choices: readonly string[], name: string): void {
  if (value === undefined || choices.includes(value as string)) return
  const given = typeof value === 'string' ? JSON.stringify(value) : value === null ? 'null' : `a value of type ${typeof value}`
  throw new FloeError('INVALID', `${name} is one of ${choices.join(', ')}, not ${given}`)
}
