import { escapeText } from './html-text.js'

export interface TableColumn<T> {
  readonly name: string
  readonly of: (row: T) => string
  /** Numbers stand to the right. */
  readonly isNumber?: boolean | undefined
}

/** A table that can be opened below its title. */
export function dataTable<T>(title: string, rows: readonly T[], columns: readonly TableColumn<T>[]): string {
  if (rows.length === 0) return ''
  const classOf = ({ isNumber }: TableColumn<T>): string => (isNumber === true ? ' class="number"' : '')
  const head = columns.map((column) => `<th scope="col"${classOf(column)}>${escapeText(column.name)}</th>`).join('')
  const body = rows.map((row) => `<tr>${columns.map((column) => `<td${classOf(column)}>${escapeText(column.of(row))}</td>`).join('')}</tr>`)
  return [
    `<details class="card"><summary><h3>${escapeText(title)}</h3></summary>`,
    `<div class="scroll" tabindex="0" role="region" aria-label="${escapeText(title)}"><table><thead><tr>${head}</tr></thead><tbody>`,
    ...body,
    '</tbody></table></div></details>',
  ].join('\n')
}
