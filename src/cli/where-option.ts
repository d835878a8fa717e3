import type { Expression } from '../expression/expression.js'
import { parseWhere } from '../expression/parse-where.js'
import { FloeError } from '../util/errors.js'
import type { CommandOptions } from './command-options.js'
import { UsageError } from './usage-error.js'

/** The filter that `--where` gives, if it is given. @throws UsageError for a text that is no filter */
export function whereOption(options: CommandOptions): Expression | undefined {
  const text = options.text('where')
  return text === undefined ? undefined : parseFilter(text, 'where')
}

/** The filter that an option gives. @throws UsageError for a text that is no filter */
export function parseFilter(text: string, option: string): Expression {
  try {
    return parseWhere(text)
  } catch (error) {
    throw error instanceof FloeError ? new UsageError(`--${option} ${JSON.stringify(text)}: ${error.message}`) : error
  }
}
