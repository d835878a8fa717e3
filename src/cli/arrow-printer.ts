import { RecordBatchFileWriter, RecordBatchStreamWriter } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import { arrowSchema } from '../arrow/arrow-schema.js'
import type { Schema } from '../schema/schema.js'
import type { Output } from './output.js'
import type { RowPrinter } from './row-printer.js'

/** Arrow IPC: a stream, or for files the file format. Each batch is written before the next is taken. */
export function arrowPrinter(schema: Schema, out: Output, form: 'stream' | 'file'): RowPrinter {
  const writer = form === 'file' ? new FileForm() : new StreamForm()
  writer.reset(undefined, arrowSchema(schema))
  const flush = async (): Promise<void> => {
    for (const chunk of writer.chunks.splice(0)) await out.write(chunk)
  }
  return {
    async write(batch: RecordBatch) {
      writer.write(batch)
      await flush()
    },
    async finish() {
      writer.finish()
      await flush()
    },
  }
}

// The library's own sink is a queue without bounds; these hand chunks out as they are made.

class StreamForm extends RecordBatchStreamWriter {
  readonly chunks: Uint8Array[] = []

  protected override _write(chunk: ArrayBufferView): this {
    if (this._started) this._position += collect(this.chunks, chunk)
    return this
  }
}

class FileForm extends RecordBatchFileWriter {
  readonly chunks: Uint8Array[] = []

  protected override _write(chunk: ArrayBufferView): this {
    if (this._started) this._position += collect(this.chunks, chunk)
    return this
  }
}

function collect(chunks: Uint8Array[], { buffer, byteOffset, byteLength }: ArrayBufferView): number {
  if (byteLength > 0) chunks.push(new Uint8Array(buffer, byteOffset, byteLength))
  return byteLength
}
