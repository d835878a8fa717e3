/**
 * Runs schedules of commits under faults until one breaks a rule:
 *
 *     npm run simulate -- --schedules 100000 --seed 1 [--minutes 8] [--replays] [--actors 4] [--operations 3] [--faults 4]
 *     npm run simulate -- --plan '{"seed":…}' [--log]
 *
 * `FLOE_TESTING` names another build of `floe/testing` than that of `dist`.
 */
import { parseArgs } from 'node:util'
import { pathToFileURL } from 'node:url'

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: 'Infinity' },
    actors: { type: 'string', default: '4' },
    operations: { type: 'string', default: '3' },
    faults: { type: 'string', default: '4' },
    replays: { type: 'boolean', default: false },
    plan: { type: 'string' },
    log: { type: 'boolean', default: false },
  },
})
const build = process.env.FLOE_TESTING
const { runCampaign, simulate } = await import(build === undefined ? '../dist/testing.js' : pathToFileURL(build).href)
if (values.plan !== undefined) await replay(JSON.parse(values.plan))
else await campaign()

async function replay(plan) {
  const { violations, log, hash, history } = await simulate(plan, { keepsLog: values.log })
  for (const line of log) console.log(line)
  for (const { id, kind, outcome, error } of history.operations) console.log(`${id} ${kind}: ${outcome} ${error?.message ?? ''}`)
  report(violations)
  console.log(`log ${hash}`)
}

async function campaign() {
  const started = Date.now()
  const seed = Number(values.seed)
  const { failure, ...total } = await runCampaign({
    seed,
    schedules: Number(values.schedules),
    replays: values.replays,
    limits: { maxActors: Number(values.actors), maxOperations: Number(values.operations), maxFaults: Number(values.faults) },
    onSchedule: () => Date.now() - started > Number(values.minutes) * 60_000,
  })
  const seconds = Math.round((Date.now() - started) / 1000)
  const counts = `${total.steps} steps, ${total.commits} commits, ${total.faults} faults`
  console.log(`seeds ${seed} to ${seed + total.schedules - 1}: ${counts}, ${seconds} s, log ${total.hash}`)
  console.log(`faults by kind: ${[...total.effects].map(([kind, count]) => `${count} ${kind}`).join(', ')}`)
  if (failure === undefined) return
  report(failure.violations)
  console.log(failure.replay)
}

function report(violations) {
  for (const { rule, message } of violations) console.log(`broken: ${rule}: ${message}`)
  if (violations.length > 0) process.exitCode = 1
}
