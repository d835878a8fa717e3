import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runEnd } from '../../src/deletes/text-runs.js'

function packed(texts: readonly string[]): { bytes: Uint8Array; offsets: Int32Array } {
  const parts = texts.map((text) => Buffer.from(text))
  const offsets = new Int32Array(texts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { bytes: Buffer.concat(parts), offsets }
}

/** The ends of all runs, found text by text. */
const naive = (texts: readonly string[]): number[] => texts.flatMap((text, i) => (texts[i + 1] === text ? [] : [i + 1]))

function runs(texts: readonly string[]): number[] {
  const { bytes, offsets } = packed(texts)
  const ends: number[] = []
  for (let from = 0; from < texts.length; from = ends.at(-1)!) ends.push(runEnd(bytes, offsets, from, texts.length))
  return ends
}

describe('runs of equal texts', () => {
  it('are those that a comparison one by one finds', () => {
    const text = fc.constantFrom('', 'a', 'b', 'aa', 'ab', 'aaaa', 'abab')
    const stretch = fc.tuple(text, fc.integer({ min: 1, max: 40 })).map(([value, count]) => Array.from({ length: count }, () => value))
    const check = (stretches: readonly (readonly string[])[]): void => {
      expect(runs(stretches.flat())).toEqual(naive(stretches.flat()))
    }
    fc.assert(fc.property(fc.array(stretch, { maxLength: 8 }), check))
  })

  it('are found in unsorted texts of one length without looking at each pair', () => {
    const texts = Array.from({ length: 60_000 }, (_, i) => (i % 2 === 0 ? 's3://b/a' : 's3://b/b'))
    expect(runs(texts)).toHaveLength(60_000)
  })
})
