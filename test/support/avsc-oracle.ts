/** avsc, the other implementation of Avro that ours is held against. */
import type Avsc from 'avsc'

/** Undefined where the process forbids code from strings (`npm run test:no-eval`): avsc compiles every schema to code. */
export const avsc: typeof Avsc | undefined = allowsCodeFromStrings() ? (await import('avsc')).default : undefined
if (avsc === undefined) console.log('Not compared with avsc: this run forbids code from strings')

/** The `long` that avsc uses instead of its own, which throws above 2^53. */
export function exactLong(oracle: typeof Avsc): Avsc.Type {
  return oracle.types.LongType.__with({
    fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const buffer = Buffer.alloc(8)
      buffer.writeBigInt64LE(value)
      return buffer
    },
    fromJSON: BigInt,
    toJSON: String,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
  })
}

function allowsCodeFromStrings(): boolean {
  return !process.execArgv.includes('--disallow-code-generation-from-strings')
}
