/** What updates take for granted of the version they are applied to. Source: `UpdateRequirements`, `UpdateRequirement` */
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { FloeError } from '../util/errors.js'
import type { MetadataUpdate, UpdateRequirement } from './metadata-update.js'
import type { TableMetadata } from './table-metadata.js'

/** A replaced table keeps only its identity: whatever else changed meanwhile is replaced as well. */
export type RequirementMode = 'update' | 'replace'

/** The requirements of `updates` prepared on `base`; without a base, that the table does not exist. */
export function requirementsFor(
  base: TableMetadata | undefined,
  updates: readonly MetadataUpdate[],
  mode: RequirementMode = 'update',
): readonly UpdateRequirement[] {
  if (base === undefined) return [{ type: 'assert-create' }]
  const requirements = new Map<string, UpdateRequirement>()
  const require = (requirement: UpdateRequirement): void => {
    const key = requirement.type === 'assert-ref-snapshot-id' ? `${requirement.type} ${requirement.ref}` : requirement.type
    if (!requirements.has(key)) requirements.set(key, requirement)
  }
  if (base.tableUuid !== undefined) require({ type: 'assert-table-uuid', uuid: base.tableUuid })
  for (const update of updates) for (const requirement of requirementsOf(base, update, mode)) require(requirement)
  return [...requirements.values()]
}

function requirementsOf(base: TableMetadata, update: MetadataUpdate, mode: RequirementMode): readonly UpdateRequirement[] {
  if (update.action === 'add-schema') return [{ type: 'assert-last-assigned-field-id', lastAssignedFieldId: base.lastColumnId }]
  if (update.action === 'add-spec') return [{ type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: base.lastPartitionId }]
  if (mode === 'replace') return []
  switch (update.action) {
    case 'set-snapshot-ref':
    case 'remove-snapshot-ref':
      return [{ type: 'assert-ref-snapshot-id', ref: update.name, snapshotId: base.refs.get(update.name)?.snapshotId }]
    case 'set-current-schema':
      return [sameCurrentSchema(base)]
    case 'set-default-spec':
      return [sameDefaultSpec(base)]
    case 'set-default-sort-order':
      return [{ type: 'assert-default-sort-order-id', defaultSortOrderId: base.defaultSortOrderId }]
    // A reference that has moved to one of the snapshots meanwhile would go with it.
    case 'remove-snapshots':
      return [...base.refs].map(([ref, { snapshotId }]) => ({ type: 'assert-ref-snapshot-id', ref, snapshotId }))
    // What is removed must not come into use again meanwhile, on any branch.
    case 'remove-schemas':
      return [sameCurrentSchema(base), ...sameBranches(base)]
    case 'remove-partition-specs':
      return [sameDefaultSpec(base), ...sameBranches(base)]
    default:
      return []
  }
}

function sameCurrentSchema(base: TableMetadata): UpdateRequirement {
  return { type: 'assert-current-schema-id', currentSchemaId: base.currentSchemaId }
}

function sameDefaultSpec(base: TableMetadata): UpdateRequirement {
  return { type: 'assert-default-spec-id', defaultSpecId: base.defaultSpecId }
}

function sameBranches(base: TableMetadata): readonly UpdateRequirement[] {
  const branches = [...base.refs].filter(([name, ref]) => ref.type === 'branch' && name !== MAIN_BRANCH)
  return branches.map(([ref, { snapshotId }]) => ({ type: 'assert-ref-snapshot-id', ref, snapshotId }))
}

/** Throws `CONFLICT`, naming the first requirement that does not hold of `current`; `undefined` is a table that does not exist. */
export function checkRequirements(current: TableMetadata | undefined, requirements: readonly UpdateRequirement[]): void {
  for (const requirement of requirements) {
    const failure = findFailure(current, requirement)
    if (failure !== undefined) throw new FloeError('CONFLICT', `Requirement failed: ${failure}; reload the table and apply the change again`)
  }
}

/**
 * Throws `CONFLICT` when the updates remove a snapshot that a reference of `current` names, and not the reference itself: no
 * requirement can speak of a reference that was made meanwhile, and it would go with the snapshot.
 */
export function checkRemovedSnapshots(current: TableMetadata | undefined, updates: readonly MetadataUpdate[]): void {
  const removed = new Set(updates.flatMap((update) => (update.action === 'remove-snapshots' ? update.snapshotIds : [])))
  if (current === undefined || removed.size === 0) return
  const touched = new Set(updates.flatMap((update) => ('name' in update ? [update.name] : [])))
  for (const [name, { type, snapshotId }] of current.refs) {
    if (!removed.has(snapshotId) || touched.has(name)) continue
    throw new FloeError('CONFLICT', `The ${type} ${name} names snapshot ${snapshotId}, which was to be removed; reload the table and apply the change again`)
  }
}

/** In the reference's words, which clients of a catalog server look at. Source: `UpdateRequirement` */
function findFailure(current: TableMetadata | undefined, requirement: UpdateRequirement): string | undefined {
  if (requirement.type === 'assert-create') return current === undefined ? undefined : 'table already exists'
  if (current === undefined) return 'the table does not exist'
  switch (requirement.type) {
    case 'assert-table-uuid':
      return differs('UUID does not match: expected', current.tableUuid?.toLowerCase(), requirement.uuid.toLowerCase())
    case 'assert-ref-snapshot-id':
      return refFailure(current, requirement.ref, requirement.snapshotId)
    case 'assert-last-assigned-field-id':
      return differs('last assigned field id changed: expected id', requirement.lastAssignedFieldId, current.lastColumnId)
    case 'assert-current-schema-id':
      return differs('current schema changed: expected id', requirement.currentSchemaId, current.currentSchemaId)
    case 'assert-last-assigned-partition-id':
      return differs('last assigned partition id changed: expected id', requirement.lastAssignedPartitionId, current.lastPartitionId)
    case 'assert-default-spec-id':
      return differs('default partition spec changed: expected id', requirement.defaultSpecId, current.defaultSpecId)
    case 'assert-default-sort-order-id':
      return differs('default sort order changed: expected id', requirement.defaultSortOrderId, current.defaultSortOrderId)
    default:
      // A requirement that is not understood cannot be known to hold.
      return `unknown requirement ${(requirement as { readonly type: string }).type}`
  }
}

function differs<T>(what: string, expected: T, actual: T): string | undefined {
  return expected === actual ? undefined : `${what} ${String(expected)} != ${String(actual)}`
}

function refFailure(current: TableMetadata, name: string, expected: bigint | undefined): string | undefined {
  const ref = current.refs.get(name)
  if (ref?.snapshotId === expected) return undefined
  if (ref === undefined) return `branch or tag ${name} is missing, expected ${expected}`
  if (expected === undefined) return `${ref.type} ${name} was created concurrently`
  return `${ref.type} ${name} has changed: expected id ${expected} != ${ref.snapshotId}`
}
