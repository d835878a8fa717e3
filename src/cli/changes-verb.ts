import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseCursor, type ChangeCursor } from '../scan/changes/change-cursor.js'
import type { StateOf } from '../table/snapshot-point.js'
import type { Table } from '../table/table.js'
import { FloeError } from '../util/errors.js'
import { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { withTable } from './open-target.js'
import { OutputFile } from './output-file.js'
import { PRINT_OPTIONS, printingOf, printRows } from './print-rows.js'
import { timeOf } from './scan-options.js'
import { UsageError } from './usage-error.js'
import { whereOption } from './where-option.js'

/** `floe changes`: prints what changed between two states, and the cursor from which a later call goes on. */
export async function changesVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    from: { type: 'string' },
    since: { type: 'string' },
    to: { type: 'string' },
    keys: { type: 'string' },
    net: { type: 'boolean' },
    where: { type: 'string' },
    select: { type: 'string' },
    'cursor-file': { type: 'string' },
    ...PRINT_OPTIONS,
  })
  options.refuseSecondTable()
  if (options.text('from') !== undefined && options.text('since') !== undefined) throw new UsageError('At most one of --from and --since can be given')
  const printing = printingOf(options, environment)
  const cursorFile = options.text('cursor-file')
  const filter = whereOption(options)
  const after = await startOf(options, cursorFile)
  const keeper = cursorFile === undefined ? undefined : await OutputFile.at(cursorFile)
  await withTable(options, 'read', async (table) => {
    const [from, to] = ['from', 'to'].map((name) => stateOf(table, name, options.text(name)))
    const [keys, columns] = [names(options, 'keys'), names(options, 'select')]
    const range = { from, after, to, limit: printing.wantedRows, signal: environment.signal }
    const changes = table.scanChanges({ ...range, keys, columns, filter, net: options.flag('net') })
    await printRows(changes, printing, environment)
    const cursor = JSON.stringify(changes.cursor)
    if (keeper === undefined) await environment.stderr.line(`cursor: ${cursor}`)
    else await keeper.fill((file) => file.output().line(cursor))
  })
}

/** The cursor that is given, or that the cursor's file holds from an earlier call. */
async function startOf(options: CommandOptions, cursorFile: string | undefined): Promise<ChangeCursor | undefined> {
  const since = options.text('since')
  if (since !== undefined) return parseCursor(since)
  if (cursorFile === undefined || options.text('from') !== undefined) return undefined
  try {
    return parseCursor(await readFile(resolve(cursorFile), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error instanceof FloeError ? error : new FloeError('INVALID', 'The cursor file cannot be read', { file: cursorFile, cause: error })
  }
}

/** A snapshot's id, a branch or tag, or a time. */
function stateOf(table: Table, option: string, text: string | undefined): StateOf | undefined {
  if (text === undefined || table.refs.has(text)) return text
  if (/^-?\d{1,19}$/.test(text)) return BigInt(text)
  return /^\d{4}-\d\d-\d\d/.test(text) ? new Date(timeOf(text, option)) : text
}

function names(options: CommandOptions, option: string): readonly string[] | undefined {
  const text = options.text(option)
  if (text === undefined) return undefined
  const found = text.split(',').map((name) => name.trim())
  if (found.includes('') && text !== '') throw new UsageError(`--${option} takes column names with commas between them`)
  return text === '' ? [] : found
}
