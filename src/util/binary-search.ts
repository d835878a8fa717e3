/**
 * The first of the ascending whole numbers from `from` on for which `test` holds, as it does for all after it; `to` where it holds for
 * none before. Asks about log2 of them.
 */
export function firstWhere(from: number, to: number, test: (index: number) => boolean): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    if (test(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** The index of the first of ascending values that is not below `value`; their number where all are. */
export function lowerBound<T extends number | bigint>(sorted: ArrayLike<T>, value: T): number {
  return firstWhere(0, sorted.length, (index) => sorted[index]! >= value)
}
