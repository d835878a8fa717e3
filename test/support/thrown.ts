import { FloeError } from '../../src/util/errors.js'
import type { FloeErrorCode } from '../../src/util/errors.js'

/** The FloeError that `action` throws; fails the test when it throws another error or none. */
export function thrownBy(action: () => unknown): FloeError {
  let result: unknown
  try {
    result = action()
  } catch (error) {
    if (error instanceof FloeError) return error
    throw error
  }
  throw new Error(`nothing was thrown; the result is ${String(result)}`)
}

/** The code of the FloeError that `action` throws. */
export function codeThrownBy(action: () => unknown): FloeErrorCode {
  return thrownBy(action).code
}
