import type { AvroBlock } from '../avro/container.js'
import type { ContainerWriter } from '../avro/container-writer.js'
import type { ManifestFile } from './data-file.js'

/** One name in 128 ends a block. */
const CUT_SHIFT = 25
/** Names differ near their end. */
const HASHED_CHARACTERS = 32
/** Most manifests in a block, counted from its end. */
const MAX_BLOCK_MANIFESTS = 1024

/** How manifests become records, which must depend on the manifest and the form alone. */
export interface RecordForm {
  /** Equal for equal forms: format version, codec and level. */
  readonly key: string
  readonly add: (manifest: ManifestFile) => void
}

/** Manifests that share a block. */
interface BlockContent {
  readonly manifests: readonly ManifestFile[]
}

interface KnownBlock extends BlockContent {
  readonly formKey: string
  readonly block: AvroBlock
}

/** By the last manifest. Few manifests ever end a block, so that no more is kept than the lists in use take. */
const knownBlocks = new WeakMap<ManifestFile, KnownBlock>()

/**
 * Appends the manifests to `writer`, which must not end blocks by itself. Blocks that the very same objects became before, in the
 * same form, are not made again; none of them may have changed.
 *
 * The names of the manifests alone say where a block ends. A list that has most of its manifests in common with another so has most
 * of its blocks in common, wherever manifests came or went, and equal lists are equal bytes whatever was written before.
 */
export function addManifestBlocks(writer: ContainerWriter, manifests: readonly ManifestFile[], form: RecordForm): void {
  for (const content of cutManifests(manifests, form.key)) {
    if ('block' in content) {
      writer.addBlock(content.block)
      continue
    }
    for (const manifest of content.manifests) form.add(manifest)
    const block = writer.endBlock()
    if (block === undefined) continue
    // A codec may hand out part of a larger buffer.
    const own = { ...block, bytes: new Uint8Array(block.bytes) }
    knownBlocks.set(content.manifests.at(-1)!, { ...content, formKey: form.key, block: own })
  }
}

/** From the end, since new manifests come first: so a block of full length stays one. */
function cutManifests(manifests: readonly ManifestFile[], formKey: string): (KnownBlock | BlockContent)[] {
  const contents: (KnownBlock | BlockContent)[] = []
  for (let end = manifests.length; end > 0;) {
    const content = findKnown(manifests, end, formKey) ?? { manifests: manifests.slice(blockStart(manifests, end), end) }
    contents.push(content)
    end -= content.manifests.length
  }
  return contents.reverse()
}

function blockStart(manifests: readonly ManifestFile[], end: number): number {
  const least = Math.max(0, end - MAX_BLOCK_MANIFESTS)
  let start = end - 1
  while (start > least && !endsBlock(manifests[start - 1]!)) start--
  return start
}

/** The block that was made of the manifests before `end`, if it is where it would be cut now. */
function findKnown(manifests: readonly ManifestFile[], end: number, formKey: string): KnownBlock | undefined {
  const known = knownBlocks.get(manifests[end - 1]!)
  if (known === undefined || known.formKey !== formKey) return undefined
  const start = end - known.manifests.length
  if (start < 0 || !known.manifests.every((manifest, i) => manifest === manifests[start + i])) return undefined
  return start === 0 || known.manifests.length === MAX_BLOCK_MANIFESTS || endsBlock(manifests[start - 1]!) ? known : undefined
}

/** FNV-1a of the name's end. */
function endsBlock({ manifestPath }: ManifestFile): boolean {
  let hash = 0x811c9dc5
  for (let i = Math.max(0, manifestPath.length - HASHED_CHARACTERS); i < manifestPath.length; i++) {
    hash = Math.imul(hash ^ manifestPath.charCodeAt(i), 0x01000193)
  }
  return hash >>> CUT_SHIFT === 0
}
