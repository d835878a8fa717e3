import { FloeError } from '../../util/errors.js'
import { CsvParser } from './csv-records.js'
import type { CsvRecord } from './csv-records.js'
import type { InputContext, InputFile } from './input-file.js'
import { InputText } from './input-text.js'
import { SchemaSample } from './schema-sample.js'

/** Opens a CSV file whose first record names the columns. An empty field is null, a quoted empty one the empty string. */
export function openCsvFile(location: string, context: InputContext): InputFile {
  const text = new InputText(location, context)
  const { delimiter } = context.options
  return {
    location,
    format: 'csv',
    rowCount: undefined,
    async schema() {
      const { text: head, isWhole } = await text.sample()
      const parser = new CsvParser({ delimiter })
      const records = [...parser.push(head), ...(isWhole ? parser.finish() : [])]
      const rows = new CsvRows(location)
      const sample = new SchemaSample(location, true)
      for (const record of records) {
        const row = rows.row(record)
        if (row === undefined) sample.nameColumns(rows.names)
        else sample.addText(row)
      }
      return sample.finish()
    },
    rows: () => csvRows(text, delimiter),
    close: () => text.close(),
  }
}

async function* csvRows(text: InputText, delimiter: string | undefined): AsyncGenerator<object, void, undefined> {
  const parser = new CsvParser({ delimiter })
  const rows = new CsvRows(text.location)
  for await (const chunk of text.chunks()) {
    for (const record of parser.push(chunk)) {
      const row = rows.row(record)
      if (row !== undefined) yield row
    }
  }
  for (const record of parser.finish()) {
    const row = rows.row(record)
    if (row !== undefined) yield row
  }
}

/** Makes objects of records, the first of which is the header. */
class CsvRows {
  names: readonly string[] = []
  readonly #location: string
  #count = 0

  constructor(location: string) {
    this.#location = location
  }

  /** Undefined for the header. */
  row(record: CsvRecord): Record<string, string | null> | undefined {
    this.#count++
    if (this.#count === 1) {
      this.names = this.#header(record)
      return undefined
    }
    const { names } = this
    if (record.length !== names.length) {
      throw this.#problem(`Record ${this.#count} has ${record.length} fields where the header names ${names.length} columns`)
    }
    const row: Record<string, string | null> = {}
    for (let i = 0; i < names.length; i++) {
      // Defined, not assigned: a column may be called `__proto__`.
      if (names[i] === '__proto__') Object.defineProperty(row, names[i]!, { value: record[i], enumerable: true, configurable: true, writable: true })
      else row[names[i]!] = record[i]!
    }
    return row
  }

  #header(record: CsvRecord): readonly string[] {
    const names = record.map((name, index) => {
      if (name === null || name === '') throw this.#problem(`Column ${index + 1} has no name: the first record must be a header`)
      return name
    })
    const doubled = names.find((name, index) => names.indexOf(name) !== index)
    if (doubled !== undefined) throw this.#problem(`Two columns are named ${JSON.stringify(doubled)}`)
    return names
  }

  #problem(message: string): FloeError {
    return new FloeError('INVALID', message, { file: this.#location })
  }
}
