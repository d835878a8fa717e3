import { FloeError, isFloeError } from '../../util/errors.js'
import { isMembers, parseJson } from '../../util/json.js'
import type { JsonMembers } from '../../util/json.js'
import type { InputContext, InputFile } from './input-file.js'
import { InputText } from './input-text.js'
import { SchemaSample } from './schema-sample.js'

/** A longer line is refused rather than collected. */
const MAX_LINE_LENGTH = 64 * 2 ** 20

/**
 * Opens a file of one JSON object a line: plain JSON, or the canonical row form that `floe scan --format jsonl` prints.
 * Integers keep all their digits. Empty lines are skipped.
 */
export function openJsonLines(location: string, context: InputContext): InputFile {
  const text = new InputText(location, context)
  return {
    location,
    format: 'jsonl',
    rowCount: undefined,
    async schema() {
      const { text: head, isWhole } = await text.sample()
      const end = isWhole ? head.length : head.lastIndexOf('\n') + 1
      const sample = new SchemaSample(location, false)
      let line = 0
      for (const row of head.slice(0, end).split('\n')) {
        line++
        if (row.trim() !== '') sample.addJson(parseLine(row, line, location))
      }
      return sample.finish()
    },
    rows: () => jsonRows(text),
    close: () => text.close(),
  }
}

async function* jsonRows(text: InputText): AsyncGenerator<JsonMembers, void, undefined> {
  let rest: string[] = []
  let restLength = 0
  let line = 0
  for await (const chunk of text.chunks()) {
    let start = 0
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      const row = restLength === 0 ? chunk.slice(start, end) : [...rest, chunk.slice(start, end)].join('')
      rest = []
      restLength = 0
      start = end + 1
      line++
      if (row.trim() !== '') yield parseLine(row, line, text.location)
    }
    if (start === chunk.length) continue
    rest.push(chunk.slice(start))
    restLength += chunk.length - start
    if (restLength > MAX_LINE_LENGTH) throw new FloeError('INVALID', `Line ${line + 1} is longer than ${MAX_LINE_LENGTH} characters`, { file: text.location })
  }
  const last = rest.join('')
  if (last.trim() !== '') yield parseLine(last, line + 1, text.location)
}

function parseLine(text: string, line: number, location: string): JsonMembers {
  try {
    const value = parseJson(text)
    if (isMembers(value)) return value
  } catch (error) {
    if (!isFloeError(error)) throw error
    throw new FloeError('INVALID', `Line ${line}: ${error.message}`, { file: location, cause: error })
  }
  throw new FloeError('INVALID', `Line ${line} holds no JSON object: one row a line is expected`, { file: location })
}
