import { systemRuntime, type Runtime } from '../../src/util/runtime.js'

/** Waits for nothing, so that retries are instant. */
export const hastyRuntime: Runtime = { ...systemRuntime, sleep: () => Promise.resolve() }
