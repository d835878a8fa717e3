import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseJson } from '../../src/util/json.js'
import { floe } from './run.js'

const golden = join(import.meta.dirname, '../golden')
const mapping = ['--map-prefix', `s3://iceberg-fixtures/shared/=${join(golden, 'tables')}`]

let folder: string
let table: string

const CSV = `id,ts,kind,amount,note
1,2024-01-01T10:00:00Z,click,1.5,"a,b"
2,2024-01-02T10:00:00Z,view,2,
3,2024-02-01T10:00:00Z,click,,""
`

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-'))
  table = `${join(folder, 'lake')}#shop.events`
  const args = ['append', table, '--from', file('events.csv', CSV), '--create', '--partition-by', 'day(ts), bucket(16, id)']
  const { code, out, err } = await floe([...args, '--sort-by', 'ts desc nulls last', '--property', 'owner=a=b'])
  expect(err).toMatch(/created shop\.events with a schema inferred from 3 rows of .*: id long, ts timestamptz, kind string, amount double, note string/)
  expect(out).toMatch(/^Appended 3 rows to shop\.events in 3 files: snapshot \d+\n$/)
  expect(code).toBe(0)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('floe scan', () => {
  it('prints the golden rows of a table behind a mapped prefix', async () => {
    const metadata = parseJson(readFileSync(join(golden, 'expected/nested_types/table.json'), 'utf8')) as { metadata: string }
    const { code, out } = await floe(['scan', metadata.metadata, ...mapping])
    expect(code).toBe(0)
    expect(out.trimEnd().split('\n').sort().join('\n')).toBe(readFileSync(join(golden, 'expected/nested_types/current.jsonl'), 'utf8').trimEnd())
  })

  it('appends metadata columns, and refuses names that are none', async () => {
    const { metadata } = parseJson(readFileSync(join(golden, 'expected/v3_row_lineage/table.json'), 'utf8')) as { metadata: string }
    const { out } = await floe(['scan', metadata, ...mapping, '--metadata-columns', '_row_id, _last_updated_sequence_number'])
    const expected = readFileSync(join(golden, 'expected/v3_row_lineage/current.lineage.jsonl'), 'utf8')
    expect(out.split('\n').sort()).toEqual(expected.split('\n').sort())
    const { code, err } = await floe(['scan', metadata, ...mapping, '--metadata-columns', 'row_id'])
    expect([code, err]).toEqual([2, expect.stringContaining('--metadata-columns takes some of _file, _pos')])
  })

  it('filters, selects and limits', async () => {
    const { out } = await floe(['scan', table, '--where', "kind = 'click' and ts < '2024-01-15T00:00:00Z'", '--select', 'id,note'])
    expect(out).toBe('{"id":"1","note":"a,b"}\n')
    expect((await floe(['scan', table, '--limit', '2'])).out.split('\n')).toHaveLength(3)
  })

  it('prints a table that fits the terminal, with what it left out', async () => {
    const { out } = await floe(['scan', table, '--select', 'id,ts,amount'], { columns: 30 })
    expect(out).toBe(
      [
        'id  ts                  amount',
        '──  ──────────────────  ──────',
        ' 1  2024-01-01T10:00:…     1.5',
        ' 2  2024-01-02T10:00:…       2',
        ' 3  2024-02-01T10:00:…    null',
        '(3 rows)',
        '',
      ].join('\n'),
    )
    const narrow = await floe(['scan', table, '--limit', '3'], { columns: 22 })
    expect(narrow.out.split('\n').slice(0, -3).every((line) => [...line].length <= 22)).toBe(true)
    expect(narrow.out).toContain('(3 rows, stopped by --limit)\n(not shown: amount, note; choose with --select)\n')
  })

  it('prints JSON lines on a terminal as well when --json asks for them', async () => {
    const { out } = await floe(['scan', table, '--select', 'id', '--json', '--limit', '1'], { columns: 80 })
    expect(out).toMatch(/^\{"id":"\d"\}\n$/)
    expect((await floe(['scan', table, '--json', '--format', 'csv'], { columns: 80 })).out).toMatch(/^id,ts,kind/)
  })

  it('shows control characters instead of sending them to the terminal', async () => {
    const other = `${join(folder, 'lake')}#shop.control`
    await floe(['append', other, '--create', '--input-format', 'jsonl', '--from', '-'], { stdin: '{"a":"\\u001b[2Jx\\ny"}\n' })
    expect((await floe(['scan', other], { columns: 80 })).out.split('\n')[2]).toBe('\\u001b[2Jx\\ny')
  })

  for (const format of ['csv', 'jsonl', 'arrow', 'parquet']) {
    it(`writes ${format} that appends again to equal rows`, async () => {
      const path = join(folder, `copy.${format}`)
      expect((await floe(['scan', table, '-o', path])).code).toBe(0)
      const copy = `${join(folder, 'lake')}#copies.${format}`
      // The canonical form has times as digits: its columns are made by another file.
      if (format === 'jsonl') await floe(['append', copy, '--create', '--from', join(folder, 'events.csv')])
      expect(await floe(['append', copy, '--create', '--from', path])).toMatchObject({ code: 0 })
      const lines = (await floe(['scan', copy])).out.trimEnd().split('\n').sort()
      const original = (await floe(['scan', table])).out.trimEnd().split('\n').sort()
      expect(lines.filter((_, i) => format !== 'jsonl' || i % 2 === 0)).toEqual(original)
      expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
    })
  }

  it('travels to a snapshot and to a time', async () => {
    const other = `${join(folder, 'lake')}#shop.travel`
    for (const id of [1, 2]) await floe(['append', other, '--create', '--input-format', 'jsonl', '--from', '-'], { stdin: `{"id":${id}}\n` })
    const [first, second] = parseJson((await floe(['inspect', other, 'snapshots', '--json'])).out) as never as { snapshot_id: string; committed_at: string }[]
    expect((await floe(['scan', other, '--snapshot', first!.snapshot_id])).out).toBe('{"id":"1"}\n')
    expect((await floe(['scan', other, '--as-of', second!.committed_at])).out.split('\n')).toHaveLength(3)
    expect(await floe(['scan', other, '--as-of', '2020-01-01'])).toMatchObject({ code: 1, err: expect.stringMatching(/^floe: NOT_FOUND: /) as string })
  })

  it('keeps the old file when it fails', async () => {
    const path = file('kept.csv', 'old')
    expect((await floe(['scan', table, '--where', 'nope = 1', '-o', path])).code).toBe(1)
    expect(readFileSync(path, 'utf8')).toBe('old')
  })
})

