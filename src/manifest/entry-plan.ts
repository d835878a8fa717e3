import { compileSkip, type Skip } from '../avro/skip.js'
import { parseAvroSchema } from '../avro/avro-schema-json.js'
import { minEncodedBytes, optionalBranch, type AvroField, type AvroRecord, type AvroSchema } from '../avro/avro-schema.js'
import { FloeError } from '../util/errors.js'

/** What the walker does at one step. Numbers, because the walker's switch needs literals to become a jump table. */
export const Op = {
  /** End of the entry. */
  End: 0,
  /** `a`: index of the null branch of a two-branch union. `b`: where to go on when it is null. */
  Option: 1,
  /** Notes that the value of slot `a` starts here. */
  Slot: 2,
  /** Skips one varint. */
  Varint: 3,
  /** Skips `a` bytes. */
  Bytes: 4,
  /** Skips bytes behind their length. */
  Length: 5,
  /** Reads a long into 64-bit column `a`. */
  Long: 6,
  /** Reads a long that must be exact as a number into size column `a`. */
  Size: 7,
  /** Reads a small non-negative int into byte column `a`; it must be at most `b`. */
  Code: 8,
  /** Skips an array whose items are `a` varints each. */
  VarintArray: 9,
  /** Skips an array whose items are a varint and length-prefixed bytes. */
  KeyBytesArray: 10,
  /** Skips anything else with general skip `a`. */
  Any: 11,
} as const

/** Values that stay encoded until they are asked for; the position of each is noted per entry. */
export const Slot = {
  filePath: 0,
  fileFormat: 1,
  partition: 2,
  columnSizes: 3,
  valueCounts: 4,
  nullValueCounts: 5,
  nanValueCounts: 6,
  lowerBounds: 7,
  upperBounds: 8,
  keyMetadata: 9,
  splitOffsets: 10,
  equalityIds: 11,
  sortOrderId: 12,
  referencedDataFile: 13,
  contentOffset: 14,
  contentSize: 15,
} as const
export const SLOT_COUNT = 16

export const LongColumn = { snapshotId: 0, sequenceNumber: 1, fileSequenceNumber: 2, firstRowId: 3 } as const
export const LONG_COLUMN_COUNT = 4
export const SizeColumn = { recordCount: 0, fileSizeBytes: 1 } as const
export const CodeColumn = { status: 0, content: 1 } as const

/** How entries that one writer schema describes are walked. */
export interface EntryPlan {
  /** Triples of an {@link Op} and its operands. */
  readonly program: Int32Array
  readonly skips: readonly Skip[]
  readonly minEntryBytes: number
  /** The record of the partition tuple as written; undefined when the writer left it out. */
  readonly partition: AvroRecord | undefined
  readonly hasFirstRowId: boolean
}

type Shape = 'int' | 'long' | 'text' | 'bytes' | 'counts' | 'bounds' | 'longs' | 'ints' | 'record'

interface KnownField {
  readonly name: string
  readonly shape: Shape
  readonly required?: boolean
  readonly slot?: number
  readonly long?: number
  readonly size?: number
  readonly code?: number
}

const MAX_STATUS = 2
const DATA_FILE_ID = 2
const PARTITION_ID = 102
const FIRST_ROW_ID = 142

// Spec: Manifests › Manifest Entry Fields
const ENTRY_FIELDS: ReadonlyMap<number, KnownField> = new Map<number, KnownField>([
  [0, { name: 'status', shape: 'int', required: true, code: CodeColumn.status }],
  [1, { name: 'snapshot_id', shape: 'long', long: LongColumn.snapshotId }],
  [3, { name: 'sequence_number', shape: 'long', long: LongColumn.sequenceNumber }],
  [4, { name: 'file_sequence_number', shape: 'long', long: LongColumn.fileSequenceNumber }],
  [DATA_FILE_ID, { name: 'data_file', shape: 'record', required: true }],
])

