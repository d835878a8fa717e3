import { defineConfig } from 'vitest/config'
import { ClosingReporter } from './scripts/closing-reporter.js'

/** One worker without isolation: the files share one Spark, which takes longer to start than any of them to run. */
export default defineConfig({
  test: {
    include: ['test/interop/*.interop.ts'],
    pool: 'forks',
    maxWorkers: 1,
    isolate: false,
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 20_000,
    reporters: [process.env['CI'] === 'true' ? 'dot' : 'default', new ClosingReporter()],
  },
})
