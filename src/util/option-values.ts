/*
 * Values of options, held against what an option can be. One that is left out, `undefined`, always can.
 */
import { FloeError } from './errors.js'

/**
 * For a word that callers choose: one that is misspelt would be taken for the default, or for the choice that is tested last.
 *
 * @throws FloeError `INVALID` naming the option and its choices
 */
export function checkOneOf(value: unknown, choices: readonly string[], name: string): void {
  if (value === undefined || choices.includes(value as string)) return
  throw new FloeError('INVALID', `${name} is one of ${choices.join(', ')}, not ${shown(value)}`)
}

/** @throws FloeError `INVALID` naming the option, unless `value` is a whole number from `least` on */
export function checkCount(value: unknown, least: number, name: string): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= least)) return
  throw new FloeError('INVALID', `${name} must be a whole number from ${least} on, not ${shown(value)}`)
}

/**
 * For times, of which there may be fractions.
 *
 * @throws FloeError `INVALID` naming the option, unless `value` is a number from `least` on
 */
export function checkAmount(value: unknown, least: number, name: string): void {
  if (value === undefined || (Number.isFinite(value) && (value as number) >= least)) return
  throw new FloeError('INVALID', `${name} must be a number from ${least} on, not ${shown(value)}`)
}

/**
 * For bytes of memory, to which there may be no bound.
 *
 * @throws FloeError `INVALID` naming the option, unless `value` is a number from `least` on, or Infinity
 */
export function checkBytes(value: unknown, least: number, name: string): void {
  if (value !== Infinity) checkAmount(value, least, name)
}

/** @throws FloeError `INVALID` naming the option, unless `value` is a number from 0 to 1 */
export function checkShare(value: unknown, name: string): void {
  if (value === undefined || (typeof value === 'number' && value >= 0 && value <= 1)) return
  throw new FloeError('INVALID', `${name} must be a number from 0 to 1, not ${shown(value)}`)
}

/** @throws FloeError `INVALID` naming the option, unless `value` is a valid Date or a number */
export function checkTime(value: unknown, name: string): void {
  if (value === undefined || (value instanceof Date && !Number.isNaN(value.getTime())) || Number.isFinite(value)) return
  throw new FloeError('INVALID', `${name} must be a valid Date, or milliseconds since 1970, not ${value instanceof Date ? 'an invalid Date' : shown(value)}`)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return value === null || typeof value === 'number' ? String(value) : `a value of type ${typeof value}`
}
