import { build } from 'esbuild'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** What is loaded with an output file: not what it imports later, when it is needed. */
function loadedWith(outputs: Awaited<ReturnType<typeof bundle>>, entry: string): Set<string> {
  const loaded = new Set<string>()
  const pending = [entry]
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (loaded.has(file)) continue
    loaded.add(file)
    for (const imported of outputs[file]?.imports ?? []) if (imported.kind === 'import-statement') pending.push(imported.path)
  }
  return loaded
}

async function bundle() {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/index.ts'],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    outdir: 'dist',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  return metafile.outputs
}

describe('starting up', () => {
  it('importing the library loads none of its dependencies, which are many megabytes', async () => {
    const loaded = [...loadedWith(await bundle(), 'dist/index.js')]
    expect(loaded.filter((file) => !file.startsWith('dist/') && !file.startsWith('node:') && file !== 'module')).toEqual([])
    expect(loaded.length).toBeGreaterThan(5)
  })
})
