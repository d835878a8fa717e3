import { parseAvroSchema } from '../avro/avro-schema-json.js'
import { optionalBranch, type AvroField, type AvroRecord, type AvroSchema } from '../avro/avro-schema.js'
import type { AvroOutput } from '../avro/avro-output.js'
import type { AvroContainer } from '../avro/container.js'
import type { StructType, Value } from '../schema/type.js'
import type { ManifestFile } from './data-file.js'
import { CodeColumn, LongColumn, markingPlan, SizeColumn, SLOT_COUNT, type EntryPlan } from './entry-plan.js'
import type { EntryColumns } from './entry-walker.js'
import { STATUS_DELETED } from './manifest-entries.js'
import { walkEntries } from './manifest-reader.js'
import type { ManifestFormatVersion } from './manifest-schema.js'
import { compileTupleDecoder, type DecodeTuple } from './partition-tuple.js'
import { AvroInput } from '../avro/avro-input.js'

const DATA_FILE_ID = 2
const PARTITION_ID = 102
const CONTENT_ID = 134
const FIRST_ROW_ID = 142

/** What a file's record is put together from: bytes between two marks, a null (or the content 0), or the explicit first row id. */
type Step =
  | { readonly kind: 'bytes'; readonly from: number; readonly to: number }
  | { readonly kind: 'zero' }
  | { readonly kind: 'first-row-id' }

/** How entries of one writer's schema become entries of another's, byte for byte. */
export interface EntryCopyPlan {
  readonly version: ManifestFormatVersion
  readonly plan: EntryPlan
  readonly steps: readonly Step[]
  /** Slots of the marks around the partition tuple. */
  readonly partition: { readonly from: number; readonly to: number }
}

/**
 * How the entries of a manifest are copied to one of `target`, the record of entries of `version`, without being decoded; undefined
 * where the writer's schema does not allow it: fields in another order, or stored in another way.
 */
export function entryCopyPlan(
  schemaText: string,
  target: { readonly schema: AvroRecord; readonly version: ManifestFormatVersion },
  file: string | undefined,
): EntryCopyPlan | undefined {
  const schema = parseAvroSchema(schemaText, file)
  const source = fileRecordOf(schema)
  const wanted = fileRecordOf(target.schema)
  if (source === undefined || wanted === undefined) return undefined
  const steps = planSteps(source, wanted)
  const partition = source.fields.findIndex((field) => field.fieldId === PARTITION_ID)
  if (steps === undefined || partition < 0) return undefined
  const places = new Set([partition, partition + 1, ...steps.flatMap((step) => (step.kind === 'bytes' ? [step.from, step.to] : []))])
  if (places.size > SLOT_COUNT) return undefined
  const slots = new Map([...places].map((place, slot) => [place, slot]))
  return {
    version: target.version,
    plan: markingPlan(schema, slots, file),
    steps: steps.map((step) => (step.kind === 'bytes' ? { ...step, from: slots.get(step.from)!, to: slots.get(step.to)! } : step)),
    partition: { from: slots.get(partition)!, to: slots.get(partition + 1)! },
  }
}

/** The entries of one manifest, to be copied as existing ones. Spec: Manifests › Sequence Number Inheritance */
export class EncodedEntries {
  readonly count: number
  /** After inheritance, as in `ManifestEntries`. */
  readonly snapshotId: BigInt64Array
  readonly sequenceNumber: BigInt64Array
  readonly recordCount: Float64Array
  readonly #columns: EntryColumns
  readonly #decodeTuple: DecodeTuple
  readonly #inputs: readonly AvroInput[]
  private readonly blocks: readonly Uint8Array[]

  constructor(
    manifest: ManifestFile,
    { container, blocks }: { readonly container: AvroContainer; readonly blocks: readonly Uint8Array[] },
    private readonly copy: EntryCopyPlan,
    partitionType: StructType,
  ) {
    const { plan } = copy
    this.blocks = blocks
    this.#columns = walkEntries(manifest, { container, blocks, plan }, true)
    this.count = this.#columns.count
    this.snapshotId = this.#columns.longs[LongColumn.snapshotId]!
    this.sequenceNumber = this.#columns.longs[LongColumn.sequenceNumber]!
    this.recordCount = this.#columns.sizes[SizeColumn.recordCount]!
    this.#decodeTuple = compileTupleDecoder(plan.partition, partitionType)
    this.#inputs = blocks.map((block) => new AvroInput(block, manifest.manifestPath))
  }

  isLive(i: number): boolean {
    return this.#columns.codes[CodeColumn.status]![i] !== STATUS_DELETED
  }

  /** The encoded tuple: equal bytes of one manifest are equal tuples. A view. */
  partitionBytes(i: number): Uint8Array {
    const { from, to } = this.copy.partition
    return this.#block(i).subarray(this.#mark(i, from), this.#mark(i, to))
  }

