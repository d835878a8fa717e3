/** The code of README.md runs as printed: every `ts` block, in order, as one program each, against the sources. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)

let folder: string

beforeAll(() => {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  // Below node_modules, so that the packages are found from there.
  folder = mkdtempSync(join(cache, 'floe-readme-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('README.md', () => {
  it('has examples', () => {
    expect(blocks.length).toBeGreaterThan(0)
  })

  for (const [index, block] of blocks.entries()) {
    it(`example ${index + 1} prints what its comments say`, async () => {
      const [source, program] = [join(folder, `example-${index}.ts`), join(folder, `example-${index}.mjs`)]
      // Paths of the examples are relative: each runs in an empty folder of its own.
      writeFileSync(source, block)
      const alias = { floe: join(root, 'src/index.ts') }
      const options = { bundle: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external', alias } as const
      await build({ ...options, entryPoints: [source], outfile: program, logLevel: 'error' })
      const work = join(folder, `work-${index}`)
      mkdirSync(work)
      const output = execFileSync(process.execPath, [program], { cwd: work, encoding: 'utf8' })
      const expected = [...block.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map((match) => match[1]!)
      expect(output.trimEnd().split('\n')).toEqual(expected)
    })
  }

  it('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1]!)
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([])
  })
})
