/** Eight tables of 256: table k advances a byte that lies k bytes before the end of an eight-byte step. */
const tables = buildTables()

/**
 * CRC-32 as in zlib, gzip and Avro's snappy blocks (reflected polynomial 0xEDB88320), unsigned.
 * `previous` continues an earlier checksum.
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous
  let i = 0
  const t = tables
  for (const end = bytes.length - 7; i < end; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
    crc =
      t[1792 + (low & 255)]! ^ t[1536 + ((low >>> 8) & 255)]! ^ t[1280 + ((low >>> 16) & 255)]! ^ t[1024 + (low >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^ t[512 + bytes[i + 5]!]! ^ t[256 + bytes[i + 6]!]! ^ t[bytes[i + 7]!]!
  }
  for (; i < bytes.length; i++) crc = t[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}

function buildTables(): Int32Array {
  const built = new Int32Array(8 * 256)
  for (let n = 0; n < 256; n++) {
    let value = n
    for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    built[n] = value
  }
  for (let i = 256; i < built.length; i++) {
    const shorter = built[i - 256]!
    built[i] = built[shorter & 255]! ^ (shorter >>> 8)
  }
  return built
}
