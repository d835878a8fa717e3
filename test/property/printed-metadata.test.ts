/** What earlier versions left behind, to print and check the next one faster, never shows in it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeTableMetadata, tableMetadataToJson } from '../../src/metadata/table-metadata-json.js'
import type { TableMetadata } from '../../src/metadata/table-metadata.js'
import { findMetadataProblem } from '../../src/metadata/validate-metadata.js'
import { printSnapshot, printSnapshotText } from '../../src/snapshot/snapshot-json.js'
import { indexSnapshots } from '../../src/snapshot/snapshot-index.js'
import type { Snapshot, SnapshotLogEntry } from '../../src/snapshot/snapshot.js'
import { FloeError } from '../../src/util/errors.js'
import { parseJson, printJson } from '../../src/util/json.js'
import { START_MS, snapshotOn, table } from '../support/metadata-builders.js'

interface Lists {
  readonly snapshots: readonly Snapshot[]
  readonly snapshotLog: readonly SnapshotLogEntry[]
}

/** A version made of all versions of the table so far, the last of them the newest. */
type Step = (versions: readonly Lists[]) => Lists

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '\ud800', '\u007fn1', '"\\', '€😀', '__proto__', '12'))
/** Infinity is no JSON, and cannot be printed. */
const anyNumber = fc.constantFrom(0, -0, 1, -1.5, 1e21, 123456789012345680000, 2 ** 53, Infinity)
const anyValue = fc.oneof({ weight: 4, arbitrary: anyText }, anyNumber, anyNumber.map((score) => ({ score })))
const anySnapshot = fc
  .record({
    snapshotId: fc.constantFrom(1n, 2n, 3n, 9007199254740992n, 9007199254740993n),
    sequenceNumber: fc.bigInt({ min: 0n, max: 40n }),
    summary: fc.array(fc.tuple(anyText, anyText), { maxLength: 3 }).map((entries) => new Map(entries)),
    unknownFields: fc.array(fc.tuple(fc.constantFrom('new-field', '__proto__', '7'), anyValue), { maxLength: 2 }).map((entries) => new Map(entries)),
  })
  .map((overrides) => snapshotOn(table(), overrides.snapshotId, overrides))

const entryOf = ({ snapshotId }: Snapshot, i: number): SnapshotLogEntry => ({ snapshotId, timestampMs: START_MS + i })

function changing(change: <T extends object>(list: readonly T[]) => readonly T[]): Step {
  return (versions) => {
    const { snapshots, snapshotLog } = versions.at(-1)!
    return { snapshots: change(snapshots), snapshotLog: change(snapshotLog) }
  }
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(anySnapshot, { minLength: 1, maxLength: 3 }).map((added): Step => (versions) => {
      const { snapshots, snapshotLog } = versions.at(-1)!
      return { snapshots: [...snapshots, ...added], snapshotLog: [...snapshotLog, ...added.map(entryOf)] }
    }),
  },
  fc.nat({ max: 4095 }).map((mask): Step => changing((list) => list.filter((_, i) => ((mask >> (i % 12)) & 1) === 0))),
  fc.nat({ max: 3 }).map((count): Step => changing((list) => list.slice(count))),
  fc.nat().map((at): Step => changing((list) => list.map((item, i) => (i === at % list.length ? { ...item } : item)))),
  fc.tuple(fc.nat(), anySnapshot).map(([at, other]): Step => (versions) => {
    const { snapshots, snapshotLog } = versions.at(-1)!
    const changed = (i: number): boolean => i === at % snapshots.length
    return { snapshots: snapshots.map((item, i) => (changed(i) ? { ...other, snapshotId: item.snapshotId } : item)), snapshotLog }
  }),
  fc.constant(changing((list) => list.toReversed())),
  // An attempt that is made anew on the version before, or on an older one.
  fc.nat().map((at): Step => (versions) => versions[at % versions.length]!),
)

/** Versions of several tables, in the order that they are made. */
function play(steps: readonly (readonly [number, Step])[]): readonly TableMetadata[] {
  const tables = [0, 1].map((): Lists[] => [{ snapshots: [], snapshotLog: [] }])
  return steps.map(([which, step]) => {
    const versions = tables[which]!
    versions.push(step(versions))
    return { ...table({ formatVersion: 2 }), lastSequenceNumber: 30n, ...versions.at(-1)! }
  })
}

const anyVersions = fc.array(fc.tuple(fc.constantFrom(0, 0, 1), anyStep), { maxLength: 14 }).map(play)

/** The whole document as one text, printed from its parts alone. */
function printedAlone(metadata: TableMetadata): string {
  const members = [...tableMetadataToJson({ ...metadata, snapshots: [] })].map(([name, value]) => {
    const text = name === 'snapshots' ? `[${metadata.snapshots.map(printSnapshotText).join(',')}]` : printJson(value)
    return `${printJson(name)}:${text}`
  })
  return `{${members.join(',')}}`
}

/** What cannot be printed has its error's code. */
function printed(print: () => string | Uint8Array): string {
  try {
    const text = print()
    return typeof text === 'string' ? text : new TextDecoder().decode(text)
  } catch (error) {
    if (error instanceof FloeError) return error.code
    throw error
  }
}

describe('any sequence of versions of two tables', () => {
  it('is printed as each version is alone, byte for byte, whichever cannot be printed', () => {
    fc.assert(
      fc.property(anyVersions, (versions) => {
        for (const metadata of versions) expect(printed(() => encodeTableMetadata(metadata))).toBe(printed(() => printedAlone(metadata)))
      }),
      { numRuns: 300 },
    )
  })

  it('prints a snapshot by the short way as by the long one, but for the order of names that are numbers', () => {
    const membersOf = (print: () => string): unknown => {
      const text = printed(print)
      return text === 'INVALID' ? text : parseJson(text)
    }
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        expect(membersOf(() => printSnapshotText(snapshot))).toEqual(membersOf(() => printJson(printSnapshot(snapshot))))
      }),
      { numRuns: 500 },
    )
  })

  it('leaves the bytes of earlier versions alone', () => {
    fc.assert(
      fc.property(anyVersions, (versions) => {
        const printable = versions.filter((metadata) => printed(() => printedAlone(metadata)) !== 'INVALID')
        const all = printable.map((metadata) => encodeTableMetadata(metadata))
        expect(all.map((bytes) => new TextDecoder().decode(bytes))).toEqual(printable.map(printedAlone))
      }),
      { numRuns: 100 },
    )
  })

  it('has the problems, and finds the snapshots, that each version has alone', () => {
    fc.assert(
      fc.property(anyVersions, (versions) => {
        const indexes = versions.map(({ snapshots }) => indexSnapshots(snapshots))
        for (const [i, metadata] of versions.entries()) {
          const { snapshots } = metadata
          const copies = snapshots.map((snapshot) => ({ ...snapshot }))
          expect(findMetadataProblem(metadata)).toEqual(findMetadataProblem({ ...metadata, snapshots: copies }))
          for (const id of [1n, 2n, 3n, 9007199254740992n, 9007199254740993n]) {
            expect(indexes[i]!.get(id)).toBe(snapshots.find(({ snapshotId }) => snapshotId === id))
          }
        }
      }),
      { numRuns: 100 },
    )
  })
})
