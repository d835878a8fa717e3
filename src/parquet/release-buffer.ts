import { MessageChannel } from 'node:worker_threads'

/**
 * Frees the memory of a buffer that nobody will use again. The collector sees a few bytes of JavaScript object where there are
 * megabytes behind, and lets hundreds of them pile up. All views of the buffer become empty.
 */
export function releaseBuffer(buffer: ArrayBufferLike): void {
  releaseBuffers([buffer])
}

/** The same for many, at about the cost of one. */
export function releaseBuffers(buffers: readonly ArrayBufferLike[]): void {
  const own = new Set<ArrayBuffer>()
  for (const buffer of buffers) if (buffer.byteLength > 0 && buffer instanceof ArrayBuffer) own.add(buffer)
  if (own.size === 0) return
  if (canTransfer) for (const buffer of own) (buffer as TransferableBuffer).transfer(0)
  else discard([...own])
}

type TransferableBuffer = ArrayBuffer & { transfer(length: number): ArrayBuffer }

const canTransfer = 'transfer' in ArrayBuffer.prototype

/** Before Node 21: what is still on the way when a channel is closed is dropped. */
function discard(buffers: ArrayBuffer[]): void {
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(undefined, buffers)
  port1.close()
  port2.close()
}

/** Resolves when what was released is free. Before Node 21 it is not while a thread goes on without returning to its events. */
export async function settleReleases(): Promise<void> {
  if (canTransfer) return
  // Channels are closed at the end of a turn
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}
