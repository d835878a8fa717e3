/**
 * Ends a test run with the reasons for what was skipped and one plain line: `floe: N passed, N failed, N skipped`.
 * With `FLOE_RESULTS=<file>` the counts go to that file as well, for `.ci/run` to add up.
 */
import { writeFileSync } from 'node:fs'
import type { SerializedError } from 'vitest'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

interface Counts {
  passed: number
  failed: number
  skipped: number
  readonly reasons: Map<string, number>
}

export class ClosingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const counts: Counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, reasons: new Map() }
    for (const module of modules) countModule(module, counts)
    const resultsFile = process.env['FLOE_RESULTS']
    if (resultsFile !== undefined) writeFileSync(resultsFile, JSON.stringify({ ...counts, reasons: [...counts.reasons] }))
    const reasons = [...counts.reasons].map(([reason, times]) => `skipped ${times}: ${reason}`)
    console.log([...reasons, `floe: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`].join('\n'))
  }
}

function countModule(module: TestModule, counts: Counts): void {
  // A file that does not load has no tests to fail, but has failed.
  counts.failed += module.errors().length
  for (const suite of module.children.allSuites()) counts.failed += suite.errors().length
  for (const test of module.children.allTests()) countTest(test, counts)
}

function countTest(test: TestCase, counts: Counts): void {
  const result = test.result()
  if (result.state === 'passed') counts.passed += 1
  else if (result.state === 'skipped') {
    counts.skipped += 1
    const reason = result.note ?? `no reason given, in ${test.module.relativeModuleId}`
    counts.reasons.set(reason, (counts.reasons.get(reason) ?? 0) + 1)
  } else counts.failed += 1
}
