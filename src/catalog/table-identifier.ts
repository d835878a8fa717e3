import { FloeError } from '../util/errors.js'
import type { TableIdentifier } from './catalog-backend.js'

const MAX_NAME_BYTES = 255
/** What is more than a name to a path, a URL, a listing, or a pattern of an access policy. */
const FORBIDDEN = /[/\\%*?{}$\p{Cc}\p{Cs}]/u

/**
 * Parses `namespace.inner.table`; a part in backticks may hold dots, and backticks doubled. Throws `INVALID` for an
 * empty part and for names that {@link checkName} refuses.
 */
export function parseTableIdentifier(text: string): TableIdentifier {
  const parts = splitParts(text)
  const name = parts.pop()!
  return checkIdentifier({ namespace: parts, name })
}

/** The text that {@link parseTableIdentifier} reads back. */
export function printTableIdentifier(identifier: TableIdentifier): string {
  return [...identifier.namespace, identifier.name].map(quotePart).join('.')
}

/** The text of a namespace; empty for the root. */
export function printNamespace(namespace: readonly string[]): string {
  return namespace.map(quotePart).join('.')
}

/** `identifier` itself. Throws `INVALID` unless every part of it is a safe name. */
export function checkIdentifier(identifier: TableIdentifier): TableIdentifier {
  checkNamespace(identifier.namespace)
  checkName(identifier.name, 'table')
  return identifier
}

/** Throws `INVALID` unless every level is a safe name. */
export function checkNamespace(namespace: readonly string[]): void {
  for (const level of namespace) checkName(level, 'namespace')
}

/**
 * Throws `INVALID` for a name that could mean anything but one folder: empty, hidden or relative ones (a leading dot),
 * slashes, backslashes, `%`, control characters, lone surrogates, and `* ? { } $`, which access policies read as patterns.
 */
export function checkName(name: string, what: 'table' | 'namespace'): void {
  const problem = findProblem(name)
  if (problem === undefined) return
  throw new FloeError('INVALID', `${JSON.stringify(name.slice(0, 100))} cannot be the name of a ${what}: ${problem}`)
}

function findProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name.startsWith('.')) return 'it begins with a dot'
  if (name.trim() !== name) return 'it begins or ends with white space'
  if (FORBIDDEN.test(name)) return 'it holds one of / \\ % * ? { } $ or a control character'
  return Buffer.byteLength(name) > MAX_NAME_BYTES ? `it is longer than ${MAX_NAME_BYTES} bytes` : undefined
}

function quotePart(part: string): string {
  return /[.`]/.test(part) ? `\`${part.replaceAll('`', '``')}\`` : part
}

function splitParts(text: string): string[] {
  const parts: string[] = []
  for (let position = 0; ; ) {
    const { part, end } = text[position] === '`' ? quotedPart(text, position) : plainPart(text, position)
    parts.push(part)
    if (end === text.length) return parts
    if (text[end] !== '.') throw malformed(text)
    position = end + 1
  }
}

function plainPart(text: string, start: number): { readonly part: string; readonly end: number } {
  const dot = text.indexOf('.', start)
  const end = dot === -1 ? text.length : dot
  return { part: text.slice(start, end), end }
}

function quotedPart(text: string, start: number): { readonly part: string; readonly end: number } {
  for (let end = start + 1; end < text.length; end++) {
    if (text[end] !== '`') continue
    if (text[end + 1] === '`') end++
    else return { part: text.slice(start + 1, end).replaceAll('``', '`'), end: end + 1 }
  }
  throw malformed(text)
}

function malformed(text: string): FloeError {
  return new FloeError('INVALID', `${JSON.stringify(text.slice(0, 200))} is no table name: write namespace.table, dots within a name in backticks`)
}
