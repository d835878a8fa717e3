import { defineConfig } from 'vitest/config'
import { ClosingReporter } from './scripts/closing-reporter.js'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: [process.env['CI'] === 'true' ? 'dot' : 'default', new ClosingReporter()],
    restoreMocks: true,
  },
})
