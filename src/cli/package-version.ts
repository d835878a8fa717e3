import { existsSync, readFileSync } from 'node:fs'

/** The version in the package's own manifest, which lies above both `dist/` and `src/cli/`. */
export function packageVersion(): string {
  const manifest = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url))
  if (manifest === undefined) return 'unknown'
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }
  return version
}
