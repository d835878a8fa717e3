import { describe, expect, it } from 'vitest'
import { createNameMapping, mappedField, parseNameMapping, printNameMapping, updateNameMapping } from '../../src/schema/name-mapping.js'
import { propertyChanges } from '../../src/schema/property-changes.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import { SchemaUpdate } from '../../src/schema/schema-evolution.js'
import { codeThrownBy, thrownBy } from '../support/thrown.js'

// Spec: Appendix C › Name Mapping Serialization
const example =
  '[{"field-id":1,"names":["id","record_id"]},{"field-id":2,"names":["data"]},{"field-id":3,"names":["location"],"fields":' +
  '[{"field-id":4,"names":["latitude","lat"]},{"field-id":5,"names":["longitude","long"]}]}]'

const table = schema({
  id: t.long.required, data: t.string, tags: t.list(t.string), props: t.map(t.string, t.int), home: t.struct({ zip: t.string }),
})

function updateOf(): SchemaUpdate {
  return new SchemaUpdate(table, { lastColumnId: 9, formatVersion: 3 })
}

describe('name mappings', () => {
  it('read and print the example of the specification', () => {
    const mapping = parseNameMapping(example)
    expect(printNameMapping(mapping)).toBe(example)
    expect(mappedField(mapping, 'record_id')?.fieldId).toBe(1)
    expect(mappedField(mappedField(mapping, 'location')!.fields, 'lat')?.fieldId).toBe(4)
    expect(mappedField(mapping, 'location.lat')).toBeUndefined()
    expect(mappedField(mapping, '__proto__')).toBeUndefined()
  })

  it('take names literally, dots and hostile ones included, and fields without id or names', () => {
    const text = '[{"field-id":1,"names":["a.b","__proto__"]},{"names":["only in files"]},{"field-id":2,"names":[]}]'
    const mapping = parseNameMapping(text)
    expect(printNameMapping(mapping)).toBe(text)
    expect(mappedField(mapping, 'a.b')?.fieldId).toBe(1)
    expect(mappedField(mapping, '__proto__')?.fieldId).toBe(1)
    expect(mappedField(mapping, 'only in files')?.fieldId).toBeUndefined()
  })

  it.each([
    '', '{}', '7', '[7]', '[{"names":"a"}]', '[{"field-id":"1","names":["a"]}]', '[{"field-id":1,"names":["a"]},{"field-id":2,"names":["a"]}]',
    '[{"field-id":1,"names":["a"]},{"field-id":1,"names":["b"]}]', '[{"field-id":1,"names":["a"],"fields":[{"field-id":1,"names":["b"]}]}]',
    `${'[{"names":["a"],"fields":'.repeat(150)}[]${'}]'.repeat(150)}`,
  ])('refuse %j as corrupt', (text) => {
    expect(codeThrownBy(() => parseNameMapping(text))).toBe('CORRUPT')
  })

  it('name the path of what is wrong', () => {
    expect(thrownBy(() => parseNameMapping('[{"names":["a"]},{"names":[1]}]')).message).toContain('[1].names[0]: expected a string, found 1')
  })

  it('are made of a schema, elements, keys and values included', () => {
    expect(printNameMapping(createNameMapping(table))).toBe(
      '[{"field-id":1,"names":["id"]},{"field-id":2,"names":["data"]},{"field-id":3,"names":["tags"],"fields":[{"field-id":6,"names":["element"]}]},' +
        '{"field-id":4,"names":["props"],"fields":[{"field-id":7,"names":["key"]},{"field-id":8,"names":["value"]}]},' +
        '{"field-id":5,"names":["home"],"fields":[{"field-id":9,"names":["zip"]}]}]',
    )
  })

  it('keep old names of renamed columns, and learn added ones with all that is inside', () => {
    const changes = updateOf().renameColumn('data', 'text').addColumn('city', t.struct({ name: t.string }), { parent: 'home' }).addColumn('n', t.int).changes()
    expect(printNameMapping(updateNameMapping(createNameMapping(table), changes))).toBe(
      '[{"field-id":1,"names":["id"]},{"field-id":2,"names":["data","text"]},{"field-id":3,"names":["tags"],"fields":[{"field-id":6,"names":["element"]}]},' +
        '{"field-id":4,"names":["props"],"fields":[{"field-id":7,"names":["key"]},{"field-id":8,"names":["value"]}]},' +
        '{"field-id":5,"names":["home"],"fields":[{"field-id":9,"names":["zip"]},{"field-id":10,"names":["city"],"fields":[{"field-id":11,"names":["name"]}]}]},' +
        '{"field-id":12,"names":["n"]}]',
    )
  })

  it('take a name away from the field that had it when another one gets it', () => {
    const renamed = updateNameMapping(createNameMapping(table), updateOf().deleteColumn('data').renameColumn('id', 'data').changes())
    expect(renamed.slice(0, 2).map((field) => field.names)).toEqual([['id', 'data'], []])
    const added = updateNameMapping(createNameMapping(table), updateOf().deleteColumn('data').addColumn('data', t.int).changes())
    expect(mappedField(added, 'data')?.fieldId).toBe(10)
    expect(added[1]).toEqual({ names: [], fieldId: 2, fields: [] })
  })

  it('know the names of two columns that were swapped', () => {
    const swapped = updateNameMapping(createNameMapping(table), updateOf().renameColumn('id', 'data').renameColumn('data', 'id').changes())
    expect(mappedField(swapped, 'data')?.fieldId).toBe(1)
    expect(mappedField(swapped, 'id')?.fieldId).toBe(2)
  })
})

describe('table properties after a schema change', () => {
  it('follow renamed columns, leave with deleted ones, and update the name mapping', () => {
    const properties = new Map([
      ['write.metadata.metrics.column.data', 'full'],
      ['write.metadata.metrics.column.home.zip', 'none'],
      ['write.parquet.bloom-filter-enabled.column.id', 'true'],
      ['write.metadata.metrics.default', 'counts'],
      ['schema.name-mapping.default', printNameMapping(createNameMapping(table))],
    ])
    const { updates, removals } = propertyChanges(properties, updateOf().renameColumn('home', 'address').deleteColumn('data').changes())
    expect(Object.fromEntries(updates)).toEqual({
      'write.metadata.metrics.column.address.zip': 'none',
      'schema.name-mapping.default': expect.stringContaining('"names":["home","address"]') as string,
    })
    expect(removals).toEqual(['write.metadata.metrics.column.data', 'write.metadata.metrics.column.home.zip'])
  })

  it('swap with columns that swap their names', () => {
    const properties = new Map([['write.metadata.metrics.column.id', 'full'], ['write.metadata.metrics.column.data', 'none']])
    const changes = propertyChanges(properties, updateOf().renameColumn('id', 'data').renameColumn('data', 'id').changes())
    expect(Object.fromEntries(changes.updates)).toEqual({ 'write.metadata.metrics.column.data': 'full', 'write.metadata.metrics.column.id': 'none' })
    expect(changes.removals).toEqual([])
  })

  it('let a name mapping be that cannot be read', () => {
    const changes = propertyChanges(new Map([['schema.name-mapping.default', '{']]), updateOf().addColumn('n', t.int).changes())
    expect(changes).toEqual({ updates: new Map(), removals: [] })
  })
})
