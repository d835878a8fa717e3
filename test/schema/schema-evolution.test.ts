import { describe, expect, it } from 'vitest'
import { schema, t } from '../../src/schema/schema-builder.js'
import type { ColumnSpec } from '../../src/schema/schema-builder.js'
import { SchemaUpdate } from '../../src/schema/schema-evolution.js'
import type { SchemaUpdateOptions } from '../../src/schema/schema-evolution.js'
import { Schema } from '../../src/schema/schema.js'
import { printTypeName } from '../../src/schema/type-name.js'
import type { Type } from '../../src/schema/type.js'
import { codeThrownBy, thrownBy } from '../support/thrown.js'

/** ids: id 1, data 2, day 3, points 4, props 5, home 6 · 7 element, 8 x, 9 y · 10 key, 11 value, 12 v · 13 zip, 14 geo, 15 lat, 16 lon */
const base = schema(
  {
    id: t.int.required,
    data: t.string,
    day: t.date,
    points: t.list(t.struct({ x: t.float, y: t.decimal(9, 2) })),
    props: t.map(t.string, t.struct({ v: t.int })),
    home: t.struct({ zip: t.string.required, geo: t.struct({ lat: t.double, lon: t.double }) }).required,
  },
  { identifierFields: ['id'] },
)

function update(options: Partial<SchemaUpdateOptions> = {}, from: Schema = base): SchemaUpdate {
  return new SchemaUpdate(from, { lastColumnId: 16, formatVersion: 3, ...options })
}

function names(result: Schema, parent?: string): string[] {
  const struct = parent === undefined ? result.asStruct() : result.requireField(parent).type
  return struct.kind === 'struct' ? struct.fields.map((field) => field.name) : []
}