describe('floe append', () => {
  const rows = (lines: string): { stdin: string } => ({ stdin: lines })
  const fromStdin = ['--input-format', 'jsonl', '--from', '-']

  it('does nothing the second time for one token', async () => {
    const other = `${join(folder, 'lake')}#shop.once`
    const args = ['append', other, '--create', '--idempotency-token', 't1', '--json', ...fromStdin]
    const first = await floe(args, rows('{"id":1}\n'))
    const again = await floe(args, rows('{"id":1}\n'))
    expect(parseJson(first.out)).toMatchObject({ repeated: false, added_records: 1 })
    expect(parseJson(again.out)).toMatchObject({ repeated: true, added_records: 0 })
    expect((await floe(['scan', other])).out).toBe('{"id":"1"}\n')
  })

  it('appends nothing when a row does not fit, or skips such rows and counts them when asked', async () => {
    const other = `${join(folder, 'lake')}#shop.invalid`
    await floe(['append', other, '--create', ...fromStdin], rows('{"id":1}\n'))
    const bad = rows('{"id":2}\n{"id":"x"}\n')
    expect(await floe(['append', other, ...fromStdin], bad)).toMatchObject({ code: 1, err: expect.stringContaining('row 1: expected long') as string })
    const skipped = await floe(['append', other, '--on-invalid', 'skip', ...fromStdin], bad)
    expect(skipped.out).toMatch(/^Appended 1 row to shop\.invalid in 1 file, 1 skipped/)
    expect(skipped.err).toContain('floe: skipped: row 1: expected long')
  })

  it('appends to a branch, and to a table named by its folder', async () => {
    const other = `${join(folder, 'lake')}#shop.branched`
    await floe(['append', other, '--create', ...fromStdin], rows('{"id":1}\n'))
    expect((await floe(['append', join(folder, 'lake/shop/branched'), '--branch', 'audit', ...fromStdin], rows('{"id":2}\n'))).code).toBe(0)
    expect((await floe(['scan', other])).out).toBe('{"id":"1"}\n')
    expect((await floe(['scan', other, '--ref', 'audit'])).out.split('\n').sort()).toEqual(['', '{"id":"1"}', '{"id":"2"}'])
  })

  it('is aborted by its signal without a commit', async () => {
    const controller = new AbortController()
    controller.abort(new DOMException('Interrupted', 'AbortError'))
    const before = (await floe(['inspect', table, 'snapshots', '--json'])).out
    const aborted = await floe(['append', table, '--from', join(folder, 'events.csv')], { signal: controller.signal })
    expect(aborted).toMatchObject({ code: 1, err: expect.stringMatching(/^floe: ABORTED: /) as string })
    expect((await floe(['inspect', table, 'snapshots', '--json'])).out).toBe(before)
  })
})

