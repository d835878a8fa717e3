import type { Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { bucketTransform } from './bucket-transform.js'
import { humanValue } from './human-value.js'
import { timeTransform } from './time-transform.js'
import type { Transform } from './transform-contract.js'
import { truncateTransform } from './truncate-transform.js'

export type { Transform, TransformKind } from './transform-contract.js'

const UNPARTITIONABLE: ReadonlySet<Type['kind']> = new Set<Type['kind']>(['variant', 'geometry', 'geography', 'struct', 'list', 'map'])

const identity: Transform = {
  kind: 'identity',
  text: 'identity',
  parameter: undefined,
  preservesOrder: true,
  accepts: (sourceType) => !UNPARTITIONABLE.has(sourceType.kind),
  resultType: (sourceType) => sourceType,
  apply: (sourceType) => {
    if (UNPARTITIONABLE.has(sourceType.kind)) throw new FloeError('INVALID', `Cannot partition or sort by values of type ${sourceType.kind}`)
    return (value) => value
  },
  satisfiesOrderOf: (other) => other.preservesOrder,
  toHumanString: humanValue,
}

const voidTransform: Transform = {
  kind: 'void',
  text: 'void',
  parameter: undefined,
  preservesOrder: false,
  accepts: () => true,
  resultType: (sourceType) => sourceType,
  apply: () => () => null,
  satisfiesOrderOf: (other) => other.kind === 'void',
  toHumanString: () => 'null',
}

const simple: ReadonlyMap<string, Transform> = new Map(
  [identity, voidTransform, timeTransform('year'), timeTransform('month'), timeTransform('day'), timeTransform('hour')].map((transform) => [
    transform.text,
    transform,
  ]),
)

/**
 * The transform that `text` spells, letter case aside. Text that spells none of the spec's gives a transform of kind `unknown`:
 * printed unchanged, never evaluated, and of no use for pruning. Spec: Partitioning › Partition Transforms
 *
 * @throws FloeError `INVALID` for a bucket count or width that is not in 1 … 2³¹ − 1
 */
export function parseTransform(text: string): Transform {
  const known = simple.get(text.toLowerCase())
  if (known !== undefined) return known
  const match = /^(bucket|truncate)\[(-?\d{1,64})\]$/i.exec(text)
  if (match === null) return unknownTransform(text)
  const parameter = Number(match[2])
  if (parameter < 1 || parameter > 0x7fff_ffff) {
    throw new FloeError('INVALID', `Invalid transform ${text}: the number must be in 1 to ${0x7fff_ffff}`)
  }
  return match[1]!.toLowerCase() === 'bucket' ? bucketTransform(parameter) : truncateTransform(parameter)
}

/** The transform of a partition or sort field; one of several source columns is unknown to this version. */
export function fieldTransform(field: { readonly sourceIds: readonly number[]; readonly transform: string }): Transform {
  return field.sourceIds.length === 1 ? parseTransform(field.transform) : unknownTransform(field.transform)
}

function unknownTransform(text: string): Transform {
  return {
    kind: 'unknown',
    text,
    parameter: undefined,
    preservesOrder: false,
    accepts: () => true,
    // The true type is not known; the reference reads such values as text.
    resultType: () => ({ kind: 'string' }),
    apply: () => {
      throw new FloeError('UNSUPPORTED', `Cannot apply the unknown transform ${text}; write with a partition spec that does not use it`)
    },
    satisfiesOrderOf: (other) => other.text === text,
    toHumanString: humanValue,
  }
}
