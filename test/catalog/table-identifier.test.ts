import { describe, expect, it } from 'vitest'
import { checkIdentifier, parseTableIdentifier, printTableIdentifier } from '../../src/catalog/table-identifier.js'

describe('table identifiers', () => {
  it('are read and printed alike', () => {
    for (const [text, namespace, name] of [
      ['t', [], 't'],
      ['shop.events', ['shop'], 'events'],
      ['a.b.c', ['a', 'b'], 'c'],
      ['a.`b.c`', ['a'], 'b.c'],
      ['`a``b`.c', ['a`b'], 'c'],
      ['a._.__proto__', ['a', '_'], '__proto__'],
      ['ü.😀', ['ü'], '😀'],
    ] as const) {
      expect(parseTableIdentifier(text)).toEqual({ namespace, name })
      expect(printTableIdentifier({ namespace, name })).toBe(text)
    }
  })

  it('a name in backticks that needs none is the same name', () => {
    expect(parseTableIdentifier('`a`.`b`')).toEqual({ namespace: ['a'], name: 'b' })
  })

  it('malformed and hostile ones are INVALID (CVE-2026-42810)', () => {
    const names = ['*', 'a*', '?', '${aws:x}', '{', '$', '..', 'a/b', 'a\\b', 'a\u0000b', 'a\u007f', 'a\u0085', '\ud800', '%41', '.a', ' a', 'a\t', 'x'.repeat(256), 'ü'.repeat(128)]
    for (const name of names) {
      expect(() => checkIdentifier({ namespace: [], name }), name).toThrow(/cannot be the name of a table/)
      expect(() => checkIdentifier({ namespace: ['ok', name], name: 'ok' }), name).toThrow(/cannot be the name of a namespace/)
    }
    for (const text of ['', '.', 'a.', '.a', 'a..b', '`a', '`a`b', 'a.`', '``']) expect(() => parseTableIdentifier(text), text).toThrow()
  })
})
