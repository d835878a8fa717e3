import { stat } from 'node:fs/promises'
import { localPath } from '../io/local-path.js'
import { parseLocation } from '../io/location.js'
import { ParquetWasmEngine } from '../parquet/parquet-wasm-engine.js'
import { absoluteLocation, inputStore } from '../table/input-files/input-file.js'
import type { InputFile, InputFormat, ReadFilesOptions } from '../table/input-files/input-file.js'
import { openInputFile } from '../table/input-files/open-input-file.js'
import { FloeError } from '../util/errors.js'
import type { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { storeOptions } from './open-target.js'
import { UsageError } from './usage-error.js'

/** Options of every verb that takes rows from files. */
export const INPUT_OPTIONS = {
  from: { type: 'string', multiple: true },
  'input-format': { type: 'string' },
  delimiter: { type: 'string' },
} as const

const FORMATS: readonly InputFormat[] = ['parquet', 'arrow', 'jsonl', 'csv']

/** The files that `--from` names, and those that follow the table. @throws UsageError when there are none */
export function inputLocations(options: CommandOptions, purpose: string): string[] {
  const from = options.texts('from')
  if (from.length === 0) throw new UsageError(`Name the files to ${purpose}: --from FILE...`)
  const locations = [...from, ...options.positionals.slice(1)]
  if (locations.filter((location) => location === '-').length > 1) throw new UsageError('Standard input, -, can be read only once')
  return locations.map(absoluteLocation)
}

/** Opens input files, has them used, and closes them whatever happens. */
export async function withInputFiles<T>(
  locations: readonly string[],
  options: CommandOptions,
  environment: Environment,
  use: (files: readonly InputFile[]) => Promise<T>,
): Promise<T> {
  const engine = new ParquetWasmEngine()
  const files: InputFile[] = []
  try {
    for (const location of locations) files.push(await openInput(location, engine, options, environment))
    return await use(files)
  } finally {
    for (const file of files) await file.close()
    await engine.close()
  }
}

/** All rows of input files, one file after the other. */
export async function* rowsOfFiles(files: readonly InputFile[]): AsyncGenerator<object, void, undefined> {
  for (const file of files) yield* file.rows()
}

/** How many rows input files have, where every one tells. */
export function rowCountOf(files: readonly InputFile[]): number | undefined {
  const counts = files.map((file) => file.rowCount)
  return counts.includes(undefined) ? undefined : counts.reduce<number>((sum, rows) => sum + rows!, 0)
}

async function openInput(
  location: string,
  engine: ParquetWasmEngine,
  options: CommandOptions,
  environment: Environment,
): Promise<InputFile> {
  const { stdin, signal } = environment
  const { s3, pathMapping } = storeOptions(options)
  if (location !== '-' && pathMapping === undefined && parseLocation(location).scheme === 'file') await refuseFolder(location)
  const format = options.oneOf('input-format', FORMATS)
  const reading: ReadFilesOptions = { format, delimiter: options.text('delimiter'), stdin, signal, s3, pathMapping }
  return openInputFile(location, { io: inputStore(location, reading), engine, options: reading })
}

/** Formats differ in what they make of a folder, and its name rarely tells one. */
async function refuseFolder(location: string): Promise<void> {
  const status = await stat(localPath(location)).catch(() => undefined)
  if (status?.isDirectory() === true) throw new FloeError('INVALID', 'This is a folder: name the files in it', { file: location })
}
