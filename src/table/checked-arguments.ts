import { FloeError } from '../util/errors.js'

/*
 * Callers in plain JavaScript have no compiler. What would fail obscurely, or late, or get into metadata that other engines
 * cannot read, is refused at the door.
 */

type Kind = 'object' | 'function' | 'string' | 'bigint' | 'list'

const WORDS: Readonly<Record<Kind, string>> = {
  object: 'an object',
  function: 'a function',
  string: 'a text',
  bigint: 'a bigint',
  list: 'an array',
}

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

/** @throws FloeError `INVALID` unless `value` is an AbortSignal, or one of another implementation */
export function checkSignal(value: unknown): void {
  const signal = value as { readonly aborted?: unknown; readonly throwIfAborted?: unknown } | null
  const isSignal = typeof signal === 'object' && typeof signal?.aborted === 'boolean' && typeof signal.throwIfAborted === 'function'
  if (!isSignal) throw new FloeError('INVALID', `A signal must be an AbortSignal, not ${value === null ? 'null' : `a value of type ${typeof value}`}`)
}

/** @throws FloeError `INVALID` unless `value` is an object whose `signal`, if it has one, is a signal */
export function checkOptions(value: unknown, name = 'The options'): void {
  checkArgument(value, 'object', name)
  const { signal } = value as { readonly signal?: unknown }
  if (signal !== undefined) checkSignal(signal)
}
