import type { Table } from '../table/table.js'
import type { TableScan } from '../table/table-scan.js'
import type { CommandOptions } from './command-options.js'
import { UsageError } from './usage-error.js'
import { whereOption } from './where-option.js'

/** Options that choose a state of the table and rows of it. */
export const SCAN_OPTIONS = {
  ref: { type: 'string' },
  snapshot: { type: 'string' },
  'as-of': { type: 'string' },
  where: { type: 'string' },
} as const

/** The scan that {@link SCAN_OPTIONS} describe. */
export function scanOf(table: Table, options: CommandOptions): TableScan {
  const [ref, snapshot, asOf] = ['ref', 'snapshot', 'as-of'].map((name) => options.text(name))
  if ([ref, snapshot, asOf].filter((choice) => choice !== undefined).length > 1) {
    throw new UsageError('At most one of --ref, --snapshot and --as-of can be given')
  }
  const where = whereOption(options)
  let scan = table.scan()
  if (ref !== undefined) scan = scan.useRef(ref)
  if (snapshot !== undefined) scan = scan.useSnapshot(snapshotId(snapshot))
  if (asOf !== undefined) scan = scan.asOfTime(timeOf(asOf, 'as-of'))
  return where === undefined ? scan : scan.filter(where)
}

/** @throws UsageError */
export function snapshotId(text: string): bigint {
  if (/^-?\d{1,19}$/.test(text)) return BigInt(text)
  throw new UsageError(`--snapshot takes a snapshot id, not ${JSON.stringify(text)}`)
}

/** Milliseconds, or an ISO 8601 date or time, which is UTC unless it has an offset. */
export function timeOf(text: string, option: string): number {
  if (/^\d{10,16}$/.test(text)) return Number(text)
  const iso = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i.exec(text)
  const spelt = text.replace(' ', 'T').toUpperCase()
  const isZoned = text.length === 10 || /Z$|[+-]\d\d:?\d\d$/.test(spelt.slice(10))
  const ms = iso === null ? NaN : Date.parse(isZoned ? spelt : `${spelt}Z`)
  if (Number.isNaN(ms)) throw new UsageError(`--${option} takes a time such as 2024-01-31T12:00:00Z, or milliseconds, not ${JSON.stringify(text)}`)
  return ms
}
