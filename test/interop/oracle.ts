/** The reference engines, asked over one child process: see `oracle.py serve`. */
import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { oracleJars, pythonExecutable } from './tools.js'

export type Engine = 'spark' | 'java' | 'pyiceberg' | 'duckdb' | 'pyarrow'

export interface ReadTarget {
  /** Location of a `*.metadata.json`. */
  readonly metadata: string
  /** Decimal digits. */
  readonly snapshot?: string | undefined
  readonly ref?: string | undefined
  /** Appends `_row_id` and `_last_updated_sequence_number`. */
  readonly lineage?: boolean | undefined
  readonly s3?: S3Access | undefined
}

export interface S3Access {
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
}

export interface EngineAnswer {
  readonly engine: Engine
  readonly ok: boolean
  /** `ok N rows`, `DIFF …` or `ERROR …`. */
  readonly message: string
}

/** What the reference parsers and a check of every file against the spec say of a table. */
export interface TableReport {
  readonly ok: boolean
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

export interface JavaStatistics {
  readonly sketches: readonly {
    readonly snapshot: string
    readonly fields: readonly number[]
    readonly type: string
    readonly ndv: string
    /** The library's own. */
    readonly estimate: number
    /** In hex. */
    readonly bytes: string
  }[]
  /** Of the current snapshot: the partition as texts, then the numbers in the order of the columns, `dv_count` before `last_updated_at`. */
  readonly partitions: readonly (readonly [readonly string[], ...unknown[]])[]
}

interface Reply {
  readonly id?: number
  readonly ok: boolean
  readonly error?: string
}

class Oracle {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #waiting = new Map<number, { readonly resolve: (reply: Reply) => void; readonly reject: (error: Error) => void }>()
  #lastId = 0
  #errors = ''

  constructor() {
    // Python alone is ready at once; Spark starts inside it with the first request that needs it.
    this.#process = spawn(pythonExecutable, [join(import.meta.dirname, 'oracle.py'), 'serve', '--engine', 'pyarrow'], {
      env: { ...process.env, ORACLE_JARS: oracleJars(), PYTHONWARNINGS: 'ignore' },
    })
    this.#process.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-4000)
    })
    this.#process.on('exit', (code) => {
      this.#fail(new Error(`oracle ended with ${code}: ${this.#errors}`))
    })
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const reply = JSON.parse(line) as Reply
      const waiting = reply.id === undefined ? undefined : this.#waiting.get(reply.id)
      if (reply.id !== undefined) this.#waiting.delete(reply.id)
      waiting?.resolve(reply)
    })
    // The worker may end while the oracle idles; it ends with its input.
    this.#process.unref()
  }

  /** Compares the rows each engine sees with the expected canonical lines. */
  async check(target: ReadTarget, expected: readonly string[], engines: readonly Engine[]): Promise<readonly EngineAnswer[]> {
    const reply = await this.#ask({ op: 'check', expected, engines, ...wire(target) })
    return (reply as Reply & { readonly results: readonly EngineAnswer[] }).results
  }

  /** The rows that one engine sees, as canonical JSON values, sorted. */
  async dump(target: ReadTarget, engine: Engine): Promise<readonly unknown[]> {
    const reply = await this.#ask({ op: 'dump', engine, ...wire(target) })
    if (!reply.ok) throw new Error(reply.error)
    return (reply as Reply & { readonly rows: readonly unknown[] }).rows
  }

  async describe(target: ReadTarget): Promise<TableReport> {
    return (await this.#ask({ op: 'describe', ...wire(target) })) as unknown as TableReport
  }

  /** Runs Spark SQL, `{catalog}` standing for a Hadoop catalog on the folder; gives the rows of the last statement. */
  async sql(warehouse: string, statements: readonly string[]): Promise<readonly (readonly unknown[])[]> {
    const reply = await this.#ask({ op: 'sql', warehouse, statements })
    if (!reply.ok) throw new Error(reply.error)
    return (reply as Reply & { readonly rows: readonly (readonly unknown[])[] }).rows
  }

  /**
   * Commits an equality delete file of the Java writer to a table of {@link sql}'s catalog: keys are those of the rows that `where`, SQL
   * for rows of one partition, selects. Answers how many.
   */
  async equalityDeletes(warehouse: string, table: string, columns: readonly string[], where: string): Promise<number> {
    const reply = await this.#ask({ op: 'equality-deletes', warehouse, table, columns, where })
    if (!reply.ok) throw new Error(reply.error)
    return (reply as Reply & { readonly count: number }).count
  }

  /** What the Java classes read of the statistics of a table of {@link sql}'s catalog. */
  async statistics(warehouse: string, table: string): Promise<JavaStatistics> {
    const reply = await this.#ask({ op: 'statistics', warehouse, table })
    if (!reply.ok) throw new Error(reply.error)
    return reply as Reply & JavaStatistics
  }

  /** The schema of a Parquet file as parquet-cpp prints it, one line a node. */
  async parquetSchema(path: string): Promise<readonly string[]> {
    const reply = await this.#ask({ op: 'parquet-schema', path })
    if (!reply.ok) throw new Error(reply.error)
    return (reply as Reply & { readonly schema: readonly string[] }).schema
  }

  async #ask(request: object): Promise<Reply> {
    const id = (this.#lastId += 1)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#process.stdin.write(`${JSON.stringify({ id, ...request })}\n`)
    })
  }

  #fail(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}

function wire(target: ReadTarget): object {
  const { s3, ...rest } = target
  return s3 === undefined ? rest : { ...rest, s3_endpoint: s3.endpoint, s3_access_key: s3.accessKey, s3_secret_key: s3.secretKey }
}

let shared: Oracle | undefined

/** The one oracle of this run. */
export function oracle(): Oracle {
  shared ??= new Oracle()
  return shared
}
