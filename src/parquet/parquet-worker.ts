/**
 * Entry of the worker threads: runs one job after the other. It is a file of its own in the package, because a thread is
 * started from a file.
 */
import { parentPort } from 'node:worker_threads'
import { isFloeError } from '../util/errors.js'
import type { EngineJob, WorkerAnswer } from './engine-job.js'
import { runJob } from './run-job.js'
import { hasDiscardedEngine } from './wasm-module.js'

parentPort?.on('message', (job: EngineJob) => {
  void answer(job)
})

async function answer(job: EngineJob): Promise<void> {
  try {
    const { result, transfer } = await runJob(job, true)
    parentPort?.postMessage({ result } satisfies WorkerAnswer, [...transfer])
  } catch (error) {
    const code = isFloeError(error) ? error.code : undefined
    const message = error instanceof Error ? error.message : String(error)
    const isLast = hasDiscardedEngine()
    parentPort?.postMessage({ error: { code, message }, isLast } satisfies WorkerAnswer)
    if (isLast) parentPort?.close()
  }
}
