/**
 * Adds up a run of `.ci/run`: prints each step with its time, the reasons for what was skipped, and the closing line.
 * Exits 1 when anything failed. A step that runs tests counts as its tests; any other counts as one.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.argv[2]
const steps = readFileSync(join(folder, 'steps.tsv'), 'utf8').trim().split('\n').map((line) => line.split('\t'))
const total = { passed: 0, failed: 0, skipped: 0 }
const reasons = []

console.log('')
for (const [name, code, seconds] of steps) {
  const succeeded = code === '0'
  const why = code === '124' || code === '137' ? 'FAILED (out of time)' : 'FAILED'
  console.log(`${succeeded ? 'ok' : why}  ${name}  ${seconds} s`)
  const counts = countsOf(name)
  total.passed += counts?.passed ?? (succeeded ? 1 : 0)
  total.skipped += counts?.skipped ?? 0
  // A step that failed is never counted as nothing, whatever its tests reported.
  total.failed += Math.max(counts?.failed ?? 0, succeeded ? 0 : 1)
  for (const [reason, times] of counts?.reasons ?? []) reasons.push(`skipped ${times}: ${reason}`)
}
for (const line of reasons) console.log(line)
console.log(`floe: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed === 0 ? 0 : 1

function countsOf(name) {
  const file = join(folder, `${name}.json`)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}
