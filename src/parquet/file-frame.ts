/** What a file begins and ends with. */
export const magic = Uint8Array.of(0x50, 0x41, 0x52, 0x31)

/** What stands after the row groups and indexes: the footer, its length and the magic bytes. */
export function fileTail(footer: Uint8Array): readonly Uint8Array[] {
  const length = footer.length
  return [footer, Uint8Array.of(length & 0xff, (length >>> 8) & 0xff, (length >>> 16) & 0xff, length >>> 24), magic]
}
