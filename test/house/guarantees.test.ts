import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const repository = join(import.meta.dirname, '../..')
const text = readFileSync(join(repository, 'docs/guarantees.md'), 'utf8')
const promises = text.split('\n').filter((line) => line.startsWith('- '))

it('every promise of docs/guarantees.md names a test that there is', () => {
  expect(promises.length).toBeGreaterThan(10)
  for (const promise of promises) {
    const [, file, title] = /`(test\/[^`]+\.ts)` «([^»]+)»\.$/.exec(promise) ?? []
    expect(file, promise).toBeDefined()
    expect(existsSync(join(repository, file!)), promise).toBe(true)
    const source = readFileSync(join(repository, file!), 'utf8')
    expect([`'${title!}`, `"${title!}`, `\`${title!}`].some((start) => source.includes(`it(${start}`) || source.includes(`)(${start}`)), promise).toBe(true)
  }
})
