import { copyOnlyColumn } from './arrow-ffi.js'
import type { ArrayParts, DecodeField, DecodeJob, DecodeResult } from './engine-job.js'
import { releaseBuffers, settleReleases } from './release-buffer.js'
import { syntheticFile } from './synthetic-file.js'
import { corrupt } from './thrift-compact.js'
import { withEngine } from './wasm-module.js'
import type { WasmEngine } from './wasm-module.js'

/**
 * Decodes the columns of a job one after the other, so that the engine's memory holds one column at a time.
 * @throws FloeError `CORRUPT`, without the name of the file.
 */
export async function runDecode(job: DecodeJob, isOwned = false): Promise<DecodeResult> {
  const fields: ArrayParts[][] = []
  for (const field of job.fields) {
    fields.push(await withEngine((engine) => decodeField(engine, field, job.batchRows)))
    if (!isOwned) continue
    releaseBuffers(field.leaves.map((leaf) => leaf.pages.buffer))
    await settleReleases()
  }
  return { kind: 'decode', fields }
}

function decodeField(engine: WasmEngine, field: DecodeField, batchRows: number): ArrayParts[] {
  const range = field.skipRows === 0 && field.rows === field.pageRows ? {} : { offset: field.skipRows, limit: field.rows }
  const stream = engine.api.readParquet(syntheticFile(field), { batchSize: batchRows, ...range }).intoFFI()
  try {
    const batches: ArrayParts[] = []
    let rows = 0
    for (let i = 0; i < stream.numArrays(); i++) {
      const parts = copyOnlyColumn(engine.memory, stream.arrayAddr(i), field.layout)
      rows += parts.length
      batches.push(parts)
    }
    if (rows !== field.rows) throw corrupt(`promises ${field.rows} rows where a column has ${rows}`)
    const isAligned = batches.every((batch, i) => batch.length === Math.min(batchRows, field.rows - i * batchRows))
    if (!isAligned) throw corrupt('has columns that do not align')
    return batches
  } finally {
    stream.free()
  }
}

/** The buffers of a result, which can be moved instead of copied. */
export function transferOf(result: DecodeResult): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  const visit = (parts: ArrayParts): void => {
    for (const part of [parts.validity, parts.offsets, parts.values]) {
      if (part !== undefined && part.length > 0) buffers.add(part.buffer as ArrayBuffer)
    }
    parts.children.forEach(visit)
  }
  for (const field of result.fields) field.forEach(visit)
  return [...buffers]
}