describe('adding columns', () => {
  it('continues from last-column-id, nested ids counted, however high the schema\'s own ids are (trap 70)', () => {
    const changes = update({ lastColumnId: 40 }).addColumn('a', t.struct({ x: t.int, l: t.list(t.int) })).addColumn('b', t.int).changes()
    const { schema: result } = changes
    expect(['a', 'a.x', 'a.l', 'a.l.element', 'b'].map((path) => result.requireField(path).id)).toEqual([41, 42, 43, 44, 45])
    expect(changes.lastColumnId).toBe(45)
    expect(update({ lastColumnId: 0 }).addColumn('a', t.int).apply().requireField('a').id).toBe(17)
  })

  it('adds to structs, elements of lists and values of maps, at the end', () => {
    const result = update()
      .addColumn('note', t.string, { parent: 'home' })
      .addColumn('z', t.int, { parent: 'points', doc: 'depth' })
      .addColumn('w', t.int, { parent: 'props' })
      .addColumn('alt', t.double, { parent: 'home.geo' })
      .apply()
    expect(names(result, 'home')).toEqual(['zip', 'geo', 'note'])
    expect(result.requireField('points.element.z')).toEqual({ id: 18, name: 'z', type: { kind: 'int' }, required: false, doc: 'depth' })
    expect(result.requireField('props.value.w').id).toBe(19)
    expect(result.requireField('home.geo.alt').id).toBe(20)
  })

  it('gives an added column both defaults, and those inside of it too', () => {
    const result = update().addColumn('n', t.int.required.default(0)).addColumn('p', t.struct({ x: t.int.default(1) }).default({})).apply()
    expect(result.requireField('n')).toMatchObject({ required: true, initialDefault: 0, writeDefault: 0 })
    expect(result.requireField('p')).toMatchObject({ initialDefault: new Map(), writeDefault: new Map() })
    expect(result.requireField('p.x')).toMatchObject({ initialDefault: 1, writeDefault: 1 })
    expect(update().addColumn('n', t.decimal(4, 2), { default: '1.5', required: true }).apply().requireField('n').initialDefault).toBe(150n)
  })

  it('refuses a required column without default, but where told that incompatible changes are meant', () => {
    expect(codeThrownBy(() => update().addColumn('n', t.int.required))).toBe('INVALID')
    expect(update().allowIncompatibleChanges().addColumn('n', t.int.required).apply().requireField('n').required).toBe(true)
  })

  it('refuses defaults and newer types before version 3', () => {
    expect(codeThrownBy(() => update({ formatVersion: 2 }).addColumn('n', t.int.default(1)))).toBe('INVALID')
    expect(codeThrownBy(() => update({ formatVersion: 2 }).addColumn('n', t.variant).apply())).toBe('INVALID')
    expect(update().addColumn('n', t.variant).apply().requireField('n').type.kind).toBe('variant')
  })

  it('refuses names that are taken, paths as names, and parents that hold no fields', () => {
    expect(codeThrownBy(() => update().addColumn('data', t.int))).toBe('ALREADY_EXISTS')
    expect(codeThrownBy(() => update().addColumn('x', t.int, { parent: 'points' }))).toBe('ALREADY_EXISTS')
    expect(codeThrownBy(() => update().addColumn('a', t.int).addColumn('a', t.int))).toBe('ALREADY_EXISTS')
    expect(codeThrownBy(() => update().caseSensitive(false).addColumn('DATA', t.int))).toBe('ALREADY_EXISTS')
    expect(codeThrownBy(() => update().addColumn('home.x', t.int))).toBe('INVALID')
    expect(codeThrownBy(() => update().addColumn('x', t.int, { parent: 'data' }))).toBe('INVALID')
    expect(codeThrownBy(() => update().addColumn('x', t.int, { parent: 'nope' }))).toBe('NOT_FOUND')
    expect(codeThrownBy(() => update().deleteColumn('home').addColumn('x', t.int, { parent: 'home' }))).toBe('INVALID')
  })

  it('lets a column take the name of one that is deleted, under a new id', () => {
    const result = update().deleteColumn('data').addColumn('data', t.long).updateColumnDoc('data', 'new').apply()
    expect(result.requireField('data')).toMatchObject({ id: 17, type: { kind: 'long' }, doc: 'new' })
    expect(result.fieldById(2)).toBeUndefined()
  })

  it('keeps dotted and hostile names as they are', () => {
    const result = update().addColumn('__proto__', t.int).addColumn('a.b', t.int, { parent: 'home' }).apply()
    expect(names(result).at(-1)).toBe('__proto__')
    expect(names(result, 'home').at(-1)).toBe('a.b')
  })
})

