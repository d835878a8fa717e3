/**
 * Long text made to send a parser back and forth: every one answers within seconds, with a value or a typed error. Steps
 * that grow with the square of such lengths would take minutes, so the bound can be generous and no clock is read.
 */
import { describe, expect, it } from 'vitest'
import { parseTableIdentifier, printTableIdentifier } from '../../src/catalog/table-identifier.js'
import { parseExpression, printExpression } from '../../src/expression/expression-json.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import { startsWith } from '../../src/expression/predicates.js'
import { checkLocation } from '../../src/io/location-check.js'
import { isInside, parentLocation, parseLocation, stripTrailingSlashes } from '../../src/io/location.js'
import { parseMetadataFileName } from '../../src/metadata/metadata-location.js'
import { fieldTransform, parseTransform } from '../../src/partition/transform.js'
import { Decimal } from '../../src/schema/decimal.js'
import { toValue } from '../../src/schema/literal.js'
import { parseNameMapping } from '../../src/schema/name-mapping.js'
import { valueFromJson } from '../../src/schema/single-value-json.js'
import { parseIsoDate, parseIsoTime, parseIsoTimestamp } from '../../src/schema/temporal-text.js'
import { parseType } from '../../src/schema/type-json.js'
import type { PrimitiveType } from '../../src/schema/type.js'
import { CsvParser } from '../../src/table/input-files/csv-records.js'
import { guessText } from '../../src/table/input-files/guessed-type.js'
import { FloeError } from '../../src/util/errors.js'
import { parseJson } from '../../src/util/json.js'

/** A megabyte, or less, of `unit`. */
const much = (unit: string, length = 2 ** 20): string => unit.repeat(Math.ceil(length / unit.length))

const RUN_LENGTH = 2 ** 17

/** Every beginning, long run and end: what quantifiers next to each other are slow on. */
function around(heads: readonly string[], units: readonly string[], tails: readonly string[]): string[] {
  return heads.flatMap((head) => units.flatMap((unit) => tails.map((tail) => head + much(unit, RUN_LENGTH) + tail)))
}

/** The code of the typed error, or `value`; any other error fails the test. */
function outcome(parse: () => unknown): string {
  try {
    parse()
    return 'value'
  } catch (error) {
    if (error instanceof FloeError) {
      expect(error.message.length, 'a message quotes a part of its input, not all').toBeLessThan(4096)
      return error.code
    }
    throw error
  }
}

function outcomes(texts: readonly string[], parse: (text: string) => unknown): string[] {
  return [...new Set(texts.map((text) => outcome(() => parse(text))))].sort()
}

describe('long text is answered in linear time', { timeout: 20_000 }, () => {
  it('as a type', () => {
    const heads = ['', 'decimal(', 'decimal(9', 'decimal(9,', 'fixed[', 'geometry(', 'geography(a,']
    const texts = around(heads, [' ', '1', ' 1', ',', '('], ['', ')', ']', 'x'])
    const expected = ['CORRUPT', 'INVALID', 'UNSUPPORTED', 'value']
    expect(outcomes(texts, (text) => parseType(text)).filter((code) => !expected.includes(code))).toEqual([])
  })

  it('as a transform, which may be unknown', () => {
    const texts = around(['', 'bucket[', 'truncate[', 'bucket[0', 'zorder('], ['0', '1', ' ', '[', 'a1'], ['', ']', ']x'])
    for (const text of texts) outcome(() => fieldTransform({ sourceIds: [1], transform: text }))
    expect(outcomes(texts, parseTransform).filter((code) => !['INVALID', 'CORRUPT', 'value'].includes(code))).toEqual([])
  })

  it('as a filter', () => {
    const texts = around(
      ['', "a = '", 'a like ', 'a in (', '"', 'not '],
      [' ', '1', "''", '(', 'a.', 'not ', '1e', '%', 'a = 1 and '],
      ["'", ')'],
    )
    expect(outcomes(texts, parseWhere).filter((code) => !['INVALID', 'UNSUPPORTED', 'value'].includes(code))).toEqual([])
    expect(outcomes([`a = '${much("''")}'`, `a in (${much('1,')}1)`, `a like '${much('b')}%'`], parseWhere)).toEqual(['value'])
    expect(outcomes([much('(')], parseWhere)).toEqual(['INVALID'])
  })

  it('as a table name or a namespace', () => {
    const texts = around(['', '`', 'a.', '`a'], ['a', '.', '`', '``', 'a.', '` '], ['', '`', '.b'])
    expect(outcomes(texts, (text) => printTableIdentifier(parseTableIdentifier(text)))).toEqual(['INVALID'])
  })

  it('as a location', () => {
    const texts = around(['', 's3:', 'file:///', 's3://b/w/'], ['/', '%25', '%2', '../', 'a:', '+', '='], ['', '%2e%2e', '\0'])
    const rules = { prefixes: ['s3://b/w', '/data/w'] }
    expect(outcomes(texts, (text) => checkLocation(text, rules)).filter((code) => !['INVALID', 'value'].includes(code))).toEqual([])
    for (const text of texts) {
      outcome(() => parseLocation(text))
      outcome(() => isInside('s3://b/w', text))
      outcome(() => parentLocation(text))
      stripTrailingSlashes(text)
      parseMetadataFileName(text)
      parseMetadataFileName(`${text}.metadata.json`)
    }
  })

  it('as a number, a decimal, a date, a time or a UUID', () => {
    const kinds = ['int', 'long', 'float', 'double', 'date', 'time', 'timestamp', 'timestamptz', 'timestamp_ns', 'uuid'] as const
    const types: PrimitiveType[] = [...kinds.map((kind) => ({ kind })), { kind: 'decimal', precision: 38, scale: 10 }]
    const heads = ['', '-', '1', '1.', '0.', '1e', '2024-01-01T', '2024-01-01T00:00:00.', '2024-']
    const texts = around(heads, ['0', '9', '1.', '-', ' ', ':', '00:', 'e', '_'], ['', 'x', 'Z', 'e9'])
    for (const type of types) {
      expect(outcomes(texts, (text) => toValue(type, text)).filter((code) => !['INVALID', 'value'].includes(code))).toEqual([])
    }
    for (const type of types) outcomes(texts.slice(0, 60), (text) => valueFromJson(type, text))
    for (const text of texts) {
      outcome(() => parseIsoDate(text))
      outcome(() => parseIsoTime(text))
      outcome(() => parseIsoTimestamp(text, 'nanos', 'none'))
      outcome(() => Decimal.parse(text))
      guessText(text)
    }
  })

  it('as JSON: a document, an expression, a name mapping', () => {
    const texts = around(['', '[', '{"a":', '"', '[1', '1e'], [' ', '[', '{"a":', '\\', '\\u', '1', ',', '1,', '"",'], ['', ']', '"'])
    expect(outcomes(texts, (text) => parseJson(text)).filter((code) => !['CORRUPT', 'INVALID', 'value'].includes(code))).toEqual([])
    for (const text of texts) outcome(() => parseNameMapping(text))
    const expression = printExpression(startsWith('a', much('%')))
    expect(outcome(() => parseExpression(expression))).toBe('value')
  })

  it('as CSV', () => {
    const texts = around(['', '"', 'a,"'], ['"', '""', ',', 'a', '\n', '\r', '",'], ['', '"', '\n'])
    for (const text of texts) {
      outcome(() => {
        const parser = new CsvParser()
        return [...parser.push(text), ...parser.finish()]
      })
    }
  })
})
