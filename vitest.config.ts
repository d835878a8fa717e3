import { defineConfig } from 'vitest/config'
import { ClosingReporter } from './scripts/closing-reporter.js'

const ALONE = 'test/**/*.isolated.test.ts'
const limits = { pool: 'forks', testTimeout: 30_000, hookTimeout: 60_000, restoreMocks: true } as const

export default defineConfig({
  test: {
    maxWorkers: '100%',
    reporters: [process.env['CI'] === 'true' ? 'dot' : 'default', new ClosingReporter()],
    projects: [
      // One process runs many files, so that modules are loaded, and compiled by the engine, once: three times as fast.
      { test: { ...limits, name: 'shared', include: ['test/**/*.test.ts'], exclude: ['test/interop/**', ALONE], isolate: false } },
      // Files that change what the whole process has, as frozen prototypes are, have one for themselves.
      { test: { ...limits, name: 'isolated', include: [ALONE], isolate: true } },
    ],
  },
})
