import { openCatalog } from '../table/open-catalog.js'
import { FloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import { absolutePlace, CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { catalogNamed, storeOptions } from './open-target.js'

/** `floe doctor`: tries the store of a warehouse, and tells what it keeps and what it does not. */
export async function doctorVerb(args: readonly string[], { stdout }: Environment): Promise<void> {
  const options = new CommandOptions(args, {})
  const uri = catalogNamed(options, 'try')
  const catalog = await openCatalog(absolutePlace(uri), storeOptions(options))
  try {
    const { properties, isSafe, location } = await catalog.verifyStore()
    if (options.flag('json')) await stdout.line(printJson(jsonOf({ location, safe: isSafe, properties })))
    else {
      for (const { name, holds, isRequired, detail } of properties) {
        const mark = holds === undefined ? '  –' : holds ? ' ok' : isRequired ? 'BAD' : 'odd'
        await stdout.line(`${mark}  ${name}: ${detail}`)
      }
      if (isSafe) await stdout.line(`Commits to ${uri} are safe.`)
    }
    if (isSafe) return
    const lacking = properties.filter(({ isRequired, holds }) => isRequired && holds === false).map(({ name }) => name)
    const advice = 'keep the tables in another store, or let one process alone write to this one'
    throw new FloeError('UNSUPPORTED', `Commits to this store could be lost, as it does not keep ${lacking.join(', ')}: ${advice}`, { file: location })
  } finally {
    await catalog.close()
  }
}
