import { FloeError } from '../util/errors.js'
import type { FloeErrorCode } from '../util/errors.js'
import type { Environment } from './environment.js'
import { ClosedPipe } from './output.js'
import { systemFailure } from './system-failure.js'
import { UsageError } from './usage-error.js'

/** One verb: its arguments, parsed by itself, to what it prints. */
export type Verb = (args: readonly string[], environment: Environment) => Promise<void>

/** Loaded on use: `floe --help` needs none of them. */
const VERBS: ReadonlyMap<string, () => Promise<Verb>> = new Map<string, () => Promise<Verb>>([
  ['scan', async () => (await import('./scan-verb.js')).scanVerb],
  ['append', async () => (await import('./append-verb.js')).appendVerb],
  ['delete', async () => (await import('./delete-verb.js')).deleteVerb],
  ['update', async () => (await import('./update-verb.js')).updateVerb],
  ['upsert', async () => (await import('./upsert-verb.js')).upsertVerb],
  ['overwrite', async () => (await import('./overwrite-verb.js')).overwriteVerb],
  ['changes', async () => (await import('./changes-verb.js')).changesVerb],
  ['compact', async () => (await import('./compact-verb.js')).compactVerb],
  ['maintain', async () => (await import('./maintain-verb.js')).maintainVerb],
  ['rewrite-manifests', async () => (await import('./rewrite-manifests-verb.js')).rewriteManifestsVerb],
  ['inspect', async () => (await import('./inspect-verb.js')).inspectVerb],
  ['branch', async () => (await import('./ref-verb.js')).branchVerb],
  ['tag', async () => (await import('./ref-verb.js')).tagVerb],
  ['publish', async () => (await import('./publish-verb.js')).publishVerb],
  ['rollback', async () => (await import('./history-verbs.js')).rollbackVerb],
  ['cherry-pick', async () => (await import('./history-verbs.js')).cherryPickVerb],
  ['expire', async () => (await import('./expire-verb.js')).expireVerb],
  ['fsck', async () => (await import('./fsck-verb.js')).fsckVerb],
  ['purge', async () => (await import('./purge-verb.js')).purgeVerb],
  ['orphans', async () => (await import('./orphans-verb.js')).orphansVerb],
  ['doctor', async () => (await import('./doctor-verb.js')).doctorVerb],
  ['serve', async () => (await import('./serve-verb.js')).serveVerb],
  ['layout', async () => (await import('./layout-verb.js')).layoutVerb],
  ['plan', async () => (await import('./plan-verb.js')).planVerb],
])

const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Runs one command line, without the program's name, and answers its exit code. Errors are printed, never thrown. */
export async function runCommand(argv: readonly string[], environment: Environment): Promise<number> {
  const [verb = '', ...rest] = argv
  try {
    if (verb === '--version' || verb === '-V') {
      const { packageVersion } = await import('./package-version.js')
      await environment.stdout.line(packageVersion())
    } else if (verb === '--help' || verb === '-h' || verb === 'help') {
      await printHelp(rest[0], environment)
    } else if (isHelpAsked(rest)) {
      await printHelp(verb, environment)
    } else {
      await (await loadVerb(verb))(rest, environment)
    }
    return 0
  } catch (error) {
    return fail(error, argv, environment)
  }
}

async function loadVerb(name: string): Promise<Verb> {
  const load = VERBS.get(name)
  if (load === undefined) throw unknownVerb(name)
  return load()
}

function unknownVerb(name: string): UsageError {
  const verbs = [...VERBS.keys()].join(', ')
  return new UsageError(name === '' ? `Name a verb: ${verbs}` : `There is no verb ${JSON.stringify(name)}; there are ${verbs}`)
}

function isHelpAsked(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return args.slice(0, end < 0 ? args.length : end).some((arg) => arg === '--help' || arg === '-h')
}

async function printHelp(verb: string | undefined, { stdout }: Environment): Promise<void> {
  const { helpText } = await import('./help.js')
  const text = helpText(verb)
  if (text === undefined) throw unknownVerb(verb!)
  await stdout.write(text)
}

async function fail(error: unknown, argv: readonly string[], { stderr, signal }: Environment): Promise<number> {
  if (error instanceof ClosedPipe) return 0
  const known: PrintableError = signal.aborted && !(error instanceof FloeError && error.code === 'COMMIT_STATE_UNKNOWN') ? interrupted(error) : asFloeError(error)
  const isUsage = error instanceof UsageError
  await stderr.write(argv.includes('--json') ? jsonText(known) : plainText(known, isUsage ? (argv[0] ?? '') : undefined)).catch(() => undefined)
  return isUsage ? EXIT_USAGE : EXIT_FAILED
}

interface PrintableError extends Pick<FloeError, 'message' | 'retryable'>, Partial<Pick<FloeError, 'table' | 'file' | 'column'>> {
  readonly code: FloeErrorCode | 'INTERNAL'
}

function interrupted(cause: unknown): FloeError {
  return new FloeError('ABORTED', 'Interrupted; nothing was committed', { cause })
}

/** Anything but a typed error and a failure of the system is a defect of this program, or of what it runs on. */
function asFloeError(error: unknown): PrintableError {
  if (error instanceof FloeError) return error
  const failure = systemFailure(error)
  if (failure !== undefined) return failure
  const message = error instanceof Error ? ((process.env['FLOE_DEBUG'] ?? '') === '' ? error.message : (error.stack ?? error.message)) : String(error)
  return { code: 'INTERNAL', message, retryable: false }
}

function plainText(error: { readonly code: string; readonly message: string }, verb: string | undefined): string {
  const hint = verb === undefined ? '' : `Run floe ${VERBS.has(verb) ? `${verb} ` : ''}--help for how to use it.\n`
  return `floe: ${error.code}: ${error.message}\n${hint}`
}

function jsonText(error: PrintableError): string {
  const { code, message, retryable, table, file, column } = error
  return `${JSON.stringify({ error: { code, message, retryable, table, file, column } })}\n`
}
