import { describe, expect, it } from 'vitest'
import { schema, t } from '../../src/schema/schema-builder.js'
import { parseMetricsMode, readMetricsConfig } from '../../src/write/metrics-config.js'
import { thrownBy } from '../support/thrown.js'

const properties = (entries: Readonly<Record<string, string>>): ReadonlyMap<string, string> => new Map(Object.entries(entries))
const pair = t.struct({ x: t.int, y: t.string })
const nested = schema({ a: t.int, list: t.list(pair), map: t.map(t.string, t.double), s: t.struct({ z: t.int }) })
const kind = (config: ReturnType<typeof readMetricsConfig>, path: string): string => config.modeOf(nested.findField(path)!.id).kind

describe('metrics modes', () => {
  it.each([
    ['none', { kind: 'none' }],
    ['COUNTS', { kind: 'counts' }],
    [' full ', { kind: 'full' }],
    ['truncate(1)', { kind: 'truncate', length: 1 }],
    ['Truncate(16)', { kind: 'truncate', length: 16 }],
    ['truncate(0)', undefined],
    ['truncate(-1)', undefined],
    ['truncate', undefined],
    ['', undefined],
  ])('%j is %j', (text, mode) => {
    expect(parseMetricsMode(text)).toEqual(mode)
  })

  it('trap 13: the limit on inferred columns counts leaves over all levels, members of a struct before those below', () => {
    const config = readMetricsConfig(properties({ 'write.metadata.metrics.max-inferred-column-defaults': '3' }), nested)
    expect(['a', 'list.element.x', 'list.element.y', 'map.key', 'map.value', 's.z'].map((path) => kind(config, path))).toEqual([
      'truncate', 'truncate', 'truncate', 'none', 'none', 'none',
    ])
    const wide = schema(Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`c${i}`, t.int])))
    const byDefault = readMetricsConfig(new Map(), wide)
    expect([byDefault.modeOf(1).kind, byDefault.modeOf(101).kind]).toEqual(['truncate', 'none'])
  })

  it('of one column come before the default, and a default that is given has no limit', () => {
    const config = readMetricsConfig(
      properties({ 'write.metadata.metrics.default': 'counts', 'write.metadata.metrics.column.s.z': 'full', 'write.metadata.metrics.column.gone': 'full' }),
      nested,
    )
    expect(['a', 's.z'].map((path) => kind(config, path))).toEqual(['counts', 'full'])
  })

  it('columns that rows are sorted by keep bounds, unless told otherwise by name', () => {
    const sorted = nested.findField('a')!.id
    expect(kind(readMetricsConfig(properties({ 'write.metadata.metrics.default': 'none' }), nested, [sorted]), 'a')).toBe('truncate')
    const told = properties({ 'write.metadata.metrics.default': 'none', 'write.metadata.metrics.column.a': 'counts' })
    expect(kind(readMetricsConfig(told, nested, [sorted]), 'a')).toBe('counts')
  })

  it('a mode that does not parse is the default; a limit that does not is refused by name', () => {
    expect(kind(readMetricsConfig(properties({ 'write.metadata.metrics.default': 'everything' }), nested), 'a')).toBe('truncate')
    const error = thrownBy(() => readMetricsConfig(properties({ 'write.metadata.metrics.max-inferred-column-defaults': 'many' }), nested))
    expect(error).toMatchObject({ code: 'INVALID', message: expect.stringContaining('max-inferred-column-defaults') as string })
  })
})
