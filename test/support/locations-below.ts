import type { FileIO } from '../../src/io/file-io.js'

/** The locations of all objects below a prefix, in the order of the listing. */
export async function locationsBelow(io: FileIO, prefix: string): Promise<string[]> {
  const found: string[] = []
  for await (const { location } of io.list(prefix)) found.push(location)
  return found
}
