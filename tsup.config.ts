import { existsSync } from 'node:fs'
import { defineConfig } from 'tsup'

const worker = 'src/parquet/parquet-worker.ts'
const commandLine = 'src/cli/main.ts'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    testing: 'src/testing/main.ts',
    ...(existsSync(commandLine) ? { cli: commandLine } : {}),
    ...(existsSync(worker) ? { 'parquet-worker': worker } : {}),
  },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: { entry: { index: 'src/index.ts', testing: 'src/testing/main.ts' } },
  splitting: true,
  sourcemap: true,
  clean: true,
  silent: true,
  treeshake: true,
  // Installed next to this package, never copied into it.
  skipNodeModulesBundle: true,
})
