import type { AvroInput } from './avro-input.js'
import { minEncodedBytes, type AvroSchema } from './avro-schema.js'

/** Moves an input over one value. */
export type Skip = (input: AvroInput) => void

/** The fastest way over values of `schema`: by length where the encoding has one. */
export function compileSkip(schema: AvroSchema): Skip {
  switch (schema.kind) {
    case 'null':
      return () => {}
    case 'boolean':
      return (input) => void input.take(1)
    case 'int':
    case 'long':
    case 'enum':
      return (input) => input.readLongHalves()
    case 'float':
      return (input) => void input.take(4)
    case 'double':
      return (input) => void input.take(8)
    case 'bytes':
    case 'string':
      return (input) => void input.take(input.readSize())
    case 'fixed': {
      const size = schema.size
      return (input) => void input.take(size)
    }
    case 'record': {
      const fields = schema.fields.map((field) => compileSkip(field.schema))
      return (input) => {
        for (const skipField of fields) skipField(input)
      }
    }
    case 'union': {
      const branches = schema.branches.map(compileSkip)
      return (input) => branches[readBranch(input, branches.length)]!(input)
    }
    case 'array':
      return skipBlocks([compileSkip(schema.items)], minEncodedBytes(schema.items))
    case 'map':
      return skipBlocks([(input) => void input.take(input.readSize()), compileSkip(schema.values)], 1)
  }
}

/** The branch of a union that follows. */
export function readBranch(input: AvroInput, branches: number): number {
  const branch = input.readInt()
  if (branch < 0 || branch >= branches) throw input.corrupt(`has branch ${branch} of a union of ${branches} before offset ${input.position}`)
  return branch
}

function skipBlocks(item: readonly Skip[], minItemBytes: number): Skip {
  return (input) => {
    for (;;) {
      const signed = input.readSafeLong()
      if (signed === 0) return
      if (signed < 0) {
        // A negative count is followed by the size of the block in bytes.
        input.take(input.readSize())
        continue
      }
      const count = Number(signed)
      input.checkCount(count, minItemBytes)
      for (let i = 0; i < count; i++) {
        for (const skipPart of item) skipPart(input)
      }
    }
  }
}
