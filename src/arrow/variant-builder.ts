import { structChunk } from './arrow-data.js'
import type { Chunk, Validity } from './arrow-data.js'
import { ColumnBuilder } from './column-builder.js'
import type { ColumnSite } from './column-builder.js'
import type { BytesBuilder } from './variable-builder.js'
import { Variant } from '../schema/variant.js'
import { foldVariant } from '../schema/variant-format.js'
import type { VariantFold } from '../schema/variant-format.js'
import { FloeError } from '../util/errors.js'

/**
 * `variant`: a {@link Variant}, an object of just the two binaries `metadata` and `value`, or any JavaScript value that
 * {@link Variant.of} takes. Binaries are checked to be a variant.
 */
export class VariantBuilder extends ColumnBuilder {
  constructor(
    site: ColumnSite,
    private readonly metadata: BytesBuilder,
    private readonly value: BytesBuilder,
  ) {
    super(site)
  }

  protected put(value: unknown): boolean {
    try {
      const variant = isEncoded(value) ? checked(value) : Variant.of(value)
      this.metadata.add(variant.metadata)
      this.value.add(variant.value)
      return true
    } catch (error) {
      // What cannot be encoded is refused with the row and the column that it is in
      if (error instanceof FloeError) return false
      throw error
    }
  }

  protected putNull(): void {
    this.metadata.addNull()
    this.value.addNull()
  }

  protected reserve(): void {}

  protected valueBytes(): number {
    return this.metadata.bytes + this.value.bytes
  }

  protected override truncateValues(length: number): void {
    this.metadata.truncate(length)
    this.value.truncate(length)
  }

  protected take(length: number, validity: Validity | undefined): Chunk {
    return structChunk(this.site.arrow, length, [this.metadata.finish(), this.value.finish()], validity)
  }
}

type Encoded = Pick<Variant, 'metadata' | 'value'>

function isEncoded(value: unknown): value is Encoded {
  if (value instanceof Variant) return true
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 2) return false
  const { metadata, value: bytes } = value as Partial<Encoded>
  return metadata instanceof Uint8Array && bytes instanceof Uint8Array
}

/** Decodes every part, keeping none. */
function checked(variant: Encoded): Encoded {
  foldVariant(variant.metadata, variant.value, nothing)
  return variant
}

const nothing: VariantFold<undefined> = { primitive: () => undefined, array: () => undefined, object: () => undefined }
