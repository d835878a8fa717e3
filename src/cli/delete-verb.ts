import { CHANGE_OPTIONS, FILTER_OPTIONS, filterOption, runChange } from './change-options.js'
import { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { withTable } from './open-target.js'

/** `floe delete`: deletes the rows that a filter selects. */
export async function deleteVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, { ...CHANGE_OPTIONS, ...FILTER_OPTIONS })
  options.refuseSecondTable()
  const filter = filterOption(options, 'delete')
  await withTable(options, 'change', async (table) => {
    await runChange(table, options, environment, { done: 'Changed', run: (asked) => table.delete(filter, asked) })
  })
}
