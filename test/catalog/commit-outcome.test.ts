/** The three values of an outcome, for the compiler: whoever forgets one does not compile. `npm run typecheck` is what checks it. */
import { expect, it } from 'vitest'
import type { CommitOutcome, TransactionOutcome } from '../../src/catalog/catalog-backend.js'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import type { TableCommitOutcome } from '../../src/catalog/table-commit.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { commitUpdates, creation, emptyAppend } from '../support/table-commits.js'

type AnyOutcome = CommitOutcome | TransactionOutcome | TableCommitOutcome

/** What becomes of the files that a commit wrote. It has an answer for every outcome and no other way out. */
function fateOfFiles(outcome: AnyOutcome): 'live' | 'may go' | 'stay' {
  switch (outcome.outcome) {
    case 'committed':
      return 'live'
    case 'rejected':
      return 'may go'
    case 'unknown':
      return 'stay'
    default:
      return outcome satisfies never
  }
}

/** As writers of two values did: what is no success was taken for a failure. */
function twoValued(outcome: AnyOutcome): string {
  switch (outcome.outcome) {
    case 'committed':
      return 'live'
    case 'rejected':
      return 'may go'
    default:
      // @ts-expect-error -- the unknown outcome is left
      return outcome satisfies never
  }
}

/** No outcome is looked at for the table it made, or the reason it failed, before it is known which one it is. */
function unchecked(outcome: CommitOutcome): readonly unknown[] {
  // @ts-expect-error -- only a commit that is in has a table
  const { table } = outcome
  // @ts-expect-error -- only a commit that is not, or may not be, has a reason
  const { reason } = outcome
  return [table, reason]
}

it('an outcome has three values, all of which its reader has to name (fault 10)', async () => {
  const catalog = new MemoryCatalog({ io: new MemoryFileIO() })
  await catalog.createNamespace(['shop'])
  const base = await catalog.createTable({ namespace: ['shop'], name: 'events' }, creation())
  const first = await commitUpdates(catalog, base, emptyAppend(base, 'first'))
  const late = await commitUpdates(catalog, base, emptyAppend(base, 'late'))
  const unheard: CommitOutcome = { outcome: 'unknown', reason: new Error('the line went dead') }
  expect([first, late, unheard].map(fateOfFiles)).toEqual(['live', 'may go', 'stay'])
  expect([twoValued(late), unchecked(late)]).toEqual(['may go', [undefined, expect.any(Error)]])
})
