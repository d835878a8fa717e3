import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ENGINE_NAME, ENGINE_VERSION } from '../../src/commit/engine.js'

it('snapshots name the package and its version', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { name: string; version: string }
  expect({ name: ENGINE_NAME, version: ENGINE_VERSION }).toEqual({ name: manifest.name, version: manifest.version })
})
