/** The house style as a test: names, sizes, words, citations. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import layers from '../../scripts/layers.json' with { type: 'json' }
import traps from './traps.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** Everything that is or is about to be committed. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))
const source = files.filter((file) => file.startsWith('src/') && file.endsWith('.ts'))
const tests = files.filter((file) => file.startsWith('test/') && file.endsWith('.ts'))
/** Written by hand: what the rules on wording apply to. */
const prose = files.filter((file) => /\.(?:ts|js|mjs|cjs|md|sh|py)$/.test(file) || file === '.ci/run')

/** Lines of `candidates` that match, as `file:line: text`. This file names the words it forbids, so it is left out. */
function linesMatching(candidates: readonly string[], pattern: RegExp): string[] {
  return candidates
    .filter((file) => file !== 'test/house/tidy.test.ts')
    .flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    )
}

describe('names', () => {
  it('files of source and tests are kebab-case', () => {
    const wrong = [...source, ...tests].filter((file) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|isolated\.test|interop))?\.ts$/.test(basename(file)))
    expect(wrong).toEqual([])
  })

  it('no file is a drawer for whatever has no name', () => {
    const wrong = source.filter((file) => /^(?:utils?|helpers?|common|types|misc|shared|index)\.ts$/.test(basename(file)) && file !== 'src/index.ts')
    expect(wrong).toEqual([])
  })

  it('every folder of src stands in the layer list', () => {
    const folders = new Set(source.filter((file) => file.split('/').length > 2).map((file) => file.split('/')[1]!))
    const listed = new Set([...layers.pure, ...layers.impure])
    expect([...folders].filter((folder) => !listed.has(folder))).toEqual([])
  })

  it('exports name nouns of the format, not vague services', () => {
    const vague = /^export (?:abstract )?(?:class|interface|function|const|async function) \w*(?:Manager|Helper|Util|Utils|Processor|Handler)\b/
    expect(linesMatching(source, vague)).toEqual([])
  })
})

describe('sizes', () => {
  it('a file over 500 lines says why at its head', () => {
    const wrong = source.filter((file) => {
      const lines = read(file).split('\n')
      return lines.length > 501 && !lines.slice(0, 20).some((line) => /over 500 lines because/i.test(line))
    })
    expect(wrong).toEqual([])
  })

  it('the public index is a list of names of at most 110 lines', () => {
    if (!existsSync(join(root, 'src/index.ts'))) return
    expect(read('src/index.ts').split('\n').length).toBeLessThanOrEqual(111)
  })
})

describe('words', () => {
  it('nothing is left to do, and nothing tells its own history', () => {
    expect(linesMatching([...source, ...tests], /\b(?:TODO|FIXME|XXX|HACK)\b/)).toEqual([])
  })

  it('the project stands alone: no path of the machine it was written on', () => {
    expect(linesMatching(prose, /\/work\/|\/root\/|shared\/(?:DESIGN|STYLE|TRAPS|FAULTS|fixtures|oracle|peers)/)).toEqual([])
  })

  it('only source of chance, clock and waiting is the runtime', () => {
    const direct = /\bDate\.now\(|\bMath\.random\(|\bperformance\.now\(|\bsetTimeout\(|\bsetInterval\(|\brandomUUID\(/
    const elsewhere = source.filter((file) => file !== 'src/util/runtime.ts')
    expect(linesMatching(elsewhere, direct)).toEqual([])
  })

  it('no code is made from strings', () => {
    expect(linesMatching(source, /\bnew Function\(|\beval\(/)).toEqual([])
  })

  it('lint rules are not switched off without a reason beside the line', () => {
    expect(linesMatching([...source, ...tests], /eslint-disable(?!.* -- )|@ts-ignore|@ts-nocheck/)).toEqual([])
  })

  it('citations of the spec have the one greppable form', () => {
    expect(linesMatching(source, /\/\/ (?:See )?(?:the )?[Ss]pec(?! ?: )[,.]? §/)).toEqual([])
  })
})

describe('tests', () => {
  it('no test is focused', () => {
    expect(linesMatching(tests, /\b(?:it|describe|test)\.only\b/)).toEqual([])
  })

  it('a skipped test gives its reason to the run', () => {
    expect(linesMatching(tests, /\b(?:it|describe|test)\.(?:skip|todo)\(/)).toEqual([])
  })

  it('every trap in scope is cited by a test', () => {
    const numbers = [...read('docs/traps.md').matchAll(/^(\d+[a-z]?)\. /gm)].map((match) => match[1]!)
    const later = new Set(Object.values(traps.later).flat())
    const cited = new Set(tests.flatMap((file) => [...read(file).matchAll(/\btraps? (\d+[a-z]?(?:(?:, | and )\d+[a-z]?)*)/g)].flatMap((m) => m[1]!.split(/, | and /))))
    expect(numbers.length).toBeGreaterThan(80)
    expect(numbers.filter((number) => !cited.has(number) && !later.has(number))).toEqual([])
  })
})
