import { assignFreshFieldIds } from '../../schema/fresh-ids.js'
import { Schema } from '../../schema/schema.js'
import { FloeError } from '../../util/errors.js'
import type { JsonMembers } from '../../util/json.js'
import { fieldsOfGuesses, guessJson, guessText, joinGuesses, NO_GUESS } from './guessed-type.js'
import type { GuessedType, GuessRules } from './guessed-type.js'
import type { FileSchema } from './input-file.js'

/**
 * Guesses a schema from rows. All columns are optional; integers are `long`, other numbers `double`; ISO 8601 text is `date`,
 * `timestamp` or `timestamptz`; what is null throughout is `string`.
 */
export class SchemaSample {
  readonly #location: string
  readonly #rules: GuessRules
  readonly #columns = new Map<string, GuessedType>()
  #rows = 0

  /** `isText`: every value of the format is text, as in CSV. */
  constructor(location: string, isText: boolean) {
    this.#location = location
    this.#rules = { isText, refuse: (path, earlier, later) => this.#refuse(path, earlier, later) }
  }

  /** Columns that exist even if no row has a value. */
  nameColumns(names: readonly string[]): void {
    for (const name of names) if (!this.#columns.has(name)) this.#columns.set(name, NO_GUESS)
  }

  addJson(row: JsonMembers): void {
    this.#rows++
    for (const [name, value] of Object.entries(row)) this.#learn(name, guessJson(value ?? null, name, this.#rules))
  }

  /** A row whose every value is text. */
  addText(row: Readonly<Record<string, string | null>>): void {
    this.#rows++
    for (const [name, value] of Object.entries(row)) this.#learn(name, guessText(value))
  }

  /** @throws FloeError `INVALID` when there was nothing to learn from */
  finish(): FileSchema {
    if (this.#columns.size === 0) {
      throw new FloeError('INVALID', 'There are no rows to infer a schema from: create the table first', { file: this.#location })
    }
    let lastId = 0
    const fields = assignFreshFieldIds(fieldsOfGuesses(this.#columns), () => ++lastId)
    return { schema: new Schema(fields), basis: 'sampled', sampledRows: this.#rows }
  }

  #learn(name: string, guess: GuessedType): void {
    this.#columns.set(name, joinGuesses(this.#columns.get(name) ?? NO_GUESS, guess, name, this.#rules))
  }

  #refuse(path: string, earlier: string, later: string): never {
    const problem = `Row ${this.#rows} has a ${later} where rows before it have a ${earlier}: create the table with the type you want first`
    throw new FloeError('INVALID', problem, { file: this.#location, column: path })
  }
}
