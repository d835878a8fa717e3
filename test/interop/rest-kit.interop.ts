/** The reference's compatibility kit for REST catalogs, run against what `floe serve` serves. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { serveCatalog } from '../../src/index.js'
import { runJava } from './java-process.js'
import { requireTool } from './tools.js'
import { makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

/** What the kit is told of the catalog: see docs/rest-compatibility.md. */
const ABILITIES = {
  'rck.local': 'false',
  'rck.requires-namespace-create': 'true',
  'rck.overrides-requested-location': 'true',
  'rck.supports-serverside-retry': 'true',
  'rck.supports-names-with-dot': 'true',
  'rck.supports-variant': 'true',
}

interface Results {
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
}

/** Reads JUnit's report. Names of repeated tests have their parameters at the end. */
function readReport(file: string): Results {
  const cases = readFileSync(file, 'utf8').split('<testcase ').slice(1)
  const named = (matches: (text: string) => boolean): readonly string[] =>
    cases.filter(matches).map((text) => /name="([^"]*)"/.exec(text)![1]!).sort()
  const isFailed = (text: string): boolean => /<(?:failure|error)[ >]/.test(text)
  const isSkipped = (text: string): boolean => /<skipped[ >]/.test(text)
  return { failed: named(isFailed), skipped: named(isSkipped), passed: named((text) => !isFailed(text) && !isSkipped(text)) }
}

it('fails the tests of expected-failures.json, and no others', async (context) => {
  requireTool(context, 'rest')
  const here = import.meta.dirname
  const expected = JSON.parse(readFileSync(join(here, 'rest-kit/expected-failures.json'), 'utf8')) as Readonly<Record<string, string>>
  const server = await serveCatalog(warehouse.location)
  const reports = join(warehouse.folder, '.reports')
  try {
    const { output } = await runJava({ ...ABILITIES, uri: server.uri }, [
      'org.junit.platform.console.ConsoleLauncher', 'execute',
      '--select-class', 'org.apache.iceberg.rest.RESTCompatibilityKitCatalogTests',
      '--details=summary', '--disable-banner', '--reports-dir', reports,
    ])
    const { passed, failed, skipped } = readReport(join(reports, 'TEST-junit-jupiter.xml'))
    expect(failed, output).toEqual(Object.keys(expected).sort())
    expect(passed.length + failed.length + skipped.length).toBe(106)
    // The document has the figures, and every reason.
    const document = readFileSync(join(here, '../../docs/rest-compatibility.md'), 'utf8')
    expect(document).toContain(`${passed.length} pass, ${failed.length} fail as expected, ${skipped.length} do not apply`)
    expect(skipped.filter((name) => !document.includes(name))).toEqual([])
    expect(Object.entries(expected).filter(([name, reason]) => !document.includes(`\`${name}\` | ${reason}`))).toEqual([])
  } finally {
    await server.close()
  }
}, 180_000)

it('passes the tests of views, over a catalog that has some', async (context) => {
  requireTool(context, 'rest')
  const server = await serveCatalog('memory:')
  const reports = join(warehouse.folder, '.view-reports')
  try {
    const { output } = await runJava({ ...ABILITIES, 'rck.overrides-requested-location': 'false', uri: server.uri }, [
      'org.junit.platform.console.ConsoleLauncher', 'execute',
      '--select-class', 'org.apache.iceberg.rest.RESTCompatibilityKitViewCatalogTests',
      '--details=summary', '--disable-banner', '--reports-dir', reports,
    ])
    const { passed, failed, skipped } = readReport(join(reports, 'TEST-junit-jupiter.xml'))
    expect(failed, output).toEqual([])
    // The protocol has no path for the root namespace.
    expect(skipped).toEqual(['listViewsInEmptyNamespace()'])
    expect(passed.length).toBe(50)
    const document = readFileSync(join(import.meta.dirname, '../../docs/rest-compatibility.md'), 'utf8')
    expect(document).toContain('50 pass, none fails, 1 does not apply')
  } finally {
    await server.close()
  }
}, 180_000)
