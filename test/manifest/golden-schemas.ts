/** The Avro schemas in the manifests and lists that the reference engines wrote. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { metadataText, readContainer } from '../../src/avro/container.js'
import { goldenFolder } from '../golden/golden-tables.js'

/** Distinct schema texts of a format version, of files whose names `isWanted`. */
export function goldenSchemas(formatVersion: number, isWanted: (name: string) => boolean): Set<string> {
  const texts = new Set<string>()
  for (const path of readdirSync(join(goldenFolder, 'tables'), { recursive: true, encoding: 'utf8' })) {
    const [folder, name] = path.split('/').slice(-2) as [string, string]
    if (folder !== 'metadata' || !name.endsWith('.avro') || !isWanted(name)) continue
    const container = readContainer(readFileSync(join(goldenFolder, 'tables', path)))
    if (metadataText(container, 'format-version') === String(formatVersion)) texts.add(container.schemaText)
  }
  return texts
}
