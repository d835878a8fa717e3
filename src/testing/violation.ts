/** The rules that every run keeps. */
export type Rule =
  | 'acknowledged exactly once'
  | 'all or nothing'
  | 'failed is never visible'
  | 'visible for ever'
  | 'no rows but those of its operation'
  | 'one line of history'
  | 'sequence numbers grow'
  | 'row ids are never reused'
  | 'rows keep their ids'
  | 'time goes forward'
  | 'real-time order'
  | 'reads are states of the table'
  | 'reads never go backwards'
  | 'everything reachable is there'
  | 'nothing reachable is deleted'
  | 'nothing expires before its time'
  | 'written once'
  | 'leaks are bounded'
  | 'one removal clears all leaks'
  | 'one vector per data file'
  | 'counts are exact'
  | 'errors are honest'
  | 'everybody comes to an end'
  | 'the same seed is the same run'

/** A rule that a run broke, and how. */
export interface Violation {
  readonly rule: Rule
  readonly message: string
}

/** Says that a rule is broken. */
export type Report = (rule: Rule, message: string) => void
