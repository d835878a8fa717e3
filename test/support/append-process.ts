/**
 * A writer in a process of its own: `node append-process.js <warehouse> <writer> <appends>`. Each append is printed, on a
 * line of its own, once it is acknowledged.
 */
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { appendUntilCommitted } from './table-commits.js'

const [warehouse = '', writer = '', appends = ''] = process.argv.slice(2)
const catalog = new ObjectStoreCatalog({ io: new LocalFileIO(), warehouse })
for (let i = 0; i < Number(appends); i++) {
  await appendUntilCommitted(catalog, { namespace: ['shop'], name: 'events' }, `${writer}-${i}`)
  process.stdout.write(`${writer}-${i}\n`)
}