// Spec: Manifests › Data File Fields
const FILE_FIELDS: ReadonlyMap<number, KnownField> = new Map<number, KnownField>([
  [134, { name: 'content', shape: 'int', code: CodeColumn.content }],
  [100, { name: 'file_path', shape: 'text', required: true, slot: Slot.filePath }],
  [101, { name: 'file_format', shape: 'text', required: true, slot: Slot.fileFormat }],
  [PARTITION_ID, { name: 'partition', shape: 'record', slot: Slot.partition }],
  [103, { name: 'record_count', shape: 'long', required: true, size: SizeColumn.recordCount }],
  [104, { name: 'file_size_in_bytes', shape: 'long', required: true, size: SizeColumn.fileSizeBytes }],
  [108, { name: 'column_sizes', shape: 'counts', slot: Slot.columnSizes }],
  [109, { name: 'value_counts', shape: 'counts', slot: Slot.valueCounts }],
  [110, { name: 'null_value_counts', shape: 'counts', slot: Slot.nullValueCounts }],
  [137, { name: 'nan_value_counts', shape: 'counts', slot: Slot.nanValueCounts }],
  [125, { name: 'lower_bounds', shape: 'bounds', slot: Slot.lowerBounds }],
  [128, { name: 'upper_bounds', shape: 'bounds', slot: Slot.upperBounds }],
  [131, { name: 'key_metadata', shape: 'bytes', slot: Slot.keyMetadata }],
  [132, { name: 'split_offsets', shape: 'longs', slot: Slot.splitOffsets }],
  [135, { name: 'equality_ids', shape: 'ints', slot: Slot.equalityIds }],
  [140, { name: 'sort_order_id', shape: 'int', slot: Slot.sortOrderId }],
  [FIRST_ROW_ID, { name: 'first_row_id', shape: 'long', long: LongColumn.firstRowId }],
  [143, { name: 'referenced_data_file', shape: 'text', slot: Slot.referencedDataFile }],
  [144, { name: 'content_offset', shape: 'long', slot: Slot.contentOffset }],
  [145, { name: 'content_size_in_bytes', shape: 'long', slot: Slot.contentSize }],
])

/** Manifests of one table repeat a few schemas, so plans are kept by schema text. */
const plans = new Map<string, EntryPlan>()
const MAX_PLANS = 64

/**
 * The plan for entries that `schemaText` describes: fields in any order, unknown ones skipped, missing optional ones null.
 * Throws `CORRUPT` when a required field is missing or a known one has another type.
 */
export function entryPlan(schemaText: string, file: string | undefined): EntryPlan {
  const known = plans.get(schemaText)
  if (known !== undefined) return known
  const plan = new PlanCompiler(file, undefined).compile(parseAvroSchema(schemaText, file))
  if (plans.size >= MAX_PLANS) plans.delete(plans.keys().next().value!)
  plans.set(schemaText, plan)
  return plan
}

/**
 * A plan that notes where fields of the file begin, and nothing of what is in them but numbers: `marks` gives each such field, by
 * its place in the record of files, a slot; the place after the last field stands for the record's end.
 */
export function markingPlan(schema: AvroSchema, marks: ReadonlyMap<number, number>, file: string | undefined): EntryPlan {
  return new PlanCompiler(file, marks).compile(schema)
}

class PlanCompiler {
  private readonly program: number[] = []
  private readonly skips: Skip[] = []
  private partition: AvroRecord | undefined
  private hasFirstRowId = false

  constructor(
    private readonly file: string | undefined,
    private readonly marks: ReadonlyMap<number, number> | undefined,
  ) {}

  compile(schema: AvroSchema): EntryPlan {
    if (schema.kind !== 'record') throw this.corrupt(`is of ${schema.kind}s, not of manifest entries`)
    this.fields(schema, ENTRY_FIELDS)
    this.emit(Op.End)
    const { skips, partition, hasFirstRowId } = this
    return { program: Int32Array.from(this.program), skips, minEntryBytes: minEncodedBytes(schema), partition, hasFirstRowId }
  }

  private fields(record: AvroRecord, known: ReadonlyMap<number, KnownField>): void {
    const missing = new Set([...known].filter(([, field]) => field.required === true).map(([id]) => id))
    const seen = new Set<number>()
    const marks = known === FILE_FIELDS ? this.marks : undefined
    for (const [place, field] of record.fields.entries()) {
      this.mark(marks?.get(place))
      const id = field.fieldId ?? idByName(known, field.name)
      const target = id === undefined ? undefined : known.get(id)
      if (id !== undefined && target !== undefined) {
        if (seen.has(id)) throw this.corrupt(`has field id ${id} twice`)
        seen.add(id)
        missing.delete(id)
        this.known(field, target, id)
      } else this.skip(field.schema)
    }
    this.mark(marks?.get(record.fields.length))
    for (const id of missing) throw this.corrupt(`has no field ${known.get(id)!.name} (id ${id})`)
  }

