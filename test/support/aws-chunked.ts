/** The payload of an `aws-chunked` body: `<hex size>[;signature]\r\n<bytes>\r\n … 0\r\n<trailers>`. */
export function decodeAwsChunked(body: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let position = 0; ; ) {
    const lineEnd = body.indexOf('\r\n', position)
    if (lineEnd === -1) throw new Error('aws-chunked body without an end')
    const size = Number.parseInt(body.toString('latin1', position, lineEnd).split(';')[0]!, 16)
    if (size === 0) return Buffer.concat(chunks)
    chunks.push(body.subarray(lineEnd + 2, lineEnd + 2 + size))
    position = lineEnd + 2 + size + 2
  }
}
