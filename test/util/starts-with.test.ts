import { describe, expect, it } from 'vitest'
import { startsWith } from '../../src/util/starts-with.js'

describe('a list', () => {
  it('starts with itself, with less of itself and with nothing', () => {
    const [a, b] = [{}, {}]
    for (const start of [[a, b], [a], []]) expect(startsWith([a, b], start)).toBe(true)
  })

  it('does not start with more, with others in the same place, or with equals that are not the same', () => {
    const [a, b] = [{}, {}]
    for (const start of [[a, b, b], [b], [b, a], [{}], [a, {}]]) expect(startsWith([a, b], start)).toBe(false)
  })
})
