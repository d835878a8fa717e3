import { floorDivide } from '../schema/temporal-text.js'
import type { Type, Value } from '../schema/type.js'
import { INT_MAX, INT_MIN } from '../schema/value-ranges.js'
import { FloeError } from '../util/errors.js'
import { humanDay, humanHour, humanMonth, humanYear, monthOfDay, yearOfDay } from './calendar.js'
import type { Transform } from './transform-contract.js'

export type TimeUnit = 'year' | 'month' | 'day' | 'hour'

const TIMESTAMPS: ReadonlySet<Type['kind']> = new Set<Type['kind']>(['timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns'])

/** From fine to coarse: rows in the order of one unit are in the order of every later one. */
const FINENESS: readonly string[] = ['hour', 'day', 'month', 'year'] satisfies TimeUnit[]

const HUMAN: Readonly<Record<TimeUnit, (value: number) => string>> = { year: humanYear, month: humanMonth, day: humanDay, hour: humanHour }

/** `year`, `month`, `day` or `hour`: whole units since 1970-01-01 00:00 UTC, rounded down. Spec: Partitioning › Partition Transforms */
export function timeTransform(unit: TimeUnit): Transform {
  const accepts = (type: Type): boolean => TIMESTAMPS.has(type.kind) || (type.kind === 'date' && unit !== 'hour')
  return {
    kind: unit,
    text: unit,
    parameter: undefined,
    preservesOrder: true,
    accepts,
    resultType: () => ({ kind: unit === 'day' ? 'date' : 'int' }),
    apply: (sourceType) => {
      if (!accepts(sourceType)) {
        throw new FloeError('INVALID', `Cannot take the ${unit} of values of type ${sourceType.kind}; it takes ${unit === 'hour' ? '' : 'dates and '}timestamps`)
      }
      return timeFunction(sourceType, unit)
    },
    satisfiesOrderOf: (other) => FINENESS.indexOf(other.kind) >= FINENESS.indexOf(unit),
    toHumanString: (_, value) => (value === null ? 'null' : HUMAN[unit](value as number)),
  }
}

function timeFunction(type: Type, unit: TimeUnit): (value: Value) => Value {
  if (type.kind === 'date') {
    if (unit === 'day') return (value) => value
    const ofDay = unit === 'year' ? yearOfDay : monthOfDay
    return (value) => (value === null ? null : ofDay(value as number))
  }
  const perHour = type.kind.endsWith('_ns') ? 3_600_000_000_000n : 3_600_000_000n
  const toUnits = floorDivider(unit === 'hour' ? perHour : perHour * 24n)
  switch (unit) {
    case 'year':
      return (value) => (value === null ? null : yearOfDay(toUnits(value as bigint)))
    case 'month':
      return (value) => (value === null ? null : monthOfDay(toUnits(value as bigint)))
    case 'day':
      return (value) => (value === null ? null : toUnits(value as bigint))
    default:
      // The reference wraps hours beyond 32 bits around, which would break their order.
      return (value) => (value === null ? null : Math.min(Math.max(toUnits(value as bigint), INT_MIN), INT_MAX))
  }
}

/**
 * Floor division of 64-bit integers by `divisor`, through doubles where these are exact: below 2⁵³ the true quotient differs
 * from an integer above it by at least `1 / divisor`, which is more than half a unit in the last place for these divisors.
 */
function floorDivider(divisor: bigint): (value: bigint) => number {
  const approximate = Number(divisor)
  return (value) => {
    const near = Number(value)
    return Number.isSafeInteger(near) ? Math.floor(near / approximate) : Number(floorDivide(value, divisor))
  }
}
