import { FloeError } from '../util/errors.js'

/*
 * Callers in plain JavaScript have no compiler. What would fail obscurely, or late, or get into metadata that other engines
 * cannot read, is refused at the door.
 */

type Kind = 'object' | 'function' | 'string' | 'list'

const WORDS: Readonly<Record<Kind, string>> = { object: 'an object', function: 'a function', string: 'a text', list: 'an array' }

/** @throws FloeError `INVALID`, naming the argument, when `value` is of another kind */
export function checkArgument(value: unknown, kind: Kind, name: string): void {
  const isRight = kind === 'list' ? Array.isArray(value) : typeof value === kind && value !== null
  if (isRight) return
  throw new FloeError('INVALID', `${name} must be ${WORDS[kind]}, not ${value === null ? 'null' : `a value of type ${typeof value}`}`)
}

/** As {@link checkArgument}, for arguments that may be left out. */
export function checkOptional(value: unknown, kind: Kind, name: string): void {
  if (value !== undefined) checkArgument(value, kind, name)
}