describe('deleting and renaming columns', () => {
  it('deletes with all that is inside, and says which paths are gone', () => {
    const changes = update().deleteColumn('home.geo').deleteColumn('points.x').deleteColumn('day').changes()
    expect(names(changes.schema)).toEqual(['id', 'data', 'points', 'props', 'home'])
    expect([...changes.deletedPaths].sort()).toEqual(['day', 'home.geo', 'home.geo.lat', 'home.geo.lon', 'points.element.x'])
    expect(changes.lastColumnId).toBe(16)
  })

  it('refuses what would leave nothing, or is not there', () => {
    expect(codeThrownBy(() => update().deleteColumn('props.v').apply())).toBe('INVALID')
    expect(codeThrownBy(() => update().deleteColumn('nope'))).toBe('NOT_FOUND')
    expect(codeThrownBy(() => update().deleteColumn('points.element').apply())).toBe('INVALID')
    expect(codeThrownBy(() => update().deleteColumn('props.value').apply())).toBe('INVALID')
    expect(codeThrownBy(() => update().deleteColumn('props.key').apply())).toBe('INVALID')
    expect(codeThrownBy(() => update().addColumn('z', t.int, { parent: 'home' }).deleteColumn('home'))).toBe('INVALID')
    expect(codeThrownBy(() => update().renameColumn('data', 'd').deleteColumn('data'))).toBe('INVALID')
    expect(codeThrownBy(() => update().deleteColumn('data').renameColumn('data', 'd'))).toBe('INVALID')
  })

  it('refuses to delete columns that rows are identified or partitioned by', () => {
    expect(codeThrownBy(() => update().deleteColumn('id').apply())).toBe('INVALID')
    expect(update().deleteColumn('id').setIdentifierFields([]).apply().identifierFieldIds).toEqual([])
    expect(thrownBy(() => update({ partitionSourceIds: new Set([15]) }).deleteColumn('home').apply())).toMatchObject({ code: 'INVALID', column: 'home.geo.lat' })
    expect(codeThrownBy(() => update({ partitionSourceIds: new Set([3]) }).deleteColumn('day').apply())).toBe('INVALID')
  })

  it('renames without touching ids, and says which paths changed', () => {
    const changes = update().renameColumn('home', 'address').renameColumn('home.zip', 'code').renameColumn('points.x', 'X').changes()
    expect(changes.schema.requireField('address.code').id).toBe(13)
    expect(changes.schema.requireField('points.X').id).toBe(8)
    expect(Object.fromEntries(changes.renamedPaths)).toEqual({
      home: 'address', 'home.zip': 'address.code', 'home.geo': 'address.geo', 'home.geo.lat': 'address.geo.lat', 'home.geo.lon': 'address.geo.lon',
      'points.element.x': 'points.element.X',
    })
  })

  it('keeps identifier fields that are renamed, nested ones too', () => {
    const nested = schema({ user: t.struct({ id: t.long.required }).required }, { identifierFields: ['user.id'] })
    expect(update({}, nested).renameColumn('user.id', 'uid').apply().identifierPaths()).toEqual(['user.uid'])
  })

  it('swaps two names', () => {
    const result = update().renameColumn('data', 'day').renameColumn('day', 'data').apply()
    expect([result.requireField('day').id, result.requireField('data').id]).toEqual([2, 3])
  })

  it('refuses names that end up twice, empty, or on an element', () => {
    expect(codeThrownBy(() => update().renameColumn('data', 'day').apply())).toBe('INVALID')
    expect(codeThrownBy(() => update().renameColumn('data', '').apply())).toBe('INVALID')
    expect(codeThrownBy(() => update().renameColumn('points.element', 'e'))).toBe('INVALID')
  })
})

