/** The command line as a process of its own, bundled the way the package is. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Metafile } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
let bundle: string
let folder: string
let metafile: Metafile

beforeAll(async () => {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  // Below node_modules, so that the packages are found from there.
  bundle = mkdtempSync(join(cache, 'floe-cli-'))
  folder = mkdtempSync(join(tmpdir(), 'floe-cli-process-'))
  const options = { bundle: true, splitting: true, metafile: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external' } as const
  metafile = (await build({ ...options, entryPoints: [join(root, 'src/cli/main.ts')], outdir: bundle, logLevel: 'error' })).metafile
})

afterAll(() => {
  for (const place of [bundle, folder]) rmSync(place, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(command: string, args: readonly string[]): { readonly child: ReturnType<typeof spawn>; readonly ended: Promise<Ended> } {
  const child = spawn(command, args, { cwd: folder, stdio: 'pipe', env: { ...process.env, FLOE_CLI: join(bundle, 'main.js'), NODE: process.execPath } })
  const texts = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()))
  child.stdin.on('error', () => undefined)
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...texts })))
  return { child, ended }
}

function floe(...args: readonly string[]): ReturnType<typeof start> {
  return start(process.execPath, [join(bundle, 'main.js'), ...args])
}

describe('the floe process', () => {
  it('loads neither Arrow nor WebAssembly for its help', async () => {
    const reached = new Set<string>()
    const visit = (output: string): void => {
      if (reached.has(output)) return
      reached.add(output)
      for (const { path, kind } of metafile.outputs[output]?.imports ?? []) if (kind === 'import-statement') visit(path)
    }
    visit(Object.keys(metafile.outputs).find((output) => output.endsWith('/main.js'))!)
    expect([...reached].filter((path) => !path.endsWith('.js') && !path.startsWith('node:'))).toEqual([])
    expect(await floe('--help').ended).toMatchObject({ code: 0, out: expect.stringContaining('Usage: floe <verb>') as string, err: '' })
  })

  it('appends from standard input, scans, and ends with the exit codes of its contract', async () => {
    const { child, ended } = floe('append', 'lake#a.b', '--create', '--input-format', 'csv', '--from', '-')
    child.stdin!.end(`id,text\n${Array.from({ length: 20_000 }, (_, i) => `${i},some text that fills the pipe ${i}`).join('\n')}\n`)
    expect(await ended).toMatchObject({ code: 0, out: expect.stringMatching(/^Appended 20,000 rows to a\.b/) as string })
    expect((await floe('scan', 'lake#a.b', '--limit', '1').ended).out).toMatch(/^\{"id":"\d+","text":"some text.*"\}\n$/)
    expect(await floe('scan', 'lake#a.none').ended).toMatchObject({ code: 1, err: expect.stringMatching(/^floe: NOT_FOUND: /) as string })
    expect(await floe('scan').ended).toMatchObject({ code: 2 })
  })

  it('ends quietly when the reader of its output goes away', async () => {
    const { ended } = start('bash', ['-c', 'set -o pipefail; "$NODE" "$FLOE_CLI" scan "lake#a.b" | head -n 1'])
    const { code, out, err } = await ended
    expect({ code, lines: out.trimEnd().split('\n').length, err }).toEqual({ code: 0, lines: 1, err: '' })
  })

  it('aborts on SIGINT while it waits for input, and commits nothing', async () => {
    const { child, ended } = floe('append', 'lake#a.c', '--create', '--input-format', 'csv', '--from', '-')
    child.stdin!.write(`id,text\n${'1,a row of many\n'.repeat(80_000)}2,`)
    // The table is made once the sample is full; from then on it waits for more rows.
    await new Promise((resolve) => child.stderr!.once('data', resolve))
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^floe: created a\.c .*\nfloe: ABORTED: /) as string })
    expect(await floe('scan', 'lake#a.c').ended).toMatchObject({ code: 0, out: '' })
  })
})
