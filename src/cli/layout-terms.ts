import { asc, bucket, day, desc, hour, identity, month, truncate, voidTransform, year } from '../partition/spec-builder.js'
import type { PartitionTerm, SortTerm } from '../partition/spec-builder.js'
import { UsageError } from './usage-error.js'

const TIMES = { year, month, day, hour, identity, void: voidTransform } as const

/** `day(ts), bucket(id, 16), country`, as `--partition-by` takes it. @throws UsageError */
export function parsePartitionTerms(text: string): PartitionTerm[] {
  return splitTerms(text, '--partition-by').map((term) => parseTerm(term, '--partition-by'))
}

/** `ts desc nulls last, bucket(id, 16)`, as `--sort-by` takes it. @throws UsageError */
export function parseSortTerms(text: string): SortTerm[] {
  return splitTerms(text, '--sort-by').map((term) => {
    const words = term.split(/\s+/)
    const nulls = takeLast(words, ['first', 'last'])
    if (nulls !== undefined && takeLast(words, ['nulls']) === undefined) throw unreadable('--sort-by', term)
    const isDescending = takeLast(words, ['asc', 'desc']) === 'desc'
    const column = parseTerm(words.join(' '), '--sort-by')
    return isDescending ? desc(column, { nulls }) : asc(column, { nulls })
  })
}

/** Takes the last word off where it is one of `choices` and not the only one. */
function takeLast<T extends string>(words: string[], choices: readonly T[]): T | undefined {
  const last = words.length > 1 ? words.at(-1)!.toLowerCase() : undefined
  const found = choices.find((choice) => choice === last)
  if (found !== undefined) words.pop()
  return found
}

function unreadable(option: string, text: string): UsageError {
  return new UsageError(`${option} cannot read ${JSON.stringify(text)}: there are year, month, day, hour, bucket(c, n), truncate(c, w) and plain columns`)
}

/** Cuts at commas outside of parentheses. */
function splitTerms(text: string, option: string): string[] {
  const terms: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    const character = text[at]
    if (character === '(') depth++
    else if (character === ')') depth--
    else if (character === undefined || (character === ',' && depth === 0)) {
      terms.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  if (terms.includes('') || depth !== 0) throw unreadable(option, text)
  return terms
}

function parseTerm(text: string, option: string): PartitionTerm {
  const call = /^([a-z]+)\s*\(([^()]+)\)$/i.exec(text)
  if (call === null) {
    if (text === '' || /[()\s]/.test(text)) throw unreadable(option, text)
    return identity(text)
  }
  const name = call[1]!.toLowerCase()
  const [column = '', parameter, ...others] = call[2]!.split(',').map((part) => part.trim())
  if (name in TIMES && parameter === undefined) return TIMES[name as keyof typeof TIMES](column)
  if ((name === 'bucket' || name === 'truncate') && others.length === 0) {
    // Written both ways round: bucket(id, 16) here, bucket(16, id) in SQL.
    const [source, width] = /^\d+$/.test(column) ? [parameter ?? '', column] : [column, parameter ?? '']
    if (/^\d{1,10}$/.test(width) && source !== '') return name === 'bucket' ? bucket(source, Number(width)) : truncate(source, Number(width))
  }
  throw unreadable(option, text)
}
