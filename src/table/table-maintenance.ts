import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { DmlContext } from '../dml/dml-context.js'
import { checkArgument } from './checked-arguments.js'
import { namingTableAsync } from './named-errors.js'
import { TableRows } from './table-rows.js'

/** What work on a table came to, and the table with it; `undefined`: nothing was committed. */
interface Maintained<T> {
  readonly result: T
  readonly table: LoadedTable | undefined
}

/** Keeping a table fast, small and sound: none of this changes its rows. */
export abstract class TableMaintenance extends TableRows {
  /** Runs `run` on the newest state of the table, and moves to what it made of it. */
  protected async work<T>(
    name: string,
    options: { readonly signal?: AbortSignal | undefined },
    run: (context: DmlContext) => Promise<Maintained<T>>,
  ): Promise<T> {
    checkArgument(options, 'object', `The options of ${name}`)
    const backend = this.requireBackend(name)
    const { engine, runtime } = this.context
    const onNewest = async (): Promise<Maintained<T>> => {
      await this.refresh()
      return run({ backend, loaded: this.loaded, engine, runtime })
    }
    const { result, table } = await namingTableAsync(this.identifier, onNewest, options.signal)
    if (table !== undefined) this.moveTo(table)
    return result
  }
}
