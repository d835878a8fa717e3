/**
 * One of several processes that append to one table: appends `count` rows, a commit each, through the built package.
 * Arguments: catalog location, table, writer number, count; S3 access as JSON in FLOE_S3, if any.
 */
import { openCatalog } from '../../dist/index.js'

const [location, name, writer, count] = process.argv.slice(2)
const s3 = process.env.FLOE_S3 === undefined ? undefined : JSON.parse(process.env.FLOE_S3)
const lake = await openCatalog(location, s3 === undefined ? {} : { s3 })
const table = await lake.loadTable(name)
for (let index = 0; index < Number(count); index += 1) {
  await table.append([{ writer: Number(writer), index }])
}
