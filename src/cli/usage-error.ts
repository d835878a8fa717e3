import { FloeError } from '../util/errors.js'

/** The command line itself is wrong: exit code 2. */
export class UsageError extends FloeError {
  constructor(message: string) {
    super('INVALID', message)
  }
}