describe('changing types', () => {
  const types: Type[] = [
    { kind: 'boolean' }, { kind: 'int' }, { kind: 'long' }, { kind: 'float' }, { kind: 'double' }, { kind: 'decimal', precision: 9, scale: 2 },
    { kind: 'decimal', precision: 12, scale: 2 }, { kind: 'decimal', precision: 12, scale: 3 }, { kind: 'decimal', precision: 8, scale: 2 }, { kind: 'date' }, { kind: 'time' },
    { kind: 'timestamp' }, { kind: 'timestamptz' }, { kind: 'timestamp_ns' }, { kind: 'timestamptz_ns' }, { kind: 'string' }, { kind: 'uuid' }, { kind: 'fixed', length: 4 },
    { kind: 'fixed', length: 8 }, { kind: 'binary' }, { kind: 'variant' },
  ]

  function allowed(formatVersion: number): string[] {
    const pairs: string[] = []
    for (const from of types) {
      for (const to of types) {
        const table = new Schema([{ id: 1, name: 'c', type: from, required: false }])
        try {
          const { type } = update({ formatVersion }, table).updateColumn('c', to).apply().fields[0]!
          if (from !== to) pairs.push(`${printTypeName(from)} > ${printTypeName(type)}`)
        } catch (error) {
          expect(error).toHaveProperty('code', 'INVALID')
        }
      }
    }
    return pairs
  }

  it('promotes as the specification allows before version 3', () => {
    expect(allowed(2)).toEqual([
      'int > long', 'float > double', 'decimal(9, 2) > decimal(12, 2)', 'decimal(8, 2) > decimal(9, 2)', 'decimal(8, 2) > decimal(12, 2)',
    ])
  })

  it('promotes dates to timestamps without zone from version 3 on', () => {
    expect(allowed(3)).toEqual([
      'int > long', 'float > double', 'decimal(9, 2) > decimal(12, 2)', 'decimal(8, 2) > decimal(9, 2)', 'decimal(8, 2) > decimal(12, 2)',
      'date > timestamp', 'date > timestamp_ns',
    ])
  })

  it('promotes unknown to any type, nested ones with new ids', () => {
    const table = new Schema([{ id: 1, name: 'c', type: { kind: 'unknown' }, required: false }])
    const changes = update({ lastColumnId: 7 }, table).updateColumn('c', t.list(t.int)).changes()
    expect(changes.schema.fields[0]!.type).toEqual({ kind: 'list', elementId: 8, element: { kind: 'int' }, elementRequired: false })
    expect(changes.lastColumnId).toBe(8)
  })

  it('refuses a promotion that changes the values that the table is partitioned by', () => {
    expect(codeThrownBy(() => update({ partitionSourceIds: new Set([3]) }).updateColumn('day', t.timestamp))).toBe('INVALID')
    expect(update({ partitionSourceIds: new Set([1]) }).updateColumn('id', t.long).apply().requireField('id').type.kind).toBe('long')
    expect(update().updateColumn('day', t.timestamp).apply().requireField('day').type.kind).toBe('timestamp')
  })

  it('promotes inside of lists, maps and structs, but not map keys', () => {
    const result = update().updateColumn('points.x', t.double).updateColumn('props.v', t.long).updateColumn('points.y', t.decimal(38, 2)).apply()
    expect(result.requireField('points.x').type.kind).toBe('double')
    expect(result.requireField('props.value.v').type.kind).toBe('long')
    const maps = schema({ m: t.map(t.int, t.int), l: t.list(t.int) })
    expect(codeThrownBy(() => update({}, maps).updateColumn('m.key', t.long).apply())).toBe('INVALID')
    expect(update({}, maps).updateColumn('m.value', t.long).updateColumn('l.element', t.long).apply().fieldById(5)?.type.kind).toBe('long')
  })

  it('promotes defaults with the type', () => {
    const table = new Schema([
      { id: 1, name: 'i', type: { kind: 'int' }, required: false, initialDefault: 0, writeDefault: -5 },
      { id: 2, name: 'd', type: { kind: 'date' }, required: false, initialDefault: -1 },
      { id: 3, name: 'far', type: { kind: 'date' }, required: false, writeDefault: 2147483647 },
    ])
    const result = update({}, table).updateColumn('i', t.long).updateColumn('d', t.timestamp).apply()
    expect(result.fields[0]).toMatchObject({ initialDefault: 0n, writeDefault: -5n })
    expect(result.fields[1]).toMatchObject({ initialDefault: -86_400_000_000n })
    expect(codeThrownBy(() => update({}, table).updateColumn('far', t.timestampNs))).toBe('INVALID')
  })

  it('takes the same type as no change', () => {
    expect(update().updateColumn('id', t.int).apply().sameAs(base)).toBe(true)
  })
})

