import { FloeError } from '../../util/errors.js'
import { isSecretName } from '../rest/storage-access.js'

/** Who provides credentials, and where: known to everybody. */
const PLACE_NAMES = /-(?:provider|endpoint|uri)$/
const SWITCH = /^(?:true|false)?$/i

/** Throws `INVALID`, naming the property and not its value, for one that would hand a secret to every client. */
export function checkClientProperties(properties: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value !== 'string') throw new FloeError('INVALID', `The client property ${JSON.stringify(name)} must be a text, not a value of type ${typeof value}`)
    if (!isSecretName(name) || PLACE_NAMES.test(name) || SWITCH.test(value)) continue
    throw new FloeError('INVALID', `${JSON.stringify(name)} is no property for clients: everybody who may ask gets them, and credentials are never handed out`)
  }
}
