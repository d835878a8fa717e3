/** Where new data files go. Source: `LocationProviders`, `ObjectStoreLocationProvider` */
import { murmur3 } from '../partition/murmur3.js'
import { FloeError } from '../util/errors.js'
import { joinLocation, stripTrailingSlash } from './location.js'
import type { TablePlacement } from './metadata-location.js'
import { readBoolean, readText, tableProperties } from './table-properties.js'

export interface LocationProvider {
  /** The location of a new data file. `partitionPath` is the Hive-style path of its partition, empty when it has none. */
  dataLocation(fileName: string, partitionPath?: string): string
}

const ENTROPY_BITS = 20
const ENTROPY_FOLDER_BITS = 4
const ENTROPY_FOLDERS = 3

/** Throws `INVALID` for deprecated or empty location properties, and `UNSUPPORTED` for a custom provider. */
export function locationProvider(table: TablePlacement): LocationProvider {
  const { location, properties } = table
  if (properties.has('write.location-provider.impl')) {
    throw new FloeError('UNSUPPORTED', 'write.location-provider.impl names a Java class: remove the property to write with floe')
  }
  for (const name of ['write.object-storage.path', 'write.folder-storage.path']) {
    if (properties.has(name)) throw new FloeError('INVALID', `the property ${name} is deprecated: set write.data.path instead`)
  }
  const dataFolder = readDataFolder(table)
  if (!readBoolean(properties, tableProperties.objectStorageEnabled)) {
    return { dataLocation: (fileName, partitionPath = '') => joinLocation(dataFolder, joinPartition(partitionPath, fileName)) }
  }
  // A folder outside of the table may be shared by many: the table's own name keeps them apart.
  const context = dataFolder.startsWith(stripTrailingSlash(location)) ? undefined : pathContext(location)
  const withPartitions = readBoolean(properties, tableProperties.objectStoragePartitionedPaths)
  return {
    dataLocation: (fileName, partitionPath = '') => {
      const name = withPartitions ? joinPartition(partitionPath, fileName) : fileName
      const entropy = entropyFolders(name)
      if (context !== undefined) return `${dataFolder}/${entropy}/${context}/${name}`
      return withPartitions ? `${dataFolder}/${entropy}/${name}` : `${dataFolder}/${entropy}-${name}`
    },
  }
}

/** The folder under which data files are written. */
export function readDataFolder(table: TablePlacement): string {
  const path = readText(table.properties, tableProperties.dataPath)
  if (path === undefined) return joinLocation(stripTrailingSlash(table.location), 'data')
  if (path.trim() === '') throw new FloeError('INVALID', 'table property write.data.path is empty: set or remove it')
  return stripTrailingSlash(path)
}

function joinPartition(partitionPath: string, fileName: string): string {
  return partitionPath === '' ? fileName : `${partitionPath}/${fileName}`
}

/** The last two parts of the table's path. */
function pathContext(location: string): string {
  const path = stripTrailingSlash(location).replace(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/]*/, '')
  const parts = path.split('/').filter((part) => part !== '')
  return parts.slice(-2).join('/')
}

/** `0101/0110/1001/10110010` for a name: spreads files over the prefixes of an object store. */
function entropyFolders(name: string): string {
  const hash = murmur3(new TextEncoder().encode(name)) >>> 0
  const bits = hash.toString(2).padStart(32, '0').slice(-ENTROPY_BITS)
  const folders: string[] = []
  for (let i = 0; i < ENTROPY_FOLDERS; i++) folders.push(bits.slice(i * ENTROPY_FOLDER_BITS, (i + 1) * ENTROPY_FOLDER_BITS))
  return [...folders, bits.slice(ENTROPY_FOLDERS * ENTROPY_FOLDER_BITS)].join('/')
}