describe('changing docs, defaults and nullability', () => {
  it('sets and takes away docs', () => {
    const documented = update().updateColumnDoc('home.zip', 'code').apply()
    expect(documented.requireField('home.zip').doc).toBe('code')
    expect(update({}, documented).updateColumnDoc('home.zip', undefined).apply().requireField('home.zip')).not.toHaveProperty('doc')
    expect(codeThrownBy(() => update().updateColumnDoc('points.element', 'x'))).toBe('INVALID')
  })

  it('changes the write default only', () => {
    const withDefault = update().addColumn('n', t.int.default(1)).apply()
    const changed = update({ lastColumnId: 17 }, withDefault).updateColumnDefault('n', 0).apply()
    expect(changed.requireField('n')).toMatchObject({ initialDefault: 1, writeDefault: 0 })
    const removed = update({ lastColumnId: 17 }, changed).updateColumnDefault('n', null).apply()
    expect(removed.requireField('n').initialDefault).toBe(1)
    expect(removed.requireField('n')).not.toHaveProperty('writeDefault')
    expect(codeThrownBy(() => update().updateColumnDefault('data', 5))).toBe('INVALID')
    expect(codeThrownBy(() => update({ formatVersion: 2 }).updateColumnDefault('data', ''))).toBe('INVALID')
  })

  it('makes columns optional, and required only where no null can be', () => {
    expect(update().setIdentifierFields([]).makeColumnOptional('id').apply().requireField('id').required).toBe(false)
    expect(codeThrownBy(() => update().makeColumnOptional('id').apply())).toBe('INVALID')
    expect(codeThrownBy(() => update().requireColumn('data'))).toBe('INVALID')
    expect(update().requireColumn('id').apply().sameAs(base)).toBe(true)
    expect(update().allowIncompatibleChanges().requireColumn('data').apply().requireField('data').required).toBe(true)
    expect(update().addColumn('n', t.int.default(0)).requireColumn('n').apply().requireField('n').required).toBe(true)
    expect(update().allowIncompatibleChanges().requireColumn('points.element').apply().fieldById(7)?.required).toBe(true)
    expect(codeThrownBy(() => update().addColumn('n', t.int).requireColumn('n'))).toBe('INVALID')
  })

  it('merges several changes of one column', () => {
    const result = update().renameColumn('data', 'text').updateColumnDoc('data', 'd').updateColumnDefault('data', '').moveFirst('data').apply()
    expect(result.fields[0]).toEqual({ id: 2, name: 'text', type: { kind: 'string' }, required: false, doc: 'd', writeDefault: '' })
  })

  it('keeps members that this version does not know', () => {
    const unknownFields = new Map([['x-owner', 'me']])
    const table = new Schema([{ id: 1, name: 'a', type: { kind: 'int' }, required: false, unknownFields }], { schemaId: 4, unknownFields })
    const result = update({}, table).renameColumn('a', 'b').addColumn('c', t.int).apply()
    expect(result.unknownFields).toBe(unknownFields)
    expect(result.fields[0]!.unknownFields).toBe(unknownFields)
    expect(result.schemaId).toBe(4)
  })
})

describe('moving columns', () => {
  it('moves in order, added columns too', () => {
    const result = update().addColumn('new', t.int).moveFirst('new').moveAfter('home', 'id').moveBefore('props', 'day').apply()
    expect(names(result)).toEqual(['new', 'id', 'home', 'data', 'props', 'day', 'points'])
  })

  it('moves inside of structs, elements and values', () => {
    const result = update().moveBefore('home.geo', 'home.zip').moveFirst('points.y').addColumn('w', t.int, { parent: 'props' }).moveFirst('props.w').apply()
    expect(names(result, 'home')).toEqual(['geo', 'zip'])
    expect(names(result, 'points.element')).toEqual(['y', 'x'])
    expect(names(result, 'props.value')).toEqual(['w', 'v'])
  })

  it('refuses moves to another struct, next to itself, of elements, or of what is gone', () => {
    expect(codeThrownBy(() => update().moveBefore('data', 'home.zip'))).toBe('INVALID')
    expect(codeThrownBy(() => update().moveBefore('home.zip', 'data'))).toBe('INVALID')
    expect(codeThrownBy(() => update().moveAfter('data', 'data'))).toBe('INVALID')
    expect(codeThrownBy(() => update().moveFirst('points.element'))).toBe('INVALID')
    expect(codeThrownBy(() => update().moveFirst('nope'))).toBe('NOT_FOUND')
    expect(codeThrownBy(() => update().moveAfter('data', 'nope'))).toBe('NOT_FOUND')
    expect(codeThrownBy(() => update().moveAfter('data', 'day').deleteColumn('day').apply())).toBe('INVALID')
  })
})

