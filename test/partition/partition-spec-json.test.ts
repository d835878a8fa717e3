import { describe, expect, it } from 'vitest'
import { parsePartitionFields, parsePartitionSpec, printPartitionFields, printPartitionSpec } from '../../src/partition/partition-spec-json.js'
import { parseSortOrder, printSortOrder } from '../../src/partition/sort-order-json.js'
import { parseJson, printJson } from '../../src/util/json.js'

const roundTrip = (text: string): string => printJson(printPartitionSpec(parsePartitionSpec(parseJson(text))))

describe('partition spec JSON', () => {
  it('prints the members in the order of the reference, and reads them back', () => {
    const text =
      '{"spec-id":3,"fields":[{"name":"ts_day","transform":"day","source-id":4,"field-id":1000},' +
      '{"name":"id_bucket","transform":"bucket[16]","source-id":1,"field-id":1005}]}'
    expect(roundTrip(text)).toBe(text)
  })

  it('fields without ids, as v1 wrote them, count from 1000 (trap 27)', () => {
    const fields = parsePartitionFields([
      { name: 'a', transform: 'identity', 'source-id': 1 },
      { name: 'b', transform: 'void', 'source-id': 2 },
    ])
    expect(fields.map((field) => field.fieldId)).toEqual([1000, 1001])
    expect(printPartitionFields({ specId: 0, fields })).toEqual([
      { name: 'a', transform: 'identity', 'source-id': 1, 'field-id': 1000 },
      { name: 'b', transform: 'void', 'source-id': 2, 'field-id': 1001 },
    ])
  })

  it('ids on some fields only are corrupt', () => {
    const text = '{"spec-id":0,"fields":[{"name":"a","transform":"day","source-id":1,"field-id":1000},{"name":"b","transform":"day","source-id":2}]}'
    expect(() => parsePartitionSpec(parseJson(text))).toThrow(/1 of 2 partition fields lack a field-id/)
  })

  it('several source columns are read from source-ids and printed there only', () => {
    const text = '{"spec-id":0,"fields":[{"name":"c","transform":"bucketV2[16]","source-ids":[1,2],"field-id":1000}]}'
    expect(parsePartitionSpec(parseJson(text)).fields[0]!.sourceIds).toEqual([1, 2])
    expect(roundTrip(text)).toBe(text)
  })

  it('one source column in source-ids is printed as source-id', () => {
    expect(roundTrip('{"spec-id":0,"fields":[{"name":"c","transform":"day","source-ids":[7],"field-id":1000}]}')).toContain('"source-id":7')
  })

  it('an unknown transform is printed unchanged', () => {
    const text = '{"spec-id":0,"fields":[{"name":"c","transform":"zOrder[A,b]","source-id":1,"field-id":1000}]}'
    expect(roundTrip(text)).toBe(text)
  })

  it.each([
    ['no spec id', '{"fields":[]}', /spec-id/],
    ['a field without a source', '{"spec-id":0,"fields":[{"name":"a","transform":"day","field-id":1000}]}', /source-id/],
    ['an empty list of sources', '{"spec-id":0,"fields":[{"name":"a","transform":"x","source-ids":[],"field-id":1000}]}', /at least one column id/],
    ['a bucket count of zero', '{"spec-id":0,"fields":[{"name":"a","transform":"bucket[0]","source-id":1,"field-id":1000}]}', /transform/],
    ['a repeated field id', '{"spec-id":0,"fields":[{"name":"a","transform":"day","source-id":1,"field-id":1000},{"name":"b","transform":"day","source-id":2,"field-id":1000}]}', /id 1000 is used twice/],
    ['a repeated name', '{"spec-id":0,"fields":[{"name":"a","transform":"day","source-id":1,"field-id":1000},{"name":"a","transform":"day","source-id":2,"field-id":1001}]}', /"a" is used twice/],
    ['an array', '[]', /expected an object/],
  ])('%s is corrupt', (_, text, message) => {
    expect(() => parsePartitionSpec(parseJson(text))).toThrow(expect.objectContaining({ code: 'CORRUPT', message: expect.stringMatching(message) }))
  })
})

describe('sort order JSON', () => {
  it('prints the members in the order of the reference, and reads them back', () => {
    const text =
      '{"order-id":1,"fields":[{"transform":"identity","source-id":2,"direction":"asc","null-order":"nulls-first"},' +
      '{"transform":"bucket[4]","source-id":3,"direction":"desc","null-order":"nulls-last"},' +
      '{"transform":"zorder","source-ids":[1,2],"direction":"asc","null-order":"nulls-last"}]}'
    expect(printJson(printSortOrder(parseSortOrder(parseJson(text))))).toBe(text)
  })

  it('direction and null order are read in any letter case', () => {
    const order = parseSortOrder(parseJson('{"order-id":1,"fields":[{"transform":"Day","source-id":2,"direction":"DESC","null-order":"NULLS-FIRST"}]}'))
    expect(order.fields[0]).toEqual({ sourceIds: [2], transform: 'day', direction: 'desc', nullOrder: 'nulls-first' })
  })

  it('order 0 is the unsorted one and no other may be empty (trap 72)', () => {
    expect(parseSortOrder(parseJson('{"order-id":0,"fields":[]}'))).toEqual({ orderId: 0, fields: [] })
    expect(() => parseSortOrder(parseJson('{"order-id":3,"fields":[]}'))).toThrow(/has no fields/)
    const field = '{"transform":"day","source-id":2,"direction":"asc","null-order":"nulls-first"}'
    expect(() => parseSortOrder(parseJson(`{"order-id":0,"fields":[${field}]}`))).toThrow(/reserved/)
  })

  it('an unknown direction is corrupt', () => {
    const field = '{"transform":"day","source-id":2,"direction":"up","null-order":"nulls-first"}'
    expect(() => parseSortOrder(parseJson(`{"order-id":1,"fields":[${field}]}`))).toThrow(/asc or desc/)
  })
})
