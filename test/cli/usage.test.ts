import { describe, expect, it } from 'vitest'
import { parsePartitionTerms, parseSortTerms } from '../../src/cli/layout-terms.js'
import { clipText, displayWidth, visibleText } from '../../src/cli/display-text.js'
import { bucket, day, desc, asc, identity, truncate } from '../../src/partition/spec-builder.js'
import { floe } from './run.js'

describe('wrong usage', () => {
  for (const [args, message] of [
    [[], /Name a verb: scan, append, /],
    [['bogus'], /There is no verb "bogus"/],
    [['scan'], /Name a table/],
    [['scan', '/t', '--bogus'], /Unknown option '--bogus'/],
    [['scan', '/t', '--limit', 'x'], /--limit takes a whole number from 0 on, not "x"/],
    [['scan', '/t', '--format', 'xml'], /--format is one of table, jsonl, csv, arrow, parquet, not "xml"/],
    [['scan', '/t', '--format', 'parquet'], /Parquet is written to a file: give -o FILE/],
    [['scan', '/t', '/u'], /One table at a time/],
    [['delete', '/t', '/u', '--where', 'a = 1'], /One table at a time/],
    [['update', '/t', '/u', '--where', 'a = 1', '--set', 'a=2'], /One table at a time/],
    [['fsck', '/t', '/u'], /One table at a time/],
    [['purge', '/t', '/u', '--where', 'a = 1'], /One table at a time/],
    [['append', '/l#t'], /Name the files to append: --from FILE/],
    [['append', '/l#t', '--from', 'a.csv', '--partition-by', 'day(ts)'], /need --create/],
    [['append', '/l#t', '--create', '--from', 'a.csv', '--partition-by', 'day(ts'], /--partition-by cannot read "day\(ts"/],
    [['inspect', '/t', 'nothing'], /Name what to inspect: snapshots/],
    [['inspect', '/t', 'refs', '--ref', 'main'], /--ref and --snapshot do not apply to refs/],
    [['scan', '/t', '--map-prefix', 's3://bucket'], /--map-prefix takes KEY=VALUE/],
  ] as const) {
    it(`floe ${args.join(' ')} ends with exit code 2 and says what to do`, async () => {
      const { code, err, out } = await floe(args)
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toMatch(message)
      expect(err).toMatch(/^floe: INVALID: /)
    })
  }

  it('is told as one JSON object with --json', async () => {
    const { code, err } = await floe(['scan', '/nowhere/at/all', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(err)).toEqual({ error: { code: 'NOT_FOUND', message: expect.any(String) as string, retryable: false, file: '/nowhere/at/all' } })
  })
})

describe('help', () => {
  it('is there for every verb, and fits 80 columns', async () => {
    const overview = (await floe(['--help'])).out
    const verbs = /^Verbs\n((?: {2}.*\n)+)/m.exec(overview)![1]!.trimEnd().split('\n').map((line) => line.trim().split(' ')[0]!)
    const known = /there are (.*)/.exec((await floe(['bogus'])).err)![1]!.split(', ')
    expect([...verbs].sort()).toEqual([...known].sort())
    for (const args of [['help'], ['help', 'scan'], ['inspect', '-h'], ...verbs.map((verb) => [verb, '--help'])]) {
      const { code, out } = await floe(args)
      expect(code).toBe(0)
      expect(out).toMatch(args[0] === 'help' && args.length === 1 ? /^floe —/ : new RegExp(`^Usage: floe ${args.find((arg) => verbs.includes(arg))!} <`))
      expect(out.split('\n').filter((line) => [...line].length > 80)).toEqual([])
    }
  })

  it('is not there for a verb that there is not, and is named by every wrong usage', async () => {
    for (const args of [['help', 'bogus'], ['bogus', '--help']]) {
      expect(await floe(args)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/^floe: INVALID: There is no verb "bogus"; there are /) as string })
    }
    expect((await floe([])).err).toMatch(/\nRun floe --help for how to use it\.\n$/)
  })
})

describe('terms of a table layout', () => {
  it('are read as users write them, bucket and truncate either way round', () => {
    expect(parsePartitionTerms('day(ts), bucket(id, 16),bucket(16, id) , truncate(s, 4), country, a.b')).toEqual([
      day('ts'),
      bucket('id', 16),
      bucket('id', 16),
      truncate('s', 4),
      identity('country'),
      identity('a.b'),
    ])
    expect(parseSortTerms('ts desc nulls last, id asc, desc, day(ts) DESC NULLS FIRST')).toEqual([
      desc('ts', { nulls: 'last' }),
      asc('id'),
      asc('desc'),
      desc(day('ts'), { nulls: 'first' }),
    ])
  })

  for (const text of ['', 'a,,b', 'day(ts', 'day()', 'day(a, b)', 'bucket(id)', 'bucket(id, x)', 'a b', 'foo(x)', 'ts nulls', 'ts last']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parsePartitionTerms(text)).toThrow(/cannot read/)
      expect(() => parseSortTerms(text)).toThrow(/cannot read/)
    })
  }
})

describe('text on a terminal', () => {
  it('is measured in columns: wide characters take two, combining ones none', () => {
    expect(['abc', '日本', 'e\u0301', '🙂', ''].map(displayWidth)).toEqual([3, 4, 1, 2, 0])
  })

  it('is cut to its width at either end', () => {
    expect([clipText('abcdef', 4), clipText('abcdef', 4, 'end'), clipText('日本語', 4), clipText('abc', 3)]).toEqual(['abc…', '…def', '日…', 'abc'])
  })

  it('has no control characters left', () => {
    expect(visibleText('a\u001b[31m\n\u202e\u0085')).toBe('a\\u001b[31m\\n\\u202e\\u0085')
  })
})
