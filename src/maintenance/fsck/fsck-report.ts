import { snapshotCodes, type Finding, type FindingCode, type Severity } from './finding.js'

/** What was looked at. */
export interface FsckCounts {
  readonly snapshots: number
  readonly manifests: number
  /** Content files, each counted once. */
  readonly files: number
  readonly bytes: number
  /** Of these files, all rows were read. */
  readonly filesRead: number
  readonly rowsRead: number
}

/** The state of a table: plain JSON. */
export interface FsckReport {
  readonly table: string
  readonly metadataLocation: string
  readonly formatVersion: number
  readonly checked: FsckCounts
  /** The worst first; at most as many as were asked for. */
  readonly findings: readonly Finding[]
  /** All of them, also those that are not listed. */
  readonly counts: Readonly<Record<Severity, number>>
  readonly codes: Readonly<Partial<Record<FindingCode, number>>>
  /** Whether there is no finding that is an error. */
  readonly isSound: boolean
}

const RANKS: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }

/** Gathers findings, each once, and no more than memory has room for. */
export class FindingLog {
  readonly #findings: Finding[] = []
  readonly #seen = new Set<string>()
  readonly #codes = new Map<FindingCode, number>()
  readonly #counts: Record<Severity, number> = { error: 0, warning: 0, info: 0 }

  constructor(private readonly limit: number) {}

  readonly add = (finding: Finding): void => {
    const { code, snapshotId, manifest, file, offset, column, dataFile } = finding
    if (this.#seen.size < this.limit) {
      const place = file ?? manifest
      // What is wrong with a file is wrong in every snapshot that has it; how files go together is another thing in each.
      const snapshot = place === undefined || snapshotCodes.has(code) ? snapshotId : undefined
      const key = [code, place, snapshot, offset, column, dataFile].join('\n')
      if (this.#seen.has(key)) return
      this.#seen.add(key)
      this.#findings.push(finding)
    }
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1)
    this.#counts[finding.severity]++
  }

  finish(): Pick<FsckReport, 'findings' | 'counts' | 'codes' | 'isSound'> {
    const findings = this.#findings.toSorted((a, b) => compare(orderOf(a), orderOf(b)))
    return { findings, counts: { ...this.#counts }, codes: Object.fromEntries(this.#codes), isSound: this.#counts.error === 0 }
  }
}

function orderOf({ severity, code, file, manifest, snapshotId, column }: Finding): string {
  return [RANKS[severity], code, file ?? manifest ?? '', snapshotId ?? '', column ?? ''].join(' ')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
