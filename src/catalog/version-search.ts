/** Finding the current version of a path-based table. The hint is a hint: absent, stale, ahead or garbage, the answer is the same. */
import type { FileIO, ObjectStatus } from '../io/file-io.js'
import { joinLocation } from '../io/location.js'
import { isFloeError } from '../util/errors.js'
import { candidateNames, MAX_VERSION, preferred, VERSION_HINT_NAME, versionOf } from './version-file.js'
import type { VersionFile } from './version-file.js'

/** Steps forward from a stale starting point before the folder is listed instead. */
const MAX_STEPS = 8
/** A hint is a number on one line; of anything longer, the end is as good a hint as the beginning. */
const HINT_BYTES = 32

/**
 * The highest version in the `metadata` folder; it may be retired or a drop marker. `known` is what the caller last saw,
 * which spares the hint.
 */
export async function findLatestVersion(io: FileIO, folder: string, known?: VersionFile): Promise<VersionFile | undefined> {
  return (await searchFrom(io, folder, known)) ?? listLatestVersion(io, folder)
}

/** Searches forward from the known version, then from the hint; `undefined` when only a listing can tell. */
async function searchFrom(io: FileIO, folder: string, known: VersionFile | undefined): Promise<VersionFile | undefined> {
  if (known !== undefined) {
    const [still, next] = await Promise.all([io.head(known.status.location), probeVersion(io, folder, known.version + 1)])
    if (still !== undefined && isSameObject(still, known.status)) return next === undefined ? known : walkForward(io, folder, next)
  }
  const hint = await readHint(io, folder)
  const hinted = hint === undefined ? undefined : await probeVersion(io, folder, hint)
  return hinted === undefined ? undefined : walkForward(io, folder, hinted)
}

async function walkForward(io: FileIO, folder: string, start: VersionFile): Promise<VersionFile | undefined> {
  let latest = start
  for (let step = 0; step < MAX_STEPS; step++) {
    const next = await probeVersion(io, folder, latest.version + 1)
    if (next === undefined) return latest
    latest = next
  }
  return undefined
}

/** The file of a version under whichever name it has. */
export async function probeVersion(io: FileIO, folder: string, version: number): Promise<VersionFile | undefined> {
  if (version > MAX_VERSION) return undefined
  const found = await Promise.all(candidateNames(version).map((name) => io.head(joinLocation(folder, name))))
  const status = found.find((candidate) => candidate !== undefined)
  return status === undefined ? undefined : { version, status }
}

/** All version files of the folder, in no particular order. */
export async function listVersions(io: FileIO, folder: string): Promise<VersionFile[]> {
  const versions: VersionFile[] = []
  for await (const status of filesOf(io, folder)) {
    const version = versionOf(status.location)
    if (version !== undefined) versions.push({ version, status })
  }
  return versions
}

/** {@link findLatestVersion} by listing alone, which no gap of removed versions can stop. */
export async function listLatestVersion(io: FileIO, folder: string): Promise<VersionFile | undefined> {
  let highest: VersionFile | undefined
  for (const file of await listVersions(io, folder)) {
    if (highest === undefined || file.version > highest.version) highest = file
    else if (file.version === highest.version) highest = preferred(highest, file)
  }
  if (highest === undefined) return undefined
  // A listing may lag behind, or be older than a commit that was made while it was read.
  return walkOn(io, folder, highest)
}

async function walkOn(io: FileIO, folder: string, from: VersionFile): Promise<VersionFile> {
  for (let latest = from; ; ) {
    const next = await probeVersion(io, folder, latest.version + 1)
    if (next === undefined) return latest
    latest = next
  }
}

/** The files directly in a folder. */
export async function* filesOf(io: FileIO, folder: string): AsyncGenerator<ObjectStatus> {
  if (io.listFolder === undefined) {
    const start = folder.length + 1
    for await (const status of io.list(folder)) if (!status.location.includes('/', start)) yield status
    return
  }
  for await (const entry of io.listFolder(folder)) if (entry.status !== undefined) yield entry.status
}

async function readHint(io: FileIO, folder: string): Promise<number | undefined> {
  try {
    const bytes = await io.read(joinLocation(folder, VERSION_HINT_NAME), { range: { offset: -HINT_BYTES, length: HINT_BYTES } })
    const digits = /^\s*(\d{1,10})\s*$/.exec(Buffer.from(bytes).toString('latin1'))?.[1]
    const version = digits === undefined ? undefined : Number(digits)
    return version !== undefined && version <= MAX_VERSION ? version : undefined
  } catch (error) {
    // A hint that cannot be read is no hint; a store that cannot be reached will say so again.
    if (isFloeError(error, 'NOT_FOUND', 'CORRUPT')) return undefined
    throw error
  }
}

/** Whether a location still holds what was seen there: versions are immutable, but a dropped table's name may be used again. */
export function isSameObject(now: ObjectStatus, seen: ObjectStatus): boolean {
  if (now.sizeBytes !== seen.sizeBytes) return false
  return now.etag === undefined || seen.etag === undefined ? now.lastModifiedMs === seen.lastModifiedMs : now.etag === seen.etag
}
