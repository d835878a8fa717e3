import { alwaysTrue } from '../expression/predicates.js'
import { CHANGE_OPTIONS, runChange } from './change-options.js'
import { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { INPUT_OPTIONS, inputLocations, rowsOfFiles, withInputFiles } from './input-options.js'
import { withTable } from './open-target.js'
import { UsageError } from './usage-error.js'
import { whereOption } from './where-option.js'

/** `floe overwrite`: replaces all rows, those that a filter selects, or the partitions of the new rows. */
export async function overwriteVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    ...INPUT_OPTIONS,
    ...CHANGE_OPTIONS,
    where: { type: 'string' },
    partitions: { type: 'boolean' },
    'require-match': { type: 'boolean' },
  })
  const where = whereOption(options)
  const isDynamic = options.flag('partitions')
  if (isDynamic && where !== undefined) throw new UsageError('--partitions replaces whole partitions: leave out --where')
  const locations = inputLocations(options, 'overwrite with')
  await withTable(options, 'change', async (table) => {
    await withInputFiles(locations, options, environment, async (files) => {
      const rows = rowsOfFiles(files)
      const requireMatch = options.flag('require-match')
      await runChange(table, options, environment, {
        done: 'Overwrote',
        run: (asked) =>
          isDynamic
            ? table.overwritePartitions(rows, { ...asked, parseText: true })
            : table.overwrite(rows, where ?? alwaysTrue(), { ...asked, parseText: true, requireMatch }),
      })
    })
  })
}
