import { CHANGE_OPTIONS, FILTER_OPTIONS, filterOption, runChange } from './change-options.js'
import { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { openTarget } from './open-target.js'

/** `floe delete`: deletes the rows that a filter selects. */
export async function deleteVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, { ...CHANGE_OPTIONS, ...FILTER_OPTIONS })
  const filter = filterOption(options, 'delete')
  const target = await openTarget(options, 'change')
  try {
    const table = target.table!
    await runChange(table, options, environment, { done: 'Changed', run: (asked) => table.delete(filter, asked) })
  } finally {
    await target.close()
  }
}
