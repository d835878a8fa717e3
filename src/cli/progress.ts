import { systemRuntime } from '../util/runtime.js'
import { countText } from './display-text.js'
import type { Output } from './output.js'

const REDRAW_MS = 100
const BAR_WIDTH = 30

/** A line on a terminal that tells how far rows have come; silent anywhere else. */
export class Progress {
  readonly #out: Output
  readonly #total: number | undefined
  readonly #start = systemRuntime.now()
  #drawnAt = 0

  /** `total`: rows expected, when known. */
  constructor(out: Output, total: number | undefined) {
    this.#out = out
    this.#total = total
  }

  update(rows: number): void {
    const now = systemRuntime.now()
    if (!this.#out.isTerminal || now - this.#drawnAt < REDRAW_MS) return
    this.#drawnAt = now
    const rate = `${countText(Math.round((1000 * rows) / Math.max(1, now - this.#start)))} rows/s`
    // The line is redrawn soon; a failure to draw shows when the result is printed.
    void this.#out.write(`\r\u001b[2K${this.#bar(rows)}${countText(rows)} rows, ${rate}`).catch(() => undefined)
  }

  /** Clears the line. */
  async finish(): Promise<void> {
    if (this.#out.isTerminal && this.#drawnAt > 0) await this.#out.write('\r\u001b[2K')
  }

  #bar(rows: number): string {
    if (this.#total === undefined || this.#total === 0) return ''
    const share = Math.min(1, rows / this.#total)
    const done = Math.round(share * BAR_WIDTH)
    return `${'█'.repeat(done)}${'░'.repeat(BAR_WIDTH - done)} ${String(Math.floor(100 * share)).padStart(3)} %  `
  }
}
