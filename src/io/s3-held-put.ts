/** A write that waits with its last byte: the same request on the wire as any other, but in two pieces. */
import type * as S3Sdk from '@aws-sdk/client-s3'
import { Readable } from 'node:stream'

/** The command that sends all bytes but the last, then calls `hold`, and sends the last one when that has settled. To be sent once. */
export function heldPut(
  sdk: typeof S3Sdk,
  input: S3Sdk.PutObjectCommandInput & { readonly Body: Uint8Array },
  hold: () => Promise<void>,
): S3Sdk.PutObjectCommand {
  const command = new sdk.PutObjectCommand(input)
  // Until the request is hashed and signed, the SDK has the bytes; of a stream it could not tell the hash.
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args
      const held = { body: Readable.from(inTwoPieces(input.Body, hold), { objectMode: false }) }
      return next({ ...args, request: Object.assign(Object.create(Object.getPrototypeOf(request) as object) as object, request, held) })
    },
    { step: 'deserialize', priority: 'low', name: 'holdLastByte' },
  )
  return command
}

async function* inTwoPieces(bytes: Uint8Array, hold: () => Promise<void>): AsyncGenerator<Uint8Array, void, undefined> {
  const last = Math.max(0, bytes.length - 1)
  if (last > 0) yield bytes.subarray(0, last)
  await hold()
  yield bytes.subarray(last)
}
