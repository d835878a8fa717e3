/** Which reference engines this machine has. `setup.sh` installs them and leaves a word on each. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TestContext } from 'vitest'

export type Tool = 'python' | 'spark' | 'versitygw' | 's3-servers' | 'rest' | 'trino' | 'chromium'

const root = resolve(import.meta.dirname, '../..')
export const interopCache = resolve(root, process.env['FLOE_INTEROP_CACHE'] ?? '.interop')

/** The reason why a tool cannot be used; `undefined` when it can. */
export function missingReason(tool: Tool): string | undefined {
  const status = join(interopCache, 'status', tool)
  const text = existsSync(status) ? readFileSync(status, 'utf8').trim() : 'test/interop/setup.sh has not run'
  return text === 'ok' ? undefined : `${tool} is not available: ${text}`
}

/** Takes a Java that few machines have, and a download of its own size. */
const OPTIONAL: ReadonlySet<Tool> = new Set(['trino'])

/** Skips the test with the reason when a tool is missing; in CI a missing tool fails it, but for optional ones. */
export function requireTool(context: TestContext, ...tools: readonly Tool[]): void {
  for (const tool of tools) {
    const reason = missingReason(tool)
    if (reason === undefined) continue
    if (process.env['CI'] === 'true' && !OPTIONAL.has(tool)) throw new Error(reason)
    context.skip(reason)
  }
}

export const pythonExecutable = join(interopCache, 'venv/bin/python')
export const versitygwExecutable = join(interopCache, 'bin/versitygw')
/** Those of the tool `s3-servers`. */
export const s3ServerExecutables = {
  racyVersitygw: join(interopCache, 'bin/racy/versitygw'),
  gofakes3: join(interopCache, 'bin/gofakes3'),
  rclone: join(interopCache, 'rclone/bin/rclone'),
  s3rver: join(interopCache, 's3rver/node_modules/.bin/s3rver'),
}

/** The browser that `setup.sh` found or installed. */
export function chromiumExecutable(): string {
  return readFileSync(join(interopCache, 'chromium.path'), 'utf8').trim()
}

/** The jars that the oracle's Spark needs, as a class path. */
export function oracleJars(): string {
  const folder = join(interopCache, 'jars')
  return readdirSync(folder).filter((name) => name.endsWith('.jar')).map((name) => join(folder, name)).join(':')
}

/** Trino, and the Java that runs it. */
export function trinoInstallation(): { readonly java: string; readonly home: string } {
  return { java: readFileSync(join(interopCache, 'trino/java.path'), 'utf8').trim(), home: join(interopCache, 'trino') }
}

/** The class path of the reference's REST server, its compatibility kit, and JUnit. */
export function restClassPath(): string {
  return readFileSync(join(interopCache, 'rest.classpath'), 'utf8').trim()
}
