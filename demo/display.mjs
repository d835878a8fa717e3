/** Output for a terminal of 80 columns: a progress bar where there is one, plain lines where the output is kept. */
const { stdout } = process
const isTerminal = stdout.isTTY === true
const BAR_WIDTH = 28
let drawnAt = 0

export const count = (value) => Number(value).toLocaleString('en-US')
export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`

export function heading(text) {
  stdout.write(`\n${isTerminal ? `\u001b[1m${text}\u001b[22m` : text}\n`)
}

export function line(text) {
  clear()
  stdout.write(`  ${text}\n`)
}

export function progress(label, done, total) {
  const now = performance.now()
  if (!isTerminal || (now - drawnAt < 80 && done < total)) return
  drawnAt = now
  const filled = Math.round((done / total) * BAR_WIDTH)
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
  stdout.write(`\r\u001b[2K  ${label.padEnd(14)} ${bar} ${count(done)} of ${count(total)} rows`)
}

function clear() {
  if (isTerminal) stdout.write('\r\u001b[2K')
}
