import { MessageChannel } from 'node:worker_threads'

/**
 * Frees the memory of a buffer that nobody will use again. The collector sees a few bytes of JavaScript object where there are
 * megabytes behind, and lets hundreds of them pile up. All views of the buffer become empty.
 */
export function releaseBuffer(buffer: ArrayBufferLike): void {
  if (buffer.byteLength === 0 || !(buffer instanceof ArrayBuffer)) return
  const modern = buffer as ArrayBuffer & { transfer?: (length: number) => ArrayBuffer }
  if (modern.transfer !== undefined) modern.transfer(0)
  else discard(buffer)
}

/** Before Node 21: what is still on the way when a channel is closed is dropped. */
function discard(buffer: ArrayBuffer): void {
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(undefined, [buffer])
  port1.close()
  port2.close()
}
