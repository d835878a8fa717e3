/** A throw-away warehouse on local disk, and the place of its tables' current metadata. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface Warehouse {
  readonly folder: string
  /** `file:///…` */
  readonly location: string
  remove(): void
}

export function makeWarehouse(): Warehouse {
  const folder = mkdtempSync(join(tmpdir(), 'floe-interop-'))
  return { folder, location: pathToFileURL(folder).href, remove: () => { rmSync(folder, { recursive: true, force: true }) } }
}

/** Location of the newest `v<N>.metadata.json` of `namespace.name`, found as a file-system catalog finds it. */
export function currentMetadata(warehouse: Warehouse, namespace: string, name: string): string {
  const folder = join(warehouse.folder, namespace, name, 'metadata')
  const versions = readdirSync(folder).flatMap((file) => {
    const match = /^v(\d+)(?:\.gz)?\.metadata\.json(?:\.gz)?$/.exec(file)
    return match === null ? [] : [{ file, version: Number(match[1]) }]
  })
  const newest = versions.sort((a, b) => b.version - a.version)[0]
  if (newest === undefined) throw new Error(`no metadata in ${folder}`)
  return pathToFileURL(join(folder, newest.file)).href
}

/** Data files of a table, Parquet only, in code-point order. */
export function dataFiles(warehouse: Warehouse, namespace: string, name: string): readonly string[] {
  const folder = join(warehouse.folder, namespace, name, 'data')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.parquet')).sort().map((file) => join(folder, file))
}
