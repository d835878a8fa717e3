/** Walking local folders in the order in which an object store lists keys. */
import { readdir, stat } from 'node:fs/promises'
import type { BigIntStats, Dirent } from 'node:fs'
import { compareUtf8 } from '../util/utf8.js'
import { throwIfAborted } from './aborted.js'
import { mapParallel } from './bounded-parallel.js'
import type { FolderEntry, ObjectStatus } from './file-io.js'
import { localError, systemCode } from './local-error.js'
import { asFolder } from './location.js'

const STAT_PARALLEL = 16

interface Child {
  readonly name: string
  readonly isFolder: boolean
}

/** Files of `path` and the folders below, in code-point order of their locations. A missing folder is empty. */
export async function* walkFiles(path: string, location: string, signal: AbortSignal | undefined): AsyncGenerator<ObjectStatus> {
  const children = await readChildren(path, location, signal)
  for (let i = 0; i < children.length; ) {
    const child = children[i]!
    if (child.isFolder) {
      yield* walkFiles(asFolder(path) + child.name, asFolder(location) + child.name, signal)
      i++
      continue
    }
    let end = i
    while (end < children.length && end - i < STAT_PARALLEL && !children[end]!.isFolder) end++
    for (const status of await statAll(path, location, children.slice(i, end))) if (status !== undefined) yield status
    i = end
  }
}

/** What lies directly in `path`; symbolic links to folders count as folders here. */
export async function* walkFolder(path: string, location: string, signal: AbortSignal | undefined): AsyncGenerator<FolderEntry> {
  const children = await readChildren(path, location, signal, true)
  children.sort((a, b) => compareUtf8(a.name, b.name))
  for (const child of children) {
    const place = asFolder(location) + child.name
    if (child.isFolder) yield { location: place, status: undefined }
    else for (const status of await statAll(path, location, [child])) if (status !== undefined) yield { location: place, status }
  }
}

/** The status of a file as of `stats`; the etag changes with every replacement and every write. */
export function localStatus(location: string, stats: BigIntStats): ObjectStatus {
  const etag = `"${stats.dev}-${stats.ino}-${stats.size}-${stats.mtimeNs}"`
  return { location, sizeBytes: Number(stats.size), lastModifiedMs: Number(stats.mtimeMs), etag }
}

async function statAll(path: string, location: string, files: readonly Child[]): Promise<(ObjectStatus | undefined)[]> {
  return mapParallel(files, STAT_PARALLEL, async ({ name }) => {
    try {
      const stats = await stat(asFolder(path) + name, { bigint: true })
      return stats.isFile() ? localStatus(asFolder(location) + name, stats) : undefined
    } catch (error) {
      // Removed since the folder was read, or a link that leads nowhere.
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ELOOP') return undefined
      throw localError(error, 'look at the file', asFolder(location) + name)
    }
  })
}

async function readChildren(path: string, location: string, signal: AbortSignal | undefined, followLinks = false): Promise<Child[]> {
  throwIfAborted(signal)
  let entries: Dirent[]
  try {
    entries = await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return []
    throw localError(error, 'list the folder', location)
  }
  const children: Child[] = []
  for (const entry of entries) {
    // Links to folders are not walked: they may lead in circles, or out of the table.
    const linked = entry.isSymbolicLink() && (await isFolder(asFolder(path) + entry.name))
    if (linked && !followLinks) continue
    children.push({ name: entry.name, isFolder: linked || entry.isDirectory() })
  }
  // A folder sorts as its content does, with the slash that ends its name.
  return children.sort((a, b) => compareUtf8(sortKey(a), sortKey(b)))
}

function sortKey(child: Child): string {
  return child.isFolder ? `${child.name}/` : child.name
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
