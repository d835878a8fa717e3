/** Every fault of docs/faults.md is cited by a test. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import faults from './faults.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** The numbers that a text cites: `fault 23`, `FAULTS 1 to 5, 13 and 15`. */
function citedIn(text: string): readonly number[] {
  return [...text.matchAll(/\bfaults? (#?\d+(?:(?:, | and | to )#?\d+)*)\b/gi)].flatMap((match) =>
    match[1]!.split(/, | and /).flatMap((part) => {
      const [from, to] = part.split(' to ').map((number) => Number(number.replace('#', '')))
      return Array.from({ length: (to ?? from!) - from! + 1 }, (_, i) => from! + i)
    }),
  )
}

it('citations of one fault, of several and of a range of them are found', () => {
  expect(citedIn("it('lives on (fault 23)') // FAULTS 1 to 3, 13 and 15; faults #7, 9; no default 4")).toEqual([23, 1, 2, 3, 13, 15, 7, 9])
})

it('every fault is cited by a test, none by a number that there is not, and later ones say what they wait for', () => {
  const numbers = [...read('docs/faults.md').matchAll(/^(\d+)\. /gm)].map((match) => Number(match[1]))
  expect(numbers).toEqual(Array.from({ length: 48 }, (_, i) => i + 1))
  const later = new Set(Object.values(faults.later as Readonly<Record<string, readonly number[]>>).flat())
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'test'], { cwd: root, encoding: 'utf8' })
  const tests = files.split('\n').filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/house/'))
  const cited = new Set(tests.flatMap((file) => citedIn(read(file))))
  expect(numbers.filter((number) => !cited.has(number) && !later.has(number))).toEqual([])
  expect([...cited].filter((number) => !numbers.includes(number))).toEqual([])
  expect([...later].filter((number) => cited.has(number))).toEqual([])
})
