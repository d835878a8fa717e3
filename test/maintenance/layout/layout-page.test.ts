import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layoutPage } from '../../../src/maintenance/layout/layout-page.js'
import type { TableLayout } from '../../../src/maintenance/layout/layout-types.js'
import { bytesText, clipMiddle, escapeText, percentText, shortCount } from '../../../src/maintenance/layout/page/html-text.js'
import { byteTicks, ticks } from '../../../src/maintenance/layout/page/svg-chart.js'
import { someLayout } from './some-layout.js'

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload='x",
  '</title></style><b>',
  ']]> -->',
  'javascript:x',
  '\u202Eevil\u0000\uD800',
  '&lt;b&gt;',
]

/** Every name that the data of a table decides. */
function named(name: string): TableLayout {
  const layout = someLayout()
  const refs = layout.history.refs.map((ref) => ({ ...ref, name }))
  return {
    ...layout,
    table: name,
    location: name,
    metadataLocation: name,
    ref: name,
    clustering: layout.clustering.map((one) => ({ ...one, order: name })),
    columns: { ...layout.columns, measured: layout.columns.measured.map((column) => ({ ...column, column: name, type: name })) },
    partitions: { ...layout.partitions, largest: layout.partitions.largest.map((partition) => ({ ...partition, path: name })) },
    growth: { ...layout.growth, points: layout.growth.points.map((point) => ({ ...point, operation: name })) },
    history: { ...layout.history, refs },
    advice: [{ weight: 'act', title: name, why: name, command: 'compact' }],
  }
}

/** The tags of a document, names and attributes' names only: what names in it must never change. */
function skeleton(page: string): string {
  const tags = page.match(/<[^<>]*>/g) ?? []
  return tags.map((tag) => tag.replace(/"[^"]*"/g, '""')).join('')
}

describe('the page of a layout', () => {
  it('is one document that loads nothing and runs nothing', () => {
    const page = layoutPage(someLayout())
    expect(page.startsWith('<!doctype html>')).toBe(true)
    expect(page).not.toMatch(/\b(?:https?:|src=|href=|url\(|@import|<script|<link|<iframe|<object|<image|\bon\w+=)/i)
    expect(page).toContain("default-src 'none'")
  })

  it('shows pictures first and tables second', () => {
    const page = layoutPage(someLayout())
    const titles = Array.from(page.matchAll(/<h2>([^<]*)/g), ([, title]) => title)
    expect(titles).toEqual(['What would help', 'Files', 'Clustering and skipping', 'Deletes', 'Growth', 'Metadata', 'In numbers'])
    const cards = Array.from(page.matchAll(/<figure class="card" id="([^"]*)"/g), ([, id]) => id)
    expect(cards).toEqual([
      ...['sizes', 'partition-sizes', 'partitions', 'skipping', 'depth-columns', 'depth', 'deletes', 'deletes-by-file', 'growth-deletes'],
      ...['growth-rows', 'growth-bytes', 'growth-files', 'manifests', 'history', 'timeline'],
    ])
    expect(page.lastIndexOf('</svg>')).toBeLessThan(page.indexOf('<table>'))
  })

  it('names and describes every picture, for who cannot see it', () => {
    const page = layoutPage(someLayout())
    const pictures = page.match(/<svg [^>]*>/g)!
    expect(pictures.length).toBe(15)
    for (const picture of pictures) {
      const [, title, description] = /role="img" aria-labelledby="(\S+) (\S+)"/.exec(picture)!
      expect(page).toContain(`<title id="${title}">`)
      expect(page).toContain(`<desc id="${description}">`)
    }
    const ids = Array.from(page.matchAll(/ id="([^"]*)"/g), ([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('draws for light and for dark, and for narrow screens', () => {
    const page = layoutPage(someLayout())
    expect(page).toContain('@media (prefers-color-scheme: dark)')
    expect(page).toContain('width=device-width')
  })

  it.each(HOSTILE)('keeps %j text wherever it may be a name', (name) => {
    const page = layoutPage(named(name))
    expect(skeleton(page) === skeleton(layoutPage(named('harmless')))).toBe(true)
    expect(page).not.toMatch(/\p{Surrogate}/u)
    expect([...page].some((character) => character === '\0' || character === '\u202e')).toBe(false)
  })

  it('keeps any name text', () => {
    const expected = skeleton(layoutPage(named('harmless')))
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (name) => {
        fc.pre(name !== '')
        expect(skeleton(layoutPage(named(name))) === expected).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('is the same for the same layout', () => {
    expect(layoutPage(someLayout())).toBe(layoutPage(someLayout()))
  })

  it('has no number that is none', () => {
    expect(layoutPage(someLayout())).not.toMatch(/NaN|Infinity|undefined|null/)
    const layout = someLayout()
    const point = { ...layout.growth.points[0]!, files: 0, rows: 0, bytes: 0, deleteFiles: null }
    const zero = { ...layout, growth: { snapshots: 1, points: [point] } }
    expect(layoutPage(zero)).not.toMatch(/NaN|Infinity|undefined|null/)
  })
})

describe('texts of the page', () => {
  it('are short, and never say nothing of something, or all of almost all', () => {
    expect([0, 0.001, 0.5, 0.9999, 1].map(percentText)).toEqual(['0 %', '<1 %', '50 %', '>99 %', '100 %'])
    expect([0, 999, 1000, 999_999, 1_250_000].map(shortCount)).toEqual(['0', '999', '1 k', '1 M', '1.3 M'])
    expect([0, 1023, 1024, 1_048_575, 3 * 2 ** 40].map(bytesText)).toEqual(['0 B', '1,023 B', '1 KiB', '1 MiB', '3 TiB'])
  })

  it('cut long names in the middle, between characters', () => {
    expect(clipMiddle('abcdefghij', 5)).toBe('ab…ij')
    expect(clipMiddle('😀😀😀😀😀', 3)).toBe('😀…😀')
    expect(clipMiddle('short', 5)).toBe('short')
  })

  it('escape markup, and show what cannot be seen', () => {
    expect(escapeText('<a b="c">&\'\u202e\n')).toBe('&lt;a b=&quot;c&quot;&gt;&amp;&#39;\\u{202e}\\u{a}')
  })

  it('mark axes at round numbers from 0 on that reach the most', () => {
    for (const most of [1, 2, 3, 7, 10, 33, 99, 100, 101, 12_345, 9_999_999]) {
      for (const scale of [ticks(most), byteTicks(most)]) {
        expect(scale[0]).toBe(0)
        expect(scale.at(-1)).toBeGreaterThanOrEqual(most)
        expect(scale.at(-2)).toBeLessThan(most)
        expect(scale.length).toBeLessThan(8)
        expect(scale.every(Number.isInteger)).toBe(true)
      }
    }
    expect(ticks(0)).toEqual([0, 1])
  })
})
