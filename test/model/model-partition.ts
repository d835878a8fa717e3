/** The partitions of a modelled table. */
import { bucket, day, identity, truncate, type PartitionTerm } from '../../src/index.js'
import { hashFunction } from '../../src/partition/bucket-transform.js'
import { cellText, KINDS, type Cell, type Chance, type Kind } from './model-cells.js'

const DAY = 86_400_000_000n

export interface PartitionChoice {
  /** The id of the column. */
  readonly key: number
  readonly transform: 'identity' | 'bucket' | 'truncate' | 'day'
}

const TRANSFORMS: Partial<Record<Kind, readonly PartitionChoice['transform'][]>> = {
  int: ['identity', 'bucket', 'truncate'],
  long: ['identity', 'bucket', 'truncate'],
  string: ['identity', 'bucket', 'truncate'],
  date: ['identity', 'day', 'bucket'],
  timestamp: ['day', 'identity'],
  decimal: ['identity', 'bucket'],
  wideDecimal: ['identity', 'bucket'],
  boolean: ['identity'],
}

export function choosePartition({ key, kind }: { readonly key: number; readonly kind: Kind }, chance: Chance): PartitionChoice | undefined {
  const transforms = TRANSFORMS[kind]
  return transforms === undefined ? undefined : { key, transform: chance.of(transforms) }
}

export function partitionTerm({ transform }: PartitionChoice, name: string): PartitionTerm {
  if (transform === 'bucket') return bucket(name, 3)
  if (transform === 'truncate') return truncate(name, 2)
  return transform === 'day' ? day(name) : identity(name)
}

/** The partition of a value, as text. */
export function partitionText({ transform }: PartitionChoice, kind: Kind, cell: Cell): string {
  if (cell === null || transform === 'identity') return cellText(cell)
  if (transform === 'bucket') return String((hashFunction(KINDS[kind].type)(kind === 'int' ? Number(cell) : (cell as never)) & 0x7fffffff) % 3)
  if (transform === 'day') return String(typeof cell === 'bigint' ? (cell - (((cell % DAY) + DAY) % DAY)) / DAY : cell)
  if (typeof cell === 'string') return [...cell].slice(0, 2).join('')
  const value = cell as bigint
  return String(value - (((value % 2n) + 2n) % 2n))
}