  private mark(slot: number | undefined): void {
    if (slot !== undefined) this.emit(Op.Slot, slot)
  }

  private known(field: AvroField, target: KnownField, id: number): void {
    const inner = optionalBranch(field.schema) ?? field.schema
    if (!fits(inner, target.shape)) throw this.corrupt(`has a field ${target.name} (id ${id}) of type ${inner.kind}`)
    const end = this.option(field.schema)
    if (id === DATA_FILE_ID && inner.kind === 'record') this.fields(inner, FILE_FIELDS)
    else if (target.code !== undefined) this.emit(Op.Code, target.code, MAX_STATUS)
    else if (target.long !== undefined) this.emit(Op.Long, target.long)
    else if (target.size !== undefined) this.emit(Op.Size, target.size)
    else {
      if (this.marks === undefined) this.emit(Op.Slot, target.slot)
      this.skip(inner)
    }
    end()
    if (id === PARTITION_ID && inner.kind === 'record') this.partition = inner
    if (id === FIRST_ROW_ID) this.hasFirstRowId = true
  }

  /** Emits the null test of an optional value; the result is called where the value ends. */
  private option(schema: AvroSchema): () => void {
    if (schema.kind !== 'union' || optionalBranch(schema) === undefined) return () => {}
    const at = this.program.length
    this.emit(Op.Option, schema.branches[0]!.kind === 'null' ? 0 : 1)
    return () => {
      this.program[at + 2] = this.program.length
    }
  }

  private skip(schema: AvroSchema): void {
    switch (schema.kind) {
      case 'null':
        return
      case 'boolean':
        return this.emit(Op.Bytes, 1)
      case 'int':
      case 'long':
      case 'enum':
        return this.emit(Op.Varint)
      case 'float':
        return this.emit(Op.Bytes, 4)
      case 'double':
        return this.emit(Op.Bytes, 8)
      case 'fixed':
        return this.emit(Op.Bytes, schema.size)
      case 'bytes':
      case 'string':
        return this.emit(Op.Length)
      case 'record':
        for (const field of schema.fields) this.skip(field.schema)
        return
      case 'union': {
        const inner = optionalBranch(schema)
        if (inner === undefined) return this.any(schema)
        const end = this.option(schema)
        this.skip(inner)
        return end()
      }
      case 'array': {
        const varints = varintsPerItem(schema.items)
        if (varints > 0) return this.emit(Op.VarintArray, varints)
        return isKeyBytes(schema.items) ? this.emit(Op.KeyBytesArray) : this.any(schema)
      }
      case 'map':
        return this.any(schema)
    }
  }

  private any(schema: AvroSchema): void {
    this.emit(Op.Any, this.skips.length)
    this.skips.push(compileSkip(schema))
  }

  private emit(op: number, a = 0, b = 0): void {
    this.program.push(op, a, b)
  }

  private corrupt(problem: string): FloeError {
    return new FloeError('CORRUPT', `The manifest's Avro schema ${problem}`, { file: this.file })
  }
}

function idByName(known: ReadonlyMap<number, KnownField>, name: string): number | undefined {
  for (const [id, field] of known) if (field.name === name) return id
  return undefined
}

function fits(schema: AvroSchema, shape: Shape): boolean {
  switch (shape) {
    case 'int':
    case 'long':
      return isVarint(schema)
    case 'text':
    case 'bytes':
      return isLengthPrefixed(schema)
    case 'counts':
      return schema.kind === 'array' && varintsPerItem(schema.items) === 2
    case 'bounds':
      return schema.kind === 'array' && isKeyBytes(schema.items)
    case 'longs':
    case 'ints':
      return schema.kind === 'array' && varintsPerItem(schema.items) === 1
    case 'record':
      return schema.kind === 'record'
  }
}

function varintsPerItem(items: AvroSchema): number {
  if (isVarint(items)) return 1
  return items.kind === 'record' && items.fields.every((field) => isVarint(field.schema)) ? items.fields.length : 0
}

function isKeyBytes(items: AvroSchema): boolean {
  return items.kind === 'record' && items.fields.length === 2 && isVarint(items.fields[0]!.schema) && isLengthPrefixed(items.fields[1]!.schema)
}

function isVarint(schema: AvroSchema): boolean {
  return schema.kind === 'int' || schema.kind === 'long'
}

function isLengthPrefixed(schema: AvroSchema): boolean {
  return schema.kind === 'bytes' || schema.kind === 'string'
}
