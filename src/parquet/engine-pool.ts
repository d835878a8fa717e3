import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { FloeError } from '../util/errors.js'
import type { EngineJob, EngineResult, WorkerAnswer } from './engine-job.js'
import { runJob } from './run-job.js'

export interface EnginePoolOptions {
  /** Threads at most; 0: every job runs on the calling thread. Default: FLOE_PARQUET_WORKERS, else the cores, at most 8. */
  readonly workers?: number | undefined
  /** The worker's entry file. Default: beside this module, where the package has it. */
  readonly workerUrl?: URL | undefined
}

/** Jobs below this many bytes are not worth the way to another thread. */
const MIN_WORKER_JOB_BYTES = 1 << 20

interface PendingJob {
  readonly job: EngineJob
  readonly transfer: readonly ArrayBuffer[]
  readonly resolve: (result: EngineResult) => void
  readonly reject: (error: unknown) => void
}

interface PoolWorker {
  readonly thread: Worker
  pending: PendingJob | undefined
}

/**
 * Runs jobs of the byte engine on worker threads, which are started when first needed and never keep the process alive by
 * themselves. Where the worker's file is missing (the sources, an unusual bundle), jobs run on the calling thread.
 */
export class EnginePool {
  /** How many jobs can make progress at once; at least 1. */
  readonly parallelism: number
  private readonly workerUrl: URL | undefined
  private readonly workers: PoolWorker[] = []
  private readonly queue: PendingJob[] = []

  constructor(options: EnginePoolOptions = {}) {
    const count = options.workers ?? defaultWorkers()
    const url = options.workerUrl ?? new URL('./parquet-worker.js', import.meta.url)
    this.workerUrl = count > 0 && existsSync(fileURLToPath(url)) ? url : undefined
    this.parallelism = this.workerUrl === undefined ? 1 : count
  }

  /**
   * @param jobBytes size of the work, to choose where it runs
   * @param transfer buffers of the job that may be moved instead of copied
   * @throws FloeError what the job throws
   */
  run(job: EngineJob, jobBytes: number, transfer: readonly ArrayBuffer[] = []): Promise<EngineResult> {
    if (!this.usesWorker(jobBytes)) return runJob(job).then(({ result }) => result)
    return new Promise((resolve, reject) => {
      this.queue.push({ job, transfer, resolve, reject })
      this.dispatch()
    })
  }

  /** Whether a job of this size leaves the calling thread. */
  usesWorker(jobBytes: number): boolean {
    return this.workerUrl !== undefined && jobBytes >= MIN_WORKER_JOB_BYTES
  }

  /** Stops the threads. Jobs that are under way are rejected. */
  async close(): Promise<void> {
    const workers = this.workers.splice(0)
    for (const pending of this.queue.splice(0)) pending.reject(new FloeError('ABORTED', 'the engine was closed'))
    await Promise.all(workers.map((worker) => worker.thread.terminate()))
  }

  private dispatch(): void {
    while (this.queue.length > 0) {
      const worker = this.workers.find((candidate) => candidate.pending === undefined) ?? this.start()
      if (worker === undefined) return
      const pending = this.queue.shift()!
      worker.pending = pending
      worker.thread.ref()
      worker.thread.postMessage(pending.job, [...pending.transfer])
    }
  }

  private start(): PoolWorker | undefined {
    if (this.workerUrl === undefined || this.workers.length >= this.parallelism) return undefined
    const worker: PoolWorker = { thread: new Worker(this.workerUrl), pending: undefined }
    worker.thread.on('message', (answer: WorkerAnswer) => this.settle(worker, answer))
    worker.thread.on('error', (error) => this.lose(worker, error))
    worker.thread.on('exit', () => this.lose(worker, undefined))
    this.workers.push(worker)
    return worker
  }

  private settle(worker: PoolWorker, answer: WorkerAnswer): void {
    const pending = worker.pending
    worker.pending = undefined
    worker.thread.unref()
    if ('isLast' in answer && answer.isLast) this.workers.splice(this.workers.indexOf(worker), 1)
    if ('result' in answer) pending?.resolve(answer.result)
    else pending?.reject(errorOf(answer.error))
    this.dispatch()
  }

  /** A thread that ended takes its job with it; the next job gets a new one. */
  private lose(worker: PoolWorker, cause: unknown): void {
    const index = this.workers.indexOf(worker)
    if (index >= 0) this.workers.splice(index, 1)
    const message = 'a Parquet worker thread ended before its job did; FLOE_PARQUET_WORKERS=0 does without threads'
    worker.pending?.reject(new FloeError('UNAVAILABLE', message, { cause }))
    worker.pending = undefined
    this.dispatch()
  }
}

function errorOf({ code, message }: Extract<WorkerAnswer, { error: unknown }>['error']): Error {
  return code === undefined ? new Error(message) : new FloeError(code, message)
}

function defaultWorkers(): number {
  const text = process.env['FLOE_PARQUET_WORKERS']
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : Math.min(8, availableParallelism())
}
