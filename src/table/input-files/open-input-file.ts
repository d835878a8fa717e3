import { checkOneOf } from '../../util/option-values.js'
import { INPUT_FORMATS, inputFormatOf } from './input-file.js'
import type { InputContext, InputFile } from './input-file.js'

/** Opens one file in its format. @throws FloeError `NOT_FOUND`, `CORRUPT`, or `INVALID` for a name that does not tell the format */
export async function openInputFile(location: string, context: InputContext): Promise<InputFile> {
  const { options } = context
  checkOneOf(options.format, INPUT_FORMATS, 'The format of a file')
  const format = options.format ?? inputFormatOf(location)
  switch (format) {
    case 'parquet': {
      const { openParquetFile } = await import('./parquet-file.js')
      return openParquetFile(location, context)
    }
    case 'arrow': {
      const { openArrowFile } = await import('./arrow-file.js')
      return openArrowFile(location, context)
    }
    case 'jsonl': {
      const { openJsonLines } = await import('./json-lines.js')
      return openJsonLines(location, context)
    }
    case 'csv': {
      const { openCsvFile } = await import('./csv-file.js')
      return openCsvFile(location, context)
    }
  }
}
