import { describe, expect, it } from 'vitest'
import { JsonFloat, JsonObject, parseJson, printJson } from '../../src/util/json.js'
import type { JsonValue } from '../../src/util/json.js'
import { thrownBy } from '../support/thrown.js'

describe('parseJson', () => {
  it('keeps 64-bit ids exact through parse and print (trap 60)', () => {
    const text = '{"current-snapshot-id":7893146874214087234,"next":-9223372036854775808,"small":2,"list":[9007199254740993]}'
    const value = parseJson(text) as Record<string, unknown>
    expect(value['current-snapshot-id']).toBe(7893146874214087234n)
    expect(value['next']).toBe(-9223372036854775808n)
    expect(value['small']).toBe(2)
    expect(value['list']).toEqual([9007199254740993n])
    expect(printJson(value as never)).toBe(text)
  })

  it('reads integers up to 2^53 - 1 as numbers and those beyond as bigint', () => {
    expect(parseJson('9007199254740991')).toBe(9007199254740991)
    expect(parseJson('-9007199254740991')).toBe(-9007199254740991)
    expect(parseJson('9007199254740992')).toBe(9007199254740992n)
    expect(parseJson(' [ -9007199254740993 , 1 ]')).toEqual([-9007199254740993n, 1])
  })

  it('leaves fractions and exponents to doubles', () => {
    expect(parseJson('[12345678901234567.5, 1234567890123456789e0, 0.12345678901234567890, 1e-12345678901234567]')).toEqual([
      12345678901234567.5, 1234567890123456789e0, 0.1234567890123456789, 0,
    ])
  })

  it('does not touch digits inside strings', () => {
    const text = '{"a":": 7893146874214087234,","b\\"7893146874214087234":"\\\\","c":7893146874214087234}'
    expect(printJson(parseJson(text))).toBe(text)
  })

  it.each(['\u007fn7893146874214087234', '\u007fs', '\u007f', '\u007fnx', '\\u007fn1', '\\\\u007f'])('cannot be made to read the string %j as an integer', (inner) => {
    const text = `{"big":[7893146874214087234,"${inner}"],"${inner}":"${inner}","late":"${inner}"}`
    const expected = JSON.parse(text.replace('7893146874214087234', '0').replace('"big":[7893146874214087234', '"big":[0')) as { big: unknown[] }
    const value = parseJson(text) as unknown as Record<string, unknown>
    expect(value['big']).toEqual([7893146874214087234n, JSON.parse(`"${inner}"`)])
    expect(value['late']).toBe(JSON.parse(`"${inner}"`))
    expect(Object.keys(value)).toEqual(Object.keys(expected))
  })

  it.each([
    '{12345678901234567890:1}', '{12345678901234567890 : 1}', '01234567890123456789', '-01234567890123456789', '--12345678901234567890',
    '+12345678901234567890', '[1 12345678901234567890]', '12345678901234567890"', '"open', '[1,', '', '{"a":12345678901234567890,}', '1234567890123456789.', 'nul12345678901234567890',
  ])('refuses the malformed text %j as JSON.parse does', (text) => {
    expect(() => { JSON.parse(text) }).toThrow()
    expect(thrownBy(() => parseJson(text, { source: 'v3.metadata.json' }))).toMatchObject({ code: 'CORRUPT', file: 'v3.metadata.json' })
  })

  it('keeps members named __proto__ and constructor as data and leaves Object.prototype alone', () => {
    const text = '{"__proto__":{"polluted":7893146874214087234},"constructor":1,"toString":"x"}'
    const value = parseJson(text)
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(printJson(value)).toBe(text)
    const direct = parseJson('{"__proto__":7893146874214087234}')
    expect(printJson(direct)).toBe('{"__proto__":7893146874214087234}')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(Object.getPrototypeOf(direct)).toBe(Object.prototype)
  })

  it('refuses nesting over the limit, even of 200,000 levels, with a typed error', () => {
    expect(thrownBy(() => parseJson('['.repeat(200_000) + ']'.repeat(200_000))).code).toBe('CORRUPT')
    expect(thrownBy(() => parseJson('{"a":'.repeat(501) + '1' + '}'.repeat(501))).message).toContain('500 levels')
    expect(parseJson('['.repeat(500) + ']'.repeat(500))).toBeInstanceOf(Array)
    expect(parseJson('"[[[["', { maxDepth: 0 })).toBe('[[[[')
  })

  it('refuses texts and integers over their limits', () => {
    expect(thrownBy(() => parseJson('"12345"', { maxLength: 6 })).code).toBe('CORRUPT')
    expect(thrownBy(() => parseJson('9'.repeat(1_000_000))).message).toContain('1000000 digits')
    expect(parseJson('9'.repeat(1000))).toBe(BigInt('9'.repeat(1000)))
  })
})

