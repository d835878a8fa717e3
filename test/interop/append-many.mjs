/**
 * One of several processes that append to one table: appends `count` rows, a commit each, through the built package, and prints
 * the snapshot and the milliseconds of each as it is acknowledged.
 * Arguments: catalog location, table, writer number, count; S3 access as JSON in FLOE_S3, if any. With FLOE_WAITS it prints
 * `ready` once the table is loaded, and begins when its input ends. FLOE_BUILD names another build of the package than that of `dist`.
 */
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const build = process.env.FLOE_BUILD
const { openCatalog } = await import(build === undefined ? '../../dist/index.js' : pathToFileURL(build).href)
const [location, name, writer, count] = process.argv.slice(2)
const s3 = process.env.FLOE_S3 === undefined ? undefined : JSON.parse(process.env.FLOE_S3)
const lake = await openCatalog(location, s3 === undefined ? {} : { s3 })
const table = await lake.loadTable(name)
if (process.env.FLOE_WAITS !== undefined) {
  console.log('ready')
  for await (const _ of process.stdin);
}
for (let index = 0; index < Number(count); index += 1) {
  const began = performance.now()
  const { snapshotId } = await table.append([{ writer: Number(writer), index }])
  console.log(`${snapshotId} ${(performance.now() - began).toFixed(1)}`)
}