describe('identifier fields', () => {
  it('are named by their paths in the result', () => {
    const result = update().renameColumn('home.zip', 'code').setIdentifierFields(['id', 'home.code']).apply()
    expect(result.identifierFieldIds).toEqual([1, 13])
    expect(update().addColumn('k', t.int.required.default(0)).setIdentifierFields(['k']).apply().identifierFieldIds).toEqual([17])
  })

  it('must be required, primitive and not inside of lists or optional structs', () => {
    for (const path of ['data', 'home', 'points.x', 'home.geo.lat']) expect(codeThrownBy(() => update().setIdentifierFields([path]).apply())).toBe('INVALID')
    expect(codeThrownBy(() => update().setIdentifierFields(['nope']).apply())).toBe('NOT_FOUND')
  })
})

describe('union by name', () => {
  it('adds what is missing at every depth, what is deeper first, as optional columns', () => {
    const other = schema({
      home: t.struct({ geo: t.struct({ alt: t.double.required }), city: t.string }),
      fresh: t.struct({ a: t.int }),
      points: t.list(t.struct({ z: t.int })),
      props: t.map(t.string, t.struct({ u: t.int })),
    })
    const result = update().unionByNameWith(other).apply()
    expect(names(result)).toEqual(['id', 'data', 'day', 'points', 'props', 'home', 'fresh'])
    const paths = ['home.geo.alt', 'home.city', 'points.z', 'props.u', 'fresh', 'fresh.a']
    expect(paths.map((path) => result.requireField(path).id)).toEqual([17, 18, 19, 20, 21, 22])
    expect(result.requireField('home.geo.alt').required).toBe(false)
    expect(result.requireField('home').required).toBe(false)
  })

  it('widens types, keeps wider ones, and takes docs and write defaults', () => {
    const other = schema({ id: t.long.required.doc('key'), data: t.string.default('x'), points: t.list(t.struct({ x: t.double, y: t.decimal(12, 2) })) })
    const result = update().unionByNameWith(other).apply()
    expect(result.requireField('id')).toMatchObject({ id: 1, type: { kind: 'long' }, required: true, doc: 'key' })
    expect(result.requireField('data')).toEqual({ id: 2, name: 'data', type: { kind: 'string' }, required: false, writeDefault: 'x' })
    expect(result.requireField('points.x').type.kind).toBe('double')
    expect(result.requireField('points.y').type).toEqual({ kind: 'decimal', precision: 12, scale: 2 })
    const narrower = schema({ id: t.int.required.default(5) })
    expect(update({}, result).unionByNameWith(narrower).apply().requireField('id')).toMatchObject({ type: { kind: 'long' }, writeDefault: 5n })
  })

  it('is the schema itself when there is nothing new', () => {
    expect(update().unionByNameWith(base).apply().sameAs(base)).toBe(true)
  })

  it('ignores case when told to', () => {
    expect(names(update().unionByNameWith(schema({ DATA: t.string })).apply())).toContain('DATA')
    const shouting = schema({ DATA: t.string, Home: t.struct({ ZIP: t.string }) })
    expect(names(update().caseSensitive(false).unionByNameWith(shouting).apply())).toEqual(names(base))
  })

  it('refuses types that have no union', () => {
    const others: Record<string, ColumnSpec>[] = [
      { data: t.int }, { data: t.list(t.string) }, { data: t.struct({ x: t.int }) }, { home: t.int }, { home: t.list(t.string) },
    ]
    for (const other of others) {
      expect(codeThrownBy(() => update().unionByNameWith(schema(other)))).toBe('INVALID')
    }
  })

  it('gives an unknown column the type of the other schema, and the other way round keeps it', () => {
    const unknown = schema({ c: t.unknown })
    expect(update({}, unknown).unionByNameWith(schema({ c: t.list(t.int) })).apply().requireField('c').type.kind).toBe('list')
    expect(update().unionByNameWith(schema({ data: t.unknown, home: t.unknown })).apply().requireField('data').type.kind).toBe('string')
  })
})
