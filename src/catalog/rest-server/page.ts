import { FloeError } from '../../util/errors.js'

export interface Page<T> {
  readonly items: readonly T[]
  readonly next: { readonly 'next-page-token'?: string }
}

/** Pages only for clients that ask for them by sending a token, if an empty one. Throws `INVALID` for a token that is none. */
export function pageOf<T>(items: readonly T[], query: URLSearchParams): Page<T> {
  const token = query.get('pageToken')
  const size = query.get('pageSize')
  if (token === null || size === null) return { items, next: {} }
  const count = Number(size)
  const start = token === '' ? 0 : Number(token)
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(start) || start < 0) {
    throw new FloeError('INVALID', 'pageSize must be a positive number, and pageToken one that this server gave')
  }
  const end = start + count
  return { items: items.slice(start, end), next: end < items.length ? { 'next-page-token': String(end) } : {} }
}
