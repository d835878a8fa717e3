import type { DataType, Field } from 'apache-arrow'
import { listChunk, structChunk } from '../arrow/arrow-data.js'
import type { Chunk, Validity } from '../arrow/arrow-data.js'
import { grown, trimmed } from '../arrow/growing-values.js'
import type { AvroInput } from '../avro/avro-input.js'
import { ColumnDecoder, decodeStep } from './column-decoder.js'
import type { DecodeStep } from './column-decoder.js'

/** A record: its wanted fields, the others passed over. */
export class RecordDecoder extends ColumnDecoder {
  readonly rowBytes: number
  readonly #children: readonly ColumnDecoder[]

  constructor(
    private readonly arrow: DataType,
    private readonly steps: readonly DecodeStep[],
  ) {
    super()
    this.#children = decodersOf(steps)
    this.rowBytes = this.#children.reduce((sum, child) => sum + child.rowBytes, 0)
  }

  next(input: AvroInput): void {
    const steps = this.steps
    for (let i = 0; i < steps.length; i++) decodeStep(steps[i]!, input)
    this.length++
  }

  protected putNull(): void {
    for (const child of this.#children) child.addNull()
    this.length++
  }

  protected takeValues(length: number, validity: Validity | undefined): Chunk {
    return structChunk(this.arrow, length, this.#children.map((child) => child.take()), validity)
  }
}

/** An array, or a map in either of its forms: `steps` decode what one item is made of. */
export class ItemsDecoder extends ColumnDecoder {
  readonly rowBytes = 4
  readonly #children: readonly ColumnDecoder[]
  #offsets = new Int32Array(0)
  #items = 0

  constructor(
    private readonly arrow: DataType,
    private readonly steps: readonly DecodeStep[],
    private readonly minItemBytes: number,
  ) {
    super()
    this.#children = decodersOf(steps)
  }

  next(input: AvroInput): void {
    const steps = this.steps
    for (let count = input.readBlockCount(this.minItemBytes); count > 0; count = input.readBlockCount(this.minItemBytes)) {
      for (let item = 0; item < count; item++) {
        for (let i = 0; i < steps.length; i++) decodeStep(steps[i]!, input)
      }
      this.#items += count
    }
    this.putNull()
  }

  /** Ends the row: a null one has no items. */
  protected putNull(): void {
    const row = ++this.length
    if (row >= this.#offsets.length) this.#offsets = grown(this.#offsets, Math.max(1025, row * 2 + 1))
    this.#offsets[row] = this.#items
  }

  protected takeValues(length: number, validity: Validity | undefined): Chunk {
    const offsets = length === 0 ? new Int32Array(1) : trimmed(this.#offsets, length + 1)
    const items = this.#items
    const type = (this.arrow.children[0] as unknown as Field).type as DataType
    const children = this.#children.map((child) => child.take())
    this.#offsets = new Int32Array(0)
    this.#items = 0
    const child = children.length === 1 ? children[0]! : structChunk(type, items, children)
    return listChunk(this.arrow, offsets, child, validity)
  }
}

function decodersOf(steps: readonly DecodeStep[]): readonly ColumnDecoder[] {
  return steps.flatMap((step) => step.decoder ?? [])
}
