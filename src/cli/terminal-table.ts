import { clipText, displayWidth, padText } from './display-text.js'

export interface TableColumn {
  readonly name: string
  readonly align: 'left' | 'right'
  /**
   * Which part of a long cell is kept: its `start`, its `end` (paths) or the `whole` of it. Absent: its start, at the usual width.
   */
  readonly fit?: 'start' | 'end' | 'whole' | undefined
}

type Cells = readonly string[]

export interface TableLayout {
  readonly columns: readonly TableColumn[]
  /** Of each shown column. */
  readonly widths: readonly number[]
  /** Columns for which there was no room. */
  readonly hidden: readonly string[]
}

const MAX_CELL_WIDTH = 40
const MIN_CELL_WIDTH = 8
const GAP = '  '

/**
 * Fits a table into `maxWidth` columns, `undefined` for any width: columns are left out from the right until the others fit at
 * their narrowest, then the widest of those are narrowed.
 */
export function layOutTable(columns: readonly TableColumn[], rows: readonly Cells[], maxWidth: number | undefined): TableLayout {
  const widths = columns.map((column, i) => {
    const most = column.fit !== undefined ? Infinity : Math.max(MAX_CELL_WIDTH, displayWidth(column.name))
    return Math.min(most, rows.reduce((widest, row) => Math.max(widest, displayWidth(row[i] ?? '')), displayWidth(column.name)))
  })
  const least = columns.map((column, i) => (column.fit === 'whole' ? widths[i]! : Math.min(widths[i]!, MIN_CELL_WIDTH)))
  let shown = columns.length
  while (maxWidth !== undefined && shown > 1 && totalWidth(least.slice(0, shown)) > maxWidth) shown--
  const [kept, fitted] = [columns.slice(0, shown), widths.slice(0, shown)]
  if (maxWidth !== undefined) while (totalWidth(fitted) > maxWidth && narrowWidest(kept, fitted)) continue
  return { columns: kept, widths: fitted, hidden: columns.slice(shown).map((column) => column.name) }
}

/** Header and rule. */
export function tableHead({ columns, widths }: TableLayout): string {
  const rule = widths.map((width) => '─'.repeat(width)).join(GAP)
  return `${tableLine(columns.map((column) => column.name), { columns, widths, hidden: [] })}${rule}\n`
}

/** One row, cells cut to their columns. */
export function tableLine(cells: Cells, { columns, widths }: TableLayout): string {
  const texts = columns.map((column, i) => padText(clipText(cells[i] ?? '', widths[i]!, column.fit === 'end' ? 'end' : 'start'), widths[i]!, column.align))
  return `${texts.join(GAP).trimEnd()}\n`
}

function totalWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * Math.max(0, widths.length - 1))
}

function narrowWidest(columns: readonly TableColumn[], widths: number[]): boolean {
  const narrowable = columns.map((column, i) => (column.fit === 'whole' ? 0 : widths[i]!))
  const widest = narrowable.indexOf(Math.max(...narrowable))
  if (widest < 0 || narrowable[widest]! <= MIN_CELL_WIDTH) return false
  widths[widest]!--
  return true
}
