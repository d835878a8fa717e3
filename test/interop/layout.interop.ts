/** The layout page in a browser: it draws, complains of nothing and asks nobody for anything. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import { layoutPage } from '../../src/index.js'
import { someLayout } from '../maintenance/layout/some-layout.js'
import { chromiumExecutable, requireTool } from './tools.js'

const folder = mkdtempSync(join(tmpdir(), 'floe-chromium-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
})

const QUIET = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update']

/** What the browser prints to either stream when it opens an address. */
async function chromium(address: string, ...options: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const profile = mkdtempSync(join(folder, 'profile-'))
  const logging = ['--enable-logging=stderr', '--v=0', `--user-data-dir=${profile}`]
  return promisify(execFile)(chromiumExecutable(), [...QUIET, ...logging, ...options, address], { maxBuffer: 2 ** 26, timeout: 120_000 })
}

const ATTACK = '<script>document.title="ran"</script><img src=x onerror="document.title=1">'

it('draws every picture of the page, asks for the page alone, and has no complaint', async (context) => {
  requireTool(context, 'chromium')
  const page = layoutPage({ ...someLayout(), table: ATTACK })
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    response.writeHead(request.url === '/layout.html' ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' }).end(page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { stdout, stderr } = await chromium(`http://127.0.0.1:${(server.address() as AddressInfo).port}/layout.html`, '--dump-dom')
    expect(stdout.match(/<svg /g)).toHaveLength(15)
    expect(stdout).toContain('· table layout</title>')
    expect(stdout).not.toContain('<script')
    expect(stderr).not.toMatch(/CONSOLE|Refused|violates/)
    // The browser itself asks any server for an icon.
    expect(asked.filter((path) => path !== '/favicon.ico')).toEqual(['/layout.html'])
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

it.for([
  ['light and wide', 1360, []],
  ['dark and narrow', 500, ['--force-dark-mode', '--blink-settings=preferredColorScheme=0']],
] as const)('can be seen from a file, %s', async ([name, width, options], context) => {
  requireTool(context, 'chromium')
  const file = join(folder, 'layout.html')
  const image = join(folder, `${name}.png`)
  writeFileSync(file, layoutPage(someLayout()))
  await chromium(`file://${file}`, ...options, '--hide-scrollbars', `--window-size=${width},1200`, `--screenshot=${image}`)
  const bytes = readFileSync(image)
  expect(bytes.subarray(1, 4).toString()).toBe('PNG')
  expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([width, 1200])
  // A page that is blank compresses to a few kilobytes.
  expect(bytes.length).toBeGreaterThan(30_000)
})
