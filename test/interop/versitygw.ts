/** A real S3 server over a folder, for one test file. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { S3Access } from './oracle.js'
import { startS3Process } from './s3-process.js'
import { versitygwExecutable } from './tools.js'

export interface S3Server extends S3Access {
  readonly bucket: string
  stop(): Promise<void>
}

/** Starts versitygw on a free port with one bucket. */
export async function startVersitygw(folder: string, bucket: string, executable = versitygwExecutable): Promise<S3Server> {
  mkdirSync(join(folder, 'objects', bucket), { recursive: true })
  const [accessKey, secretKey] = ['interop', 'interop-secret']
  const server = await startS3Process({
    executable,
    args: (port) => ['--port', `127.0.0.1:${port}`, 'posix', join(folder, 'objects')],
    env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
  })
  return { ...server, accessKey, secretKey, bucket }
}
