import type { RewriteManifestsResult } from '../maintenance/table-upkeep.js'
import { printJson } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import { bytesText, countOf, countText } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { sizeOption } from './size-option.js'

/** `floe rewrite-manifests`: brings the entries of manifests into the order of their partitions. */
export async function rewriteManifestsVerb(args: readonly string[], { stdout, signal }: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    'cluster-by': { type: 'string', multiple: true },
    'target-size': { type: 'string' },
    'spec-id': { type: 'string' },
    all: { type: 'boolean' },
    branch: { type: 'string' },
    'dry-run': { type: 'boolean' },
  })
  options.refuseSecondTable()
  const clusterBy = options.texts('cluster-by').flatMap((text) => text.split(',')).map((text) => text.trim())
  await withTable(options, 'change', async (table) => {
    const dryRun = options.flag('dry-run')
    const result = await table.rewriteManifests({
      ...(clusterBy.length === 0 ? {} : { clusterBy }),
      targetSizeBytes: sizeOption(options, 'target-size'),
      specId: options.count('spec-id'),
      rewriteAll: options.flag('all'),
      branch: options.text('branch'),
      dryRun,
      signal,
    })
    if (options.flag('json')) await stdout.line(printJson(jsonOf({ table: table.name, dry_run: dryRun, ...resultJson(result) })))
    else await stdout.write(resultText(table.name, result, dryRun))
  })
}

function resultJson(result: RewriteManifestsResult): object {
  return {
    snapshot_id: result.snapshot?.snapshotId ?? null,
    rewritten_manifests: result.rewrittenManifests,
    added_manifests: result.addedManifests,
    kept_manifests: result.keptManifests,
    entries: result.entries,
    bytes_before: result.bytesBefore,
    bytes_after: result.bytesAfter,
    groups: result.groups.map(({ content, specId, rewritten, added, reason, readsPerPartition }) => {
      return { content, spec_id: specId, rewritten, added, reason, reads_per_partition: readsPerPartition ?? null }
    }),
  }
}

function resultText(table: string, result: RewriteManifestsResult, dryRun: boolean): string {
  const { rewrittenManifests, addedManifests, keptManifests, entries, bytesBefore, bytesAfter } = result
  const verb = dryRun ? 'would become about' : 'became'
  const head = rewrittenManifests === 0
    ? `${table}: no manifest is worth rewriting`
    : `${table}: ${countOf(rewrittenManifests, 'manifest')} ${verb} ${addedManifests}, ${keptManifests} kept`
  const moved = `; ${countText(entries)} entries moved, ${bytesText(bytesBefore)} before, ${bytesText(bytesAfter)} after`
  const size = dryRun || rewrittenManifests === 0 ? '' : moved
  const lines = result.groups.map(({ content, specId, reason, readsPerPartition: reads }) => {
    const gain = reads === undefined ? '' : `; a partition's look-up reads ${reads.before.toFixed(1)} manifests before, ${reads.after.toFixed(1)} after`
    return `  ${content}, spec ${specId}: ${reason}${gain}\n`
  })
  return `${head}${size}\n${lines.join('')}`
}
