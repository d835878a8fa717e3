import { CHANGE_OPTIONS, runChange } from './change-options.js'
import { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { INPUT_OPTIONS, inputLocations, rowsOfFiles, withInputFiles } from './input-options.js'
import { withTable } from './open-target.js'
import { UsageError } from './usage-error.js'

/** `floe upsert`: replaces the rows that have the keys of new ones, and inserts the others. */
export async function upsertVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    ...INPUT_OPTIONS,
    ...CHANGE_OPTIONS,
    key: { type: 'string', multiple: true },
    'skip-unchanged': { type: 'boolean' },
    'spill-directory': { type: 'string' },
  })
  const keys = readKeys(options)
  const locations = inputLocations(options, 'upsert')
  await withTable(options, 'change', async (table) => {
    await withInputFiles(locations, options, environment, async (files) => {
      const skipUnchanged = options.flag('skip-unchanged')
      const spillDirectory = options.text('spill-directory')
      await runChange(table, options, environment, {
        done: 'Upserted into',
        run: (asked) => table.upsert(rowsOfFiles(files), keys, { ...asked, parseText: true, skipUnchanged, spillDirectory }),
      })
    })
  })
}

/** `--key a,b` and `--key a --key b` alike; undefined for the identifier fields of the table. */
function readKeys(options: CommandOptions): readonly string[] | undefined {
  const texts = options.texts('key')
  const keys = texts.flatMap((text) => text.split(',')).map((name) => name.trim())
  if (keys.includes('')) throw new UsageError('--key takes column names: --key id, or --key region,id')
  return keys.length === 0 ? undefined : keys
}
