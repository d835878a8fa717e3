import type { Assignment, RowAssignments } from '../dml/assignments.js'
import { parseJson, type JsonValue } from '../util/json.js'
import { CHANGE_OPTIONS, FILTER_OPTIONS, filterOption, runChange } from './change-options.js'
import { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { withTable } from './open-target.js'
import { UsageError } from './usage-error.js'

/** `floe update`: sets columns of the rows that a filter selects. */
export async function updateVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, { ...CHANGE_OPTIONS, ...FILTER_OPTIONS, set: { type: 'string', multiple: true } })
  options.refuseSecondTable()
  const filter = filterOption(options, 'update')
  const assignments = readAssignments(options)
  await withTable(options, 'change', async (table) => {
    await runChange(table, options, environment, {
      done: 'Changed',
      run: (asked) => table.update(filter, assignments, { ...asked, parseText: true }),
    })
  })
}

function readAssignments(options: CommandOptions): RowAssignments {
  const assignments = new Map<string, Assignment>()
  for (const text of options.texts('set')) {
    const cut = text.indexOf('=')
    const column = text.slice(0, Math.max(cut, 0)).trim()
    if (column === '') throw new UsageError(`--set takes COLUMN=VALUE, not ${JSON.stringify(text)}`)
    if (assignments.has(column)) throw new UsageError(`--set sets ${column} twice`)
    assignments.set(column, readValue(text.slice(cut + 1).trim()))
  }
  if (assignments.size === 0) throw new UsageError('Say what to set: --set COLUMN=VALUE')
  return Object.fromEntries(assignments)
}

/** `null`; a text in single quotes, where two stand for one; JSON for lists, maps and structs; else a text in the column's own form. */
function readValue(text: string): Assignment {
  if (text.toLowerCase() === 'null') return null
  if (text.length >= 2 && text.startsWith("'") && text.endsWith("'")) return text.slice(1, -1).replaceAll("''", "'")
  return text.startsWith('[') || text.startsWith('{') ? (readJson(text) as Assignment) : text
}

function readJson(text: string): JsonValue {
  try {
    return parseJson(text)
  } catch (error) {
    throw new UsageError(`--set was given JSON that does not parse: ${(error as Error).message}`)
  }
}
