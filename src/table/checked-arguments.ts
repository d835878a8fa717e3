import { nearestName } from '../arrow/describe-value.js'
import { FloeError } from '../util/errors.js'

/*
 * Callers in plain JavaScript have no compiler. What would fail obscurely, or late, or get into metadata that other engines
 * cannot read, is refused at the door.
 */

/** The names of the members of a type, of each alternative of a union. */
type MemberOf<T> = T extends unknown ? keyof T : never

/** Names of members that objects may have. */
export type Names = readonly string[]

/**
 * The names of all members of `T`. What the compiler holds against the type is complete: a name that `T` does not have is an error,
 * also one that is spread in, and so is one that is not given.
 */
export function namesOf<T>() {
  return <K extends Record<MemberOf<T>, true>>(names: K & Record<Exclude<keyof K, MemberOf<T>>, never>): Names => Object.keys(names)
}

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

/** @throws FloeError `INVALID` unless `value` is an object whose `signal` and `snapshotId`, if it has them, are what their names say */
export function checkOptions(value: unknown, name = 'The options'): void {
  checkArgument(value, 'object', name)
  const { signal, snapshotId } = value as { readonly signal?: unknown; readonly snapshotId?: unknown }
  if (signal !== undefined) checkSignal(signal)
  // Of a number, the last digits may be others' already.
  checkOptional(snapshotId, 'bigint', 'The id of a snapshot')
}

/**
 * Refuses members that would be passed over in silence: a misspelt `dryRun` makes a rehearsal a change. Members of `undefined` count as
 * left out.
 *
 * @throws FloeError `INVALID` naming the member, what it was given to, and the members that there are
 */
export function checkNames(value: object, known: Names, owner: string): void {
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined || known.includes(name)) continue
    const nearest = nearestName(name, known)
    const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
    const bound = name === 'branch' ? " Another branch than main is table.branch('name')." : ''
    throw new FloeError('INVALID', `${owner} has no option '${name}'.${hint}${bound} There are: ${known.join(', ')}`)
  }
}

/** As {@link checkOptions} does, and for members that are not `known`, as {@link checkNames} does. */
export function checkNamedOptions(value: unknown, known: Names, owner: string): void {
  checkOptions(value, `The options of ${owner}`)
  checkNames(value as object, known, owner)
}
