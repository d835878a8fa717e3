/** Whether `list` begins with all items of `start`, each the very same value. */
export function startsWith(list: readonly unknown[], start: readonly unknown[]): boolean {
  if (start.length > list.length) return false
  for (let i = 0; i < start.length; i++) if (list[i] !== start[i]) return false
  return true
}