describe('floe inspect', () => {
  it('prints every kind of metadata as a table and as JSON', async () => {
    const kinds = ['snapshots', 'history', 'refs', 'schema', 'schemas', 'properties', 'metadata-log', 'files', 'data-files', 'delete-files', 'manifests']
    const more = ['entries', 'partitions', 'all-files', 'all-data-files', 'all-delete-files', 'all-manifests', 'all-entries']
    for (const kind of [...kinds, ...more]) {
      const [text, json] = [await floe(['inspect', table, kind], { columns: 80 }), await floe(['inspect', table, kind, '--json'])]
      expect([kind, text.code, json.code]).toEqual([kind, 0, 0])
      const rows = parseJson(json.out) as unknown[]
      expect(text.out.split('\n').every((line) => [...line].length <= 80)).toBe(true)
      expect(text.out).toContain(`(${rows.length} row`)
    }
  })

  it('prints dates in ISO 8601, 64-bit ids as texts of their digits and bytes in hexadecimal', async () => {
    const rows = parseJson((await floe(['inspect', table, 'files', '--json'])).out) as unknown as Record<string, unknown>[]
    expect(rows.map((row) => (row['partition'] as { ts_day: string }).ts_day).sort()).toEqual(['2024-01-01', '2024-01-02', '2024-02-01'])
    expect((rows[0]!['lower_bounds'] as Record<string, string>)['1']).toMatch(/^[0-9a-f]{16}$/)
    expect((rows[0]!['readable_metrics'] as { ts: { lower_bound: string } }).ts.lower_bound).toMatch(/^2024-/)
    expect((await floe(['inspect', table, 'snapshots', '--json'])).out).toMatch(/"snapshot_id":"\d+",/)
  })
})

describe('floe plan', () => {
  const where = ['--where', "ts < '2024-01-02T00:00:00Z'"]

  it('sums up what is read and skipped, and explains each file when asked', async () => {
    const short = await floe(['plan', table, ...where])
    expect(short.out).toMatch(/^Snapshot \d+, where ts < timestamp '2024-01-02T00:00:00\+00:00'\nReads 1 of 3 files, .* of .* \(\d+ %\), at most 1 row\.\n/)
    const long = await floe(['plan', table, ...where, '--explain'])
    expect(long.out).toMatch(/ {2}skip {2}data\/ts_day=2024-01-02\/.*\n {8}.*1 row: ts_day <= date '2024-01-01': partition value date '2024-01-02'/)
    expect(long.out.endsWith(short.out.split('\n').slice(1).join('\n'))).toBe(true)
  })

  it('gives the same as JSON', async () => {
    const plan = parseJson((await floe(['plan', table, ...where, '--explain', '--json'])).out) as never as { files: object; decisions: { kind: string; read: boolean }[] }
    expect(plan.files).toEqual({ total: 3, skipped: 2, read: 1, skipped_by_partition: 2, skipped_by_metrics: 0 })
    expect(plan.decisions.filter(({ kind, read }) => kind === 'file' && read)).toHaveLength(1)
  })

  it('tells of the deletes that are to be applied, with their bytes', async () => {
    const { metadata } = parseJson(readFileSync(join(golden, 'expected/v3_dv_and_eq/table.json'), 'utf8')) as { metadata: string }
    const { out } = await floe(['plan', metadata, ...mapping, '--explain'])
    expect(out).toMatch(/\nDeletes\n {2}read {2}data\/.*\n {8}\d.* B, \d+ rows?: deletion vector: it applies to one planned file\n/)
    expect(out).toMatch(/\d files? to read (?:has|have) row-level deletes: \d deletion vectors?, \d equality delete files?, .*B\.\n$/)
    const json = parseJson((await floe(['plan', metadata, ...mapping, '--json'])).out) as { deletes: Record<string, number> }
    expect(json.deletes).toMatchObject({ position_files: 0 })
    expect(json.deletes['read_bytes']).toBeGreaterThan(0)
  })
})