  partition(i: number): readonly Value[] {
    const input = this.#inputs[this.#columns.blocks[i]!]!
    input.position = this.#mark(i, this.copy.partition.from)
    return this.#decodeTuple(input)
  }

  /** Appends entry `i`, status existing, with what it inherited made explicit. */
  encode(i: number, output: AvroOutput): void {
    const { version, steps } = this.copy
    const sequenceNumber = this.sequenceNumber[i]!
    output.writeInt(0)
    writeOptionalLong(output, this.snapshotId[i]!)
    if (version > 1) {
      writeOptionalLong(output, sequenceNumber)
      // Early writers of v2, who left out file sequence numbers, gave no file a data sequence number of another commit.
      writeOptionalLong(output, this.#long(i, LongColumn.fileSequenceNumber) ?? sequenceNumber)
    }
    const block = this.#block(i)
    for (const step of steps) {
      if (step.kind === 'bytes') output.writeFixed(block.subarray(this.#mark(i, step.from), this.#mark(i, step.to)))
      else if (step.kind === 'zero') output.writeInt(0)
      else writeOptionalLong(output, this.#long(i, LongColumn.firstRowId))
    }
  }

  #block(i: number): Uint8Array {
    return this.blocks[this.#columns.blocks[i]!]!
  }

  #mark(i: number, slot: number): number {
    return this.#columns.slots[i * SLOT_COUNT + slot]! - 1
  }

  #long(i: number, column: number): bigint | undefined {
    return (this.#columns.present[i]! & (1 << column)) === 0 ? undefined : this.#columns.longs[column]![i]
  }
}

function writeOptionalLong(output: AvroOutput, value: bigint | undefined): void {
  if (value === undefined) return output.writeInt(0)
  output.writeInt(1)
  output.writeLong(value >= -0x4000_0000n && value < 0x4000_0000n ? Number(value) : value)
}

function fileRecordOf(schema: AvroSchema): AvroRecord | undefined {
  if (schema.kind !== 'record') return undefined
  const file = schema.fields.find((field) => field.fieldId === DATA_FILE_ID)?.schema
  return file?.kind === 'record' && file.fields.every((field) => field.fieldId !== undefined) ? file : undefined
}

/** Places instead of slots; undefined when the fields cannot be copied in their order. */
function planSteps(source: AvroRecord, wanted: AvroRecord): readonly Step[] | undefined {
  const places = new Map(source.fields.map((field, place) => [field.fieldId, place]))
  if (places.size !== source.fields.length) return undefined
  const steps: Step[] = []
  let next = 0
  let start = 0
  const endRun = (): void => {
    if (next > start) steps.push({ kind: 'bytes', from: start, to: next })
  }
  for (const field of wanted.fields) {
    const place = places.get(field.fieldId)
    const isReplaced = place === undefined || field.fieldId === FIRST_ROW_ID
    const isPossible = place === undefined
      ? canBeZero(field)
      : place >= next && (isReplaced || isStoredAlike(source.fields[place]!.schema, field.schema))
    if (!isPossible) return undefined
    if (isReplaced || place !== next) {
      endRun()
      start = isReplaced ? (place ?? next - 1) + 1 : place
    }
    if (isReplaced) steps.push({ kind: field.fieldId === FIRST_ROW_ID ? 'first-row-id' : 'zero' })
    next = isReplaced ? start : place + 1
  }
  endRun()
  return steps
}

/** Null is the first branch of every optional field that is written; data is content 0, the only one that version 1 has. */
function canBeZero(field: AvroField): boolean {
  return field.fieldId === CONTENT_ID || optionalBranch(field.schema) !== undefined
}

function isStoredAlike(a: AvroSchema, b: AvroSchema): boolean {
  switch (a.kind) {
    case 'int':
    case 'long':
      return b.kind === 'int' || b.kind === 'long'
    case 'bytes':
    case 'string':
      return b.kind === 'bytes' || b.kind === 'string'
    case 'fixed':
      return b.kind === 'fixed' && a.size === b.size
    case 'array':
      return b.kind === 'array' && isStoredAlike(a.items, b.items)
    case 'union':
      return (
        b.kind === 'union' &&
        a.branches.length === b.branches.length &&
        a.branches.every((branch, i) => isStoredAlike(branch, b.branches[i]!))
      )
    case 'record':
      return (
        b.kind === 'record' &&
        a.fields.length === b.fields.length &&
        a.fields.every((field, i) => field.fieldId === b.fields[i]!.fieldId && isStoredAlike(field.schema, b.fields[i]!.schema))
      )
    case 'enum':
    case 'map':
      return false
    default:
      return a.kind === b.kind
  }
}
