import type { TableMetadata } from '../../metadata/table-metadata.js'

/** What this package leaves behind when it dies while it writes to a local disk. */
const TEMPORARY = /^\.floe-[^/]+\.tmp$/

/**
 * Whether a path inside a table's folder is none of the table's: engines and people keep their own things under names that begin
 * with a dot or an underscore. Folders of partitions may be named so.
 * Source: `FileSystemWalker`, `PartitionAwareHiddenPathFilter`
 */
export function hiddenPathTest(metadata: TableMetadata): (path: string) => boolean {
  const names = metadata.partitionSpecs.flatMap(({ fields }) => fields.map(({ name }) => `${name}=`)).filter(startsHidden)
  const isHidden = (segment: string): boolean => startsHidden(segment) && !names.some((name) => segment.startsWith(name))
  return (path) => {
    const segments = path.split('/')
    const file = segments.pop()!
    return segments.some(isHidden) || (isHidden(file) && !TEMPORARY.test(file))
  }
}

function startsHidden(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_')
}