describe('printJson', () => {
  it('prints floats so that readers see floats', () => {
    expect(printJson([new JsonFloat(1), new JsonFloat(-0), new JsonFloat(1e300), new JsonFloat(0.5), -0, 1, 2 ** 60])).toBe(
      '[1.0,-0.0,1e+300,0.5,-0.0,1,1152921504606846976]',
    )
    expect(thrownBy(() => printJson(NaN)).code).toBe('INVALID')
    expect(thrownBy(() => printJson(new JsonFloat(Infinity))).code).toBe('INVALID')
  })

  it('prints as JSON.stringify does, indented or not', () => {
    const value = { a: [1, { b: 'x"\n\ud800é' }, []], 'c"': {}, d: null, e: undefined, f: true }
    expect(printJson(value)).toBe(JSON.stringify(value))
    expect(printJson(value, { indent: 2 })).toBe(JSON.stringify(value, null, 2))
  })

  it('prints a Map as an object, in the order of the Map', () => {
    expect(printJson(new Map<string, JsonValue>([['b', 1], ['a', 7893146874214087234n], ['__proto__', 3n]]))).toBe('{"b":1,"a":7893146874214087234,"__proto__":3}')
  })
})

describe('JsonObject', () => {
  const object = JsonObject.parse('{"s":"","zero":0,"no":false,"big":7893146874214087234,"n":null,"list":[{"x":1},{"x":"y"}],"ints":[1,2.5],"map":{"a":"b"}}', {
    source: 'f.json',
  })

  it('takes empty strings, zero and false as values, null and nothing as absent', () => {
    expect(object.requireString('s')).toBe('')
    expect(object.requireInt('zero')).toBe(0)
    expect(object.requireBoolean('no')).toBe(false)
    expect(object.requireLong('big')).toBe(7893146874214087234n)
    expect(object.requireLong('zero')).toBe(0n)
    expect(object.optionalString('n')).toBeUndefined()
    expect(object.optionalObject('toString')).toBeUndefined()
    expect(object.requireStringMap('map')).toEqual(new Map([['a', 'b']]))
  })

  it('names file, path and what was found in every error', () => {
    const [, second] = object.requireObjects('list')
    expect(thrownBy(() => second!.requireInt('x'))).toMatchObject({
      code: 'CORRUPT', file: 'f.json', message: '$.list[1].x: expected a 32-bit integer, found the string "y" (file f.json)',
    })
    expect(thrownBy(() => object.requireInts('ints')).message).toContain('$.ints[1]: expected a 32-bit integer, found 2.5')
    expect(thrownBy(() => object.requireString('n')).message).toContain('$.n: expected a string, found null')
    expect(thrownBy(() => object.requireString('hasOwnProperty')).message).toContain('found nothing')
    expect(thrownBy(() => object.requireInt('big')).message).toContain('found 7893146874214087234')
    expect(thrownBy(() => object.requireSafeInteger('big')).code).toBe('CORRUPT')
    expect(thrownBy(() => JsonObject.of([], '$.schema')).message).toContain('$.schema: expected an object, found an array of 0')
  })

  it('clips what it quotes', () => {
    expect(thrownBy(() => JsonObject.parse(`{"a":"${'x'.repeat(1_000_000)}"}`).requireInt('a')).message.length).toBeLessThan(200)
  })

  it('collects unknown members in order', () => {
    expect([...object.unknownFields(new Set(['s', 'list', 'map'])).keys()]).toEqual(['zero', 'no', 'big', 'n', 'ints'])
  })
})
