import type { EncodeResult, EngineJob, EngineResult } from './engine-job.js'
import { runDecode, transferOf } from './run-decode.js'
import { runEncode } from './run-encode.js'

/**
 * Runs a job on this thread; `transfer` lists the buffers of the result that can be moved.
 * @param isOwned whether the pages of the job are nobody else's: they are freed column by column
 */
export async function runJob(
  job: EngineJob,
  isOwned = false,
): Promise<{ readonly result: EngineResult; readonly transfer: readonly ArrayBuffer[] }> {
  if (job.kind === 'decode') {
    const result = await runDecode(job, isOwned)
    return { result, transfer: transferOf(result) }
  }
  const result = await runEncode(job)
  return { result, transfer: buffersOf(result) }
}

function buffersOf({ columns }: EncodeResult): ArrayBuffer[] {
  const parts = columns.flatMap(({ bytes, bloomFilter }) => (bloomFilter === undefined ? [bytes] : [bytes, bloomFilter]))
  return [...new Set(parts.map((part) => part.buffer as ArrayBuffer))]
}
