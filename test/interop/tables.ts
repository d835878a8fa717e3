/**
 * Tables for the reference engines to read: columns, rows and how they are partitioned. The expected canonical lines are
 * made here from the rows, not by floe, so that a value that floe misreads cannot agree with itself.
 */
import { asc, bucket, day, desc, hour, identity, month, schema, t, truncate, year } from '../../src/index.js'
import type { ColumnSpecs, PartitionTerm, SortTerm } from '../../src/index.js'
import type { Engine } from './oracle.js'

/** A value as floe takes it: bigint for 64 bits, text for decimals and uuids, `Uint8Array` for bytes. */
export type InteropValue =
  | null | boolean | number | bigint | string | Uint8Array | readonly InteropValue[] | ReadonlyMap<InteropValue, InteropValue> | InteropRow
export interface InteropRow { readonly [column: string]: InteropValue }

export interface InteropTable {
  readonly name: string
  readonly formatVersions: readonly (1 | 2 | 3)[]
  readonly columns: ColumnSpecs
  readonly partitionBy?: readonly PartitionTerm[]
  readonly sortBy?: readonly SortTerm[]
  readonly properties?: Readonly<Record<string, string>>
  /** One append each. */
  readonly batches: readonly (readonly InteropRow[])[]
  /** Engines that cannot read the table, and why. */
  readonly unable?: Partial<Readonly<Record<Engine, string>>>
}

const noTime = { spark: 'Spark has no time type' }
const noNanoseconds = { spark: 'Spark has no timestamp_ns', pyiceberg: 'v3 is not read row for row', duckdb: 'cuts timestamptz_ns to microseconds' }
const nullLists = { pyiceberg: 'reads a null list or map below another as an empty one' }

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)
const MAX_LONG = 2n ** 63n - 1n
/** 9999-12-31T23:59:59.999999 and 0001-01-01T00:00:00, the range that every engine can print. */
const LAST_MICRO = 253_402_300_799_999_999n
const FIRST_MICRO = -62_135_596_800_000_000n

const primitiveColumns = {
  id: t.long.required,
  bo: t.boolean,
  i: t.int,
  f: t.float,
  d: t.double,
  d9: t.decimal(9, 2),
  d18: t.decimal(18, 4),
  d38: t.decimal(38, 10),
  da: t.date,
  ts: t.timestamp,
  tz: t.timestamptz,
  s: t.string,
  bin: t.binary,
  fx: t.fixed(4),
  u: t.uuid,
} satisfies ColumnSpecs

const primitiveRows: readonly InteropRow[] = [
  {
    id: 1n, bo: true, i: 2_147_483_647, f: 3.4028234663852886e38, d: Number.MAX_VALUE, d9: '9999999.99', d18: '99999999999999.9999',
    d38: '9999999999999999999999999999.9999999999', da: 2_932_896, ts: LAST_MICRO, tz: LAST_MICRO, s: 'plain',
    bin: bytes(0, 255, 127, 128), fx: bytes(1, 2, 3, 4),
    u: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
  },
  {
    id: -MAX_LONG - 1n, bo: false, i: -2_147_483_648, f: -3.4028234663852886e38, d: -Number.MAX_VALUE, d9: '-9999999.99', d18: '-0.0001',
    d38: '-9999999999999999999999999999.9999999999', da: -719_162, ts: FIRST_MICRO, tz: FIRST_MICRO, s: '', bin: bytes(), fx: bytes(0, 0, 0, 0),
    u: '00000000-0000-0000-0000-000000000000',
  },
  {
    id: MAX_LONG, bo: null, i: null, f: null, d: null, d9: null, d18: null, d38: null, da: null, ts: null, tz: null, s: null, bin: null,
    fx: null, u: null,
  },
  {
    id: 2n ** 53n + 1n, bo: false, i: 0, f: NaN, d: NaN, d9: '0.00', d18: '0.0000', d38: '0.0000000001', da: 0, ts: 0n, tz: 0n, s: '😀é漢字\uFFFD\u0000\n"\\', bin: bytes(0),
    fx: bytes(255, 255, 255, 255), u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
  },
  {
    id: 0n, bo: true, i: -1, f: -0, d: -0, d9: '-0.01', d18: '1.0000', d38: '1.0000000000', da: -1, ts: -1n, tz: -1n, s: 'a'.repeat(40), bin: new Uint8Array(40).fill(255),
    fx: bytes(0, 0, 0, 1), u: '80000000-0000-0000-8000-000000000000',
  },
  {
    id: -1n, bo: true, i: 1, f: Infinity, d: -Infinity, d9: '1.10', d18: '-1.0000', d38: '-1.0000000000', da: 1, ts: 1n, tz: 1n, s: '\u{10FFFF}'.repeat(20), bin: bytes(1),
    fx: bytes(127, 128, 129, 130), u: '7fffffff-ffff-ffff-7fff-ffffffffffff',
  },
]

