/** Packs items into bins of about a target weight, looking back over a bounded number of open bins. Source: Java `BinPacking`. */
export interface BinPackingOptions<T> {
  readonly targetWeight: number
  readonly weight: (item: T) => number
  /** How many bins stay open at once. Default 1: items keep their order strictly. */
  readonly lookback?: number
  /** Close the heaviest open bin first instead of the oldest. */
  readonly largestFirst?: boolean
}

interface Bin<T> {
  readonly items: T[]
  weight: number
}

/** Yields bins in the order they were closed; an item heavier than the target gets a bin of its own. */
export function* packBins<T>(items: Iterable<T>, options: BinPackingOptions<T>): Generator<readonly T[]> {
  const open: Bin<T>[] = []
  const lookback = options.lookback ?? 1
  for (const item of items) {
    const weight = options.weight(item)
    const bin = open.find((candidate) => candidate.weight + weight <= options.targetWeight)
    if (bin !== undefined) {
      bin.items.push(item)
      bin.weight += weight
      continue
    }
    open.push({ items: [item], weight })
    if (open.length > lookback) yield closeOne(open, options.largestFirst === true).items
  }
  while (open.length > 0) yield closeOne(open, options.largestFirst === true).items
}

/** Packs from the end, so that the first bin is the one left short. Source: Java `BinPacking.ListPacker.packEnd` */
export function packBinsFromEnd<T>(items: readonly T[], options: BinPackingOptions<T>): readonly (readonly T[])[] {
  const bins = [...packBins([...items].reverse(), options)]
  return bins.reverse().map((bin) => [...bin].reverse())
}

function closeOne<T>(open: Bin<T>[], largestFirst: boolean): Bin<T> {
  let index = 0
  if (largestFirst) {
    for (let i = 1; i < open.length; i++) if (open[i]!.weight > open[index]!.weight) index = i
  }
  return open.splice(index, 1)[0]!
}
