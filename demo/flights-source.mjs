/** The source: three million flights within the United States in 2001, in order of time, as one Parquet file. */
import { fileURLToPath } from 'node:url'
import { Bool, Field, makeData, RecordBatch, Schema, Struct } from 'apache-arrow'
import { readParquetFiles } from 'floe'

const file = fileURLToPath(new URL('../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url))

/** Minutes from which a flight counts as late. */
const LATE_MINUTES = 15n

/** Counts the file without any table: what every later step is checked against. */
export async function countFlights({ airport, longDelay }) {
  const months = new Map()
  let matching = 0
  for await (const batch of readParquetFiles(file)) {
    for (const { month, start, end } of monthRuns(batch)) months.set(month, (months.get(month) ?? 0) + end - start)
    const [origins, delays, dates] = ['origin', 'delay', 'date'].map((name) => batch.getChild(name))
    const times = timesOf(dates)
    for (let row = 0; row < batch.numRows; row++) {
      if (monthOf(times[row]) === '2001-02' && delays.get(row) > longDelay && origins.get(row) === airport) matching++
    }
  }
  return { months, matching }
}

/** The flights month by month: `[month, batches]`, each month's batches to be read before the next month is asked for. */
export async function* flightsByMonth() {
  const slices = monthSlices()
  let next = await slices.next()
  while (!next.done) {
    const { month } = next.value
    yield [month, sameMonth(month)]
  }

  async function* sameMonth(month) {
    while (!next.done && next.value.month === month) {
      yield next.value.batch
      next = await slices.next()
    }
  }
}

async function* monthSlices() {
  for await (const batch of readParquetFiles(file)) {
    for (const { month, start, end } of monthRuns(batch)) yield { month, batch: batch.slice(start, end) }
  }
}

function* monthRuns(batch) {
  const times = timesOf(batch.getChild('date'))
  let start = 0
  for (let row = 1; row <= batch.numRows; row++) {
    const month = monthOf(times[start])
    if (row < batch.numRows && monthOf(times[row]) === month) continue
    yield { month, start, end: row }
    start = row
  }
}

/** Microseconds since 1970. */
function timesOf(dates) {
  const { values, length } = dates.data[0]
  return values.subarray(0, length)
}

const MONTH_STARTS = Array.from({ length: 13 }, (_, month) => BigInt(Date.UTC(2001, month)) * 1000n)

function monthOf(time) {
  const month = MONTH_STARTS.findIndex((start) => time < start)
  return `2001-${String(month).padStart(2, '0')}`
}

/** The columns as the table has them after its evolution: `delay` under its new name, and whether the flight was late. */
export function withLateness(batch) {
  const delays = batch.getChild('delay')
  const bits = new Uint8Array(Math.ceil(batch.numRows / 8))
  for (let row = 0; row < batch.numRows; row++) if (delays.get(row) >= LATE_MINUTES) bits[row >> 3] |= 1 << (row & 7)
  const late = makeData({ type: new Bool(), length: batch.numRows, nullCount: 0, data: bits })
  const fields = batch.schema.fields.map((field) => (field.name === 'delay' ? new Field('delay_minutes', field.type, field.nullable) : field))
  const schema = new Schema([...fields, new Field('late', late.type, true)])
  const children = [...batch.data.children, late]
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: batch.numRows, nullCount: 0, children }))
}