const primitives: InteropTable = {
  name: 'primitives',
  formatVersions: [1, 2, 3],
  columns: primitiveColumns,
  batches: [primitiveRows.slice(0, 4), primitiveRows.slice(4)],
}

const times: InteropTable = {
  name: 'times',
  formatVersions: [1, 2, 3],
  columns: { id: t.int.required, tm: t.time },
  batches: [[{ id: 1, tm: 0n }, { id: 2, tm: 86_399_999_999n }, { id: 3, tm: null }]],
  unable: noTime,
}

const nanoseconds: InteropTable = {
  name: 'nanoseconds',
  formatVersions: [3],
  columns: { id: t.int.required, tns: t.timestampNs, tzns: t.timestamptzNs, nothing: t.unknown },
  batches: [[
    { id: 1, tns: -1n, tzns: -1001n, nothing: null },
    { id: 2, tns: MAX_LONG, tzns: 1n, nothing: null },
    { id: 3, tns: null, tzns: null, nothing: null },
  ]],
  unable: noNanoseconds,
}

const nested: InteropTable = {
  name: 'nested',
  formatVersions: [1, 2, 3],
  columns: {
    id: t.int.required,
    l: t.list(t.int),
    ll: t.list(t.list(t.string.required)),
    m: t.map(t.string, t.long),
    ms: t.map(t.int, t.struct({ a: t.string, b: t.list(t.double) })),
    st: t.struct({ a: t.long, inner: t.struct({ x: t.string.required, d: t.decimal(20, 3) }), u: t.uuid }),
    ls: t.list(t.struct({ k: t.string, v: t.int })),
  },
  batches: [
    [
      {
        id: 1,
        l: [1, null, -3],
        ll: [['a', ''], [], null],
        m: new Map([['k', 1n], ['', null], ['é', -1n]]),
        ms: new Map([[7, { a: 'x', b: [1.5, NaN] }], [-7, { a: null, b: [] }]]),
        st: { a: 5n, inner: { x: 'deep', d: '0.001' }, u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7' },
        ls: [{ k: 'a', v: 1 }, { k: null, v: null }],
      },
      { id: 2, l: [], ll: [], m: new Map(), ms: new Map(), st: { a: null, inner: null, u: null }, ls: [] },
    ],
    [{ id: 3, l: null, ll: null, m: null, ms: null, st: null, ls: null }],
  ],
  unable: nullLists,
}

const orderedIds = (count: number, from = 0): readonly InteropRow[] =>
  Array.from({ length: count }, (_, index) => ({ id: BigInt(from + index), name: `n${(from + index) % 7}`, amount: (from + index) / 4 }))

const countColumns = { id: t.long.required, name: t.string, amount: t.double } satisfies ColumnSpecs

const manyManifests: InteropTable = {
  name: 'many_manifests',
  formatVersions: [1, 2, 3],
  columns: countColumns,
  partitionBy: [bucket('id', 4)],
  properties: { 'commit.manifest-merge.enabled': 'false' },
  batches: Array.from({ length: 12 }, (_, index) => orderedIds(10, index * 10)),
}

const mergedManifests: InteropTable = {
  ...manyManifests,
  name: 'merged_manifests',
  properties: { 'commit.manifest.min-count-to-merge': '3', 'write.metadata.compression-codec': 'gzip' },
}

const sorted: InteropTable = {
  name: 'sorted',
  formatVersions: [1, 2, 3],
  columns: countColumns,
  partitionBy: [identity('name')],
  sortBy: [desc('amount', { nulls: 'first' }), asc('id')],
  batches: [orderedIds(50)],
}

const codecs: readonly InteropTable[] = ['zstd', 'snappy', 'gzip', 'uncompressed'].map((codec) => ({
  name: `codec_${codec}`,
  formatVersions: [2],
  columns: countColumns,
  properties: { 'write.parquet.compression-codec': codec },
  batches: [orderedIds(500)],
}))

const textPartitions: InteropTable = {
  name: 'text_partitions',
  formatVersions: [1, 2, 3],
  columns: { id: t.int.required, p: t.string },
  partitionBy: [identity('p')],
  batches: [['a/b', 'a=b', '100%', 'ü +é', '', null, '__HIVE_DEFAULT_PARTITION__', 'null', '..', '?#[]', '😀', "'\"", 'a\\b', ' x '].map((p, id) => ({ id, p }))],
}

const identities: InteropTable = {
  name: 'identities',
  formatVersions: [1, 2, 3],
  columns: {
    id: t.int.required, bo: t.boolean, l: t.long, d: t.decimal(9, 2), da: t.date, ts: t.timestamp, tz: t.timestamptz, bin: t.binary,
  },
  partitionBy: ['bo', 'l', 'd', 'da', 'ts', 'tz', 'bin'].map((column) => identity(column)),
  batches: [[
    { id: 1, bo: true, l: MAX_LONG, d: '-0.01', da: -1, ts: -1n, tz: -1_000_001n, bin: bytes(255, 0) },
    { id: 2, bo: false, l: 0n, d: '0.00', da: 0, ts: 0n, tz: 0n, bin: bytes(0) },
    { id: 3, bo: null, l: null, d: null, da: null, ts: null, tz: null, bin: null },
  ]],
}

const instants = [-62_135_596_800_000_000n, -3_600_000_001n, -1n, 0n, 1n, 1_709_210_096_123_456n]
const timeTransforms: readonly InteropTable[] = [year, month, day, hour].map((transform) => ({
  name: `by_${transform.name}`,
  formatVersions: [1, 2, 3],
  columns: { id: t.int.required, ts: t.timestamp, tz: t.timestamptz },
  partitionBy: [transform('ts'), transform('tz')],
  batches: [[...instants.map((instant, id) => ({ id, ts: instant, tz: instant })), { id: 99, ts: null, tz: null }]],
}))

const buckets: InteropTable = {
  name: 'buckets',
  formatVersions: [1, 2, 3],
  columns: primitiveColumns,
  partitionBy: ['id', 'i', 'd9', 'd38', 'da', 'ts', 'tz', 's', 'bin', 'fx', 'u'].map((column) => bucket(column, 16)),
  batches: [primitiveRows],
}

const truncations: InteropTable = {
  name: 'truncations',
  formatVersions: [1, 2, 3],
  columns: { id: t.int.required, i: t.int, l: t.long, d: t.decimal(9, 2), s: t.string, bin: t.binary },
  partitionBy: [truncate('i', 3), truncate('l', 10), truncate('d', 50), truncate('s', 2), truncate('bin', 2)],
  batches: [[
    { id: 1, i: -1, l: -1n, d: '-0.01', s: '😀é漢', bin: bytes(1, 2, 3) },
    { id: 2, i: 0, l: 0n, d: '10.65', s: 'ic', bin: bytes(1) },
    { id: 3, i: null, l: null, d: null, s: null, bin: null },
    { id: 4, i: 10, l: -1_000_000_000_001n, d: '-10.65', s: '', bin: bytes() },
  ]],
}

const names: InteropTable = {
  name: 'odd_names',
  formatVersions: [1, 2, 3],
  columns: [
    ['id', t.int.required], ['a b', t.string], ['1x', t.int], ['é😀', t.int], ['constructor', t.string], ['pos', t.long], ['file_path', t.string],
    ['UPPER', t.int],
  ],
  partitionBy: [identity('a b'), identity('1x')],
  batches: [[
    { id: 1, 'a b': 'x y', '1x': 1, 'é😀': -1, constructor: 'c', pos: 5n, file_path: 'p', UPPER: 1 } as InteropRow,
    { id: 2, 'a b': null, '1x': null, 'é😀': null, constructor: null, pos: null, file_path: null, UPPER: null } as unknown as InteropRow,
  ]],
}

/** Every table that floe writes for the reference engines to read. */
export const interopTables: readonly InteropTable[] = [
  primitives, times, nanoseconds, nested, manyManifests, mergedManifests, sorted, ...codecs, textPartitions, identities, ...timeTransforms,
  buckets, truncations, names,
]

type SchemaField = ReturnType<typeof schema>['fields'][number]
type SchemaType = SchemaField['type']

/** The canonical line of a row: see `test/golden/README.md`. */
export function canonicalLine(table: InteropTable, row: InteropRow): string {
  return canonicalStruct(schema(table.columns).fields, row)
}

function canonicalStruct(fields: readonly SchemaField[], row: InteropRow): string {
  return `{${fields.map((field) => `${JSON.stringify(field.name)}:${canonicalText(field.type, row[field.name] ?? null)}`).join(',')}}`
}

function canonicalText(type: SchemaType, value: InteropValue): string {
  if (value === null) return 'null'
  switch (type.kind) {
    case 'boolean':
    case 'int':
    case 'date':
      return String(value)
    case 'float':
      return JSON.stringify(numberText(Math.fround(value as number)))
    case 'double':
      return JSON.stringify(numberText(value as number))
    case 'binary':
    case 'fixed':
      return JSON.stringify(Buffer.from(value as Uint8Array).toString('hex'))
    case 'list':
      return `[${(value as readonly InteropValue[]).map((item) => canonicalText(type.element, item)).join(',')}]`
    case 'map':
      return `[${[...(value as ReadonlyMap<InteropValue, InteropValue>)]
        .map(([key, item]) => [canonicalText(type.key, key), canonicalText(type.value, item)] as const)
        .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .map(([key, item]) => `[${key},${item}]`)
        .join(',')}]`
    case 'struct':
      return canonicalStruct(type.fields, value as InteropRow)
    case 'string':
    case 'uuid':
    case 'decimal':
      return JSON.stringify(value)
    default:
      return JSON.stringify(String(value as bigint))
  }
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}
