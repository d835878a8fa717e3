import { layoutPage } from '../maintenance/layout/layout-page.js'
import type { TableLayout } from '../maintenance/layout/layout-types.js'
import { printJson } from '../util/json.js'
import type { JsonValue } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { OutputFile } from './output-file.js'
import { snapshotId } from './scan-options.js'
import { UsageError } from './usage-error.js'

const LAYOUT_OPTIONS = { output: { type: 'string', short: 'o' }, ref: { type: 'string' }, snapshot: { type: 'string' } } as const

/** `floe layout`: draws how a table lies in its files. */
export async function layoutVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, LAYOUT_OPTIONS)
  options.refuseSecondTable()
  const [ref, snapshot] = [options.text('ref'), options.text('snapshot')]
  if (ref !== undefined && snapshot !== undefined) throw new UsageError('At most one of --ref and --snapshot can be given')
  await withTable(options, 'read', async (table) => {
    const at = snapshot === undefined ? { ref } : { snapshotId: snapshotId(snapshot) }
    const layout = await table.layout({ ...at, signal: environment.signal })
    const text = options.flag('json') ? `${printJson(snakeCase(jsonOf(layout)))}\n` : layoutPage(layout)
    await print(text, options.text('output'), layout, environment)
  })
}

async function print(text: string, place: string | undefined, layout: TableLayout, { stdout, stderr }: Environment): Promise<void> {
  if (place === undefined) {
    await stdout.write(text)
    return
  }
  await (await OutputFile.at(place)).fill((file) => file.output().write(text))
  if (stdout.isTerminal) for (const { title, why } of layout.advice) await stderr.line(`${title}. ${why}`)
}

/** Members named as in metadata tables. */
function snakeCase(json: JsonValue): JsonValue {
  if (Array.isArray(json)) return json.map((item: JsonValue) => snakeCase(item))
  if (!(json instanceof Map)) return json
  return new Map([...(json as Map<string, JsonValue>)].map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), snakeCase(value)]))
}
