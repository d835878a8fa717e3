const MAIN = `floe — Apache Iceberg tables from the command line

Usage: floe <verb> <table> [options]

Verbs
  scan               print the rows of a table, now or at an earlier state
  append             add the rows of files, creating the table if asked
  delete             delete the rows that a filter selects
  update             set columns of the rows that a filter selects
  upsert             replace rows by the keys of new ones, insert the others
  overwrite          replace all rows, those of a filter, or whole partitions
  changes            print what changed between two states, row by row
  compact            rewrite small files into large ones, sorted if asked
  maintain           decide what the table needs, do it, and say why
  rewrite-manifests  bring manifests into the order of partitions
  inspect            print metadata: snapshots, files, partitions, …
  branch             list, create, move and drop branches
  tag                list, create, move and drop tags
  publish            check a branch, and fast-forward main to it
  rollback           move a branch back to an earlier snapshot
  cherry-pick        bring a staged snapshot into a branch
  expire             remove old snapshots, and the files that only they need
  orphans            remove files that nothing in the table reaches
  fsck               check files, counts and bounds; mend what can be mended
  purge              erase rows for good, and prove it
  doctor             try whether commits to a store are safe
  serve              offer a catalog to other engines by the REST protocol
  layout             draw how the table lies in its files, as one HTML page
  plan               tell which files a query reads or skips, and why

<table> is one of
  <catalog>#<namespace.table>   /data/lake#shop.events, s3://bucket/lake#a.b,
                                https://host/path#a.b of a catalog server
  a table's folder              /data/lake/shop/events
  a metadata file, to read it   …/metadata/v3.metadata.json

Stores (all verbs)
  --map-prefix PREFIX=DIR   serve a prefix from a folder: s3://bucket/=/data *
  --s3-endpoint URL         a store other than AWS; credentials by environment
  --s3-region REGION
  --s3-path-style           the bucket in the path: default with --s3-endpoint
  --allow-location PREFIX   also read files of the table below this prefix *

  --json                    results and errors as JSON: 64-bit ids and values
                            as strings of digits, counts and sizes as numbers
  -h, --help                this text, or a verb's: floe scan --help
  -V, --version

Catalog servers take FLOE_CATALOG_TOKEN, or FLOE_CATALOG_CREDENTIAL (OAuth 2,
client:secret), and FLOE_CATALOG_WAREHOUSE from the environment.
Options marked * may be repeated. doctor and serve take a <catalog> alone.
Exit codes: 0 success, 1 the operation failed, 2 wrong usage.
Errors go to stderr as "floe: CODE: message".
`

const VERBS: ReadonlyMap<string, string> = new Map([
  [
    'scan',
    `Usage: floe scan <table> [options]

Prints the rows of a table.

  --ref NAME          a branch or tag
  --snapshot ID       a snapshot
  --as-of TIME        the state at a time: 2024-01-31, 2024-01-31T12:00:00Z,
                      or milliseconds
  --where FILTER      SQL-like: "kind = 'click' and ts >= '2024-01-31T12:00Z'"
  --select A,B        only these columns; dots for members of structs
  --metadata-columns A,B
                      also these, after the others: _file, _pos, _spec_id,
                      _partition, _row_id, _last_updated_sequence_number;
                      with _deleted, deleted rows come too, marked
  --limit N           stop after N rows
  --format FORMAT     table, jsonl, csv, arrow or parquet
                      default: by the name of -o; else table on a terminal,
                      jsonl elsewhere and with --json
  -o, --output FILE   write to a file, which is replaced when all went well

jsonl loses nothing: 64-bit integers, decimals and timestamps are strings of
their digits.
`,
  ],
  [
    'append',
    `Usage: floe append <table> --from FILE... [options]

Adds the rows of files as one snapshot: all of them, or none.

  --from FILE         parquet, arrow, jsonl or csv; - for standard input
                      (repeatable; further files may follow the table)
  --input-format F    parquet, arrow, jsonl or csv, when the name does not tell
  --delimiter C       of CSV, default ,
  --branch NAME       append to a branch, made on top of main if there is none
  --on-invalid MODE   fail (default): the first row that does not fit ends it;
                      skip: leave such rows out and say how many
  --idempotency-token T   appending again with the same token does nothing
  --json              the result as JSON

New tables
  --create            create the table if it is missing, with the schema of the
                      first file (inferred from a sample for jsonl and csv)
  --partition-by T    'day(ts), bucket(id, 16), country'
  --sort-by T         'ts desc nulls last, id'
  --format-version N  1, 2 (default) or 3
  --property K=V      a table property (repeatable)
`,
  ],
  [
    'delete',
    `Usage: floe delete <table> (--where FILTER | --all) [options]

Deletes the rows that a filter selects, in one commit.

  --where FILTER      as for scan
  --all               every row, instead of --where
${rowChangeOptions('delete')}`,
  ],
  [
    'update',
    `Usage: floe update <table> (--where FILTER | --all) --set COLUMN=VALUE...

Sets columns of the rows that a filter selects, in one commit.

  --where FILTER      as for scan
  --all               every row, instead of --where
  --set COLUMN=VALUE  null, 'text in quotes', a JSON list or object, or a value
                      as scan prints it (repeatable; a.b for members of structs)
${rowChangeOptions('update')}`,
  ],
  [
    'upsert',
    `Usage: floe upsert <table> --from FILE... [--key COLUMN...] [options]

Replaces whole the rows that have the keys of new ones, and inserts the others,
in one commit. A key that the files have twice, or that is null, is refused.

  --from FILE         as for append (repeatable; further files may follow)
  --key COLUMN        a key column (repeatable, or a,b); default: the table's
                      identifier fields
  --skip-unchanged    leave rows alone that are in the table value for value
  --spill-directory D   where input beyond memory waits; default: the system's
                      folder for temporary files
  --input-format F, --delimiter C   as for append
${rowChangeOptions('merge')}`,
  ],
  [
    'overwrite',
    `Usage: floe overwrite <table> --from FILE... [options]

Replaces rows by those of files, in one commit: by default every row.

  --from FILE         as for append (repeatable; further files may follow)
  --where FILTER      only the rows that the filter selects
  --require-match     refuse new rows that --where does not select
  --partitions        only the partitions that the new rows belong to
  --input-format F, --delimiter C   as for append
${rowChangeOptions('delete')}`,
  ],
  [
    'changes',
    `Usage: floe changes <table> [options]

Prints what changed, row by row and commit by commit: the columns of the table,
then _change_type (INSERT, DELETE, UPDATE_BEFORE, UPDATE_AFTER),
_change_ordinal and _commit_snapshot_id.

  --from STATE        start after a snapshot, a branch or tag, or a time;
                      default: the beginning of the table
  --since CURSOR      start where an earlier call ended: the JSON it printed
  --cursor-file F     start at the cursor in F, if there is one and neither
                      --from nor --since is given; keep the new one there.
                      Without it the cursor is printed to stderr
  --to STATE          the last state; default: the current one
  --keys A,B          columns that identify a row, to tell updates; default: the
                      identifier fields, else row ids; '' for no updates
  --net               one change a row: what was undone is left out
  --where FILTER      as for scan: rows that do not match are not there
  --select A,B        only these columns; what differs elsewhere is no change
  --limit N, --format FORMAT, -o FILE   as for scan; a cursor never passes
                      changes that were not printed
`,
  ],
  [
    'compact',
    `Usage: floe compact <table> [options]

Rewrites files into such of the target size, with deletes applied. Rows and
their ids stay the same; what others delete meanwhile stays deleted.

  --strategy S        binpack (default), sort, zorder or hilbert
  --sort-by TERMS     with sort: "ts desc, bucket(id, 16)"; default: the table's
                      sort order
  --columns A,B       with zorder and hilbert
  --where FILTER      only files that may hold such rows
  --selection S       size (default): files of a wrong size or with many
                      deletes; clustering: files that overlap in what is
                      ordered by
  --rewrite-all       every file
  --target-file-size N   128MB, 1g; default: write.target-file-size-bytes
  --min-file-size N, --max-file-size N   others are rewritten; default 75 % and
                      180 % of the target
  --min-input-files N   groups of so many files are rewritten whatever their
                      size; default 5
  --delete-file-threshold N, --delete-ratio-threshold R   files with so many
                      delete files, or this share of rows deleted (default 0.3)
  --max-file-group-size N   rewritten together at most; default 100GB
  --max-files N       rewrite no more files than these
  --output-spec-id N  default: the table's current partition spec
  --job-order O       none, bytes-asc, bytes-desc, files-asc or files-desc
  --partial-progress  commit as groups are done, --max-commits N (default 10)
  --memory-budget N   default 512MB; beyond it, rows wait in --spill-directory D
  --branch NAME       compact a branch
  --dry-run           print what would be done
  --print-plan        print the plan as JSON: for rewriteGroup, anywhere
  --json              the result as JSON
`,
  ],
  [
    'maintain',
    `Usage: floe maintain <table> [options]

Decides what the table needs and does it, in this order: compaction,
equality-deletes, position-deletes, manifests, statistics,
partition-statistics, expiry, orphans. Prints why, for each. Exits with 1 when a
task failed; the others are done all the same. Fit for cron, on several machines
at once: where nothing is to be done, only metadata and manifests are read.

  --only TASK         only this task (repeatable, or a,b)
  --skip TASK         not this task (repeatable, or a,b)
  --statistics-columns A,B   count the distinct values of these columns
  --branch NAME       the branch to keep in order; default main
  --dry-run           decide, and change nothing
  --json              the decisions and results as JSON
`,
  ],
  [
    'rewrite-manifests',
    `Usage: floe rewrite-manifests <table> [options]

Brings the entries of manifests into the order of their partitions, where that
gains something: small manifests, such that overlap, such that list many deleted
files. Row ids and sequence numbers stay.

  --cluster-by A,B    partition fields to order by; default: those of the spec
  --target-size SIZE  8MiB, …; default: commit.manifest.target-size-bytes
  --spec-id N         only manifests of one partition spec
  --all               also manifests that are in order
  --branch NAME       default main
  --dry-run           tell what would be rewritten
  --json              the result as JSON
`,
  ],
  [
    'inspect',
    `Usage: floe inspect <table> <what> [options]

<what> is one of
  snapshots  history  refs  schema  schemas  properties  metadata-log
  files  data-files  delete-files  manifests  entries  partitions  statistics
  all-files  all-data-files  all-delete-files  all-manifests  all-entries

  --ref NAME          of a branch or tag (files … partitions)
  --snapshot ID       of a snapshot (files … partitions)
  --json              every column, as a JSON array with one object a line
`,
  ],
  [
    'branch',
    `Usage: floe branch <table> [action] [names] [options]

  list                      default
  create NAME               at the head of main, or --snapshot ID, --ref NAME
  replace NAME              to --snapshot ID or --ref NAME, one of which it
                            needs; in its history or not
  drop NAME
  rename NAME NEW-NAME
  fast-forward NAME TO      to the head of TO, of which NAME is an ancestor
  retain NAME               changes only how long it is kept

  --min-snapshots-to-keep N   whatever their age
  --max-snapshot-age T      90m, 12h, 7d: older snapshots may expire
  --max-ref-age T           the branch itself may go when it is older; not main
  --json                    the branches, or the one that moved, as JSON
`,
  ],
  [
    'tag',
    `Usage: floe tag <table> [action] [name] [options]

  list                      default
  create NAME               at the head of main, or --snapshot ID, --ref NAME
  replace NAME              to --snapshot ID or --ref NAME, one of which it
                            needs
  drop NAME
  retain NAME               changes only how long it is kept

  --max-ref-age T           90m, 12h, 7d: the tag may go when it is older
  --json                    the tags, or the one that moved, as JSON
`,
  ],
  [
    'publish',
    `Usage: floe publish <table> --branch NAME [options]

Checks a branch, then fast-forwards another to what was checked. Exits with 1
when a check fails, with 2 before any is made for a filter that is none.

  --branch NAME         the branch to publish
  --to NAME             a branch that exists; default main
  --none-where FILTER   fails when a row of the branch matches (repeatable)
  --min-rows N          fails when the branch has fewer
  --quarantine NAME     rename the branch to this when a check fails
  --json                the result as JSON
`,
  ],
  [
    'expire',
    `Usage: floe expire <table> [options]

Removes old snapshots, branches and tags, then the files that nothing in the
table reaches any more. What is kept, the table's history.expire.* properties
and its branches and tags say; heads are always kept.

  --older-than 5d     snapshots from before may go: an age (90m, 12h, 7d), or a
                      time as for scan; default: what the table says, or 5d
  --retain-last N     keep so many of each branch, whatever their age
  --snapshot ID       this one goes as well (repeatable)
  --clean-files WHAT  all (default); metadata: no data files; none
  --clean-metadata    schemas and partition specs in no use any more go too
  --dry-run           tell what would go, and change nothing
  --json              the result as JSON
`,
  ],
  [
    'fsck',
    `Usage: floe fsck <table> [options]

Checks whether the table is what its metadata says: that files are there and
open, counts, bounds, sequence numbers, row ids, deletes. Exits with 1 when it
finds errors.

  --data HOW          none (default): files are opened; all: their rows are read
                      as well; sample: those of some files
  --sample-rate R     of sample: the share of files, default 0.1
  --snapshots WHICH   current; refs (default): heads of branches and tags; all
  --repair            mend what ordinary commits can, and tell the rest
  --drop-missing-files    also give up the rows of data files that are gone
  --drop-missing-deletes  also forget delete files that are gone: rows come back
  --drop-duplicates   also drop one of two listings of a file
  --dry-run           with --repair: tell what would be done
  --json              the report as JSON
`,
  ],
  [
    'purge',
    `Usage: floe purge <table> --where FILTER [options]

Erases rows: from branches, tags, snapshots, files, earlier versions of objects.
Then searches all that is left, and reports what still holds them and until
when. Exits with 1 when something does.

  --where FILTER      the rows, as for scan
  --branch NAME       only this branch; others are reported as held (repeatable)
  --keep-tags         keep tags that hold the rows, and report them
  --scan-columns A,B  look for the rows' values of these columns as well
  --scan-value TEXT   look for this as well (repeatable)
  --leftover-min-age T   90m, 12h, 7d: unreached objects with a key go when
                      they are so old; default 1d
  --report FILE       write the report, sealed with its digest, as JSON
  --include-filter    let the report name the filter with its values
  --dry-run           tell what would be done
  --json              the report as JSON
`,
  ],
  [
    'orphans',
    `Usage: floe orphans <table> [options]

Removes files in the table's folder that nothing in the table reaches: of
writers that died, of commits that were refused. Prints them one a line.

  --older-than 3d     only files that were written so long ago by the store's
                      clock, or before a time as for scan; default 3d
  --allow-recent      take ages below a day, when nothing writes to the table
  --dry-run           tell what would go, and change nothing
  --trash PREFIX      move the files there; .trash is a name in the table's
                      folder
  --prefix-mismatch M files that may be the table's by another spelling:
                      error (default), ignore, or delete
  --equal-schemes s3a,s3n=s3, --equal-authorities A,B=C   names that are one
                      (repeatable)
  --gone-table UUID   another table that lived here and is gone (repeatable)
  --json              the plan and the result as JSON
`,
  ],
  [
    'rollback',
    `Usage: floe rollback <table> (--snapshot ID | --as-of TIME) [options]

Moves a branch back to a snapshot of its history; nothing is deleted.

  --snapshot ID       the snapshot
  --as-of TIME        the last snapshot from before a time
  --any               with --snapshot: also one outside of the history
  --branch NAME       default main
  --json              the result as JSON
`,
  ],
  [
    'cherry-pick',
    `Usage: floe cherry-pick <table> (--snapshot ID | --wap-id NAME) [options]

Brings a snapshot that is not in a branch's history into it: a staged append, by
its id or the name it was staged under, or one of another branch.

  --branch NAME       default main
  --json              the result as JSON
`,
  ],
  [
    'doctor',
    `Usage: floe doctor <catalog> [options]

Tries what commits rely on of the store of a catalog, and what other tools may:
creation races, stale conditions, deleting and creating again, uploads in parts,
listings, etags. Exits with 1 when commits to it could be lost. <catalog> is a
folder or prefix: /data/lake, s3://bucket/warehouse.

  --json              the properties as JSON
`,
  ],
  [
    'serve',
    `Usage: floe serve <catalog> [options]

Serves a catalog by the REST protocol, so that Spark, DuckDB, PyIceberg and
others read and write the same tables, until it is interrupted. <catalog> is a
folder or prefix: /data/lake, s3://bucket/warehouse.

  --host HOST         default 127.0.0.1; other addresses need a token
  --port PORT         default: any free one
  --token-file FILE   clients must send what is in FILE as their bearer token or
                      OAuth 2 client secret; else FLOE_SERVE_TOKEN is used
  --client-property K=V   sent to clients, never credentials (repeatable)
  --json              the address as JSON
`,
  ],
  [
    'layout',
    `Usage: floe layout <table> [options]

Draws how the table lies in its files, from manifests alone: file sizes,
overlap, what filters on each column skip, deletes, growth, and what maintenance
would help. The page is one HTML file that loads nothing and runs nothing.

  -o, --output FILE   write the page to a file; default: standard output
  --ref NAME          of a branch or tag
  --snapshot ID       of a snapshot
  --json              the measures as one JSON object, instead of the page
`,
  ],
  [
    'plan',
    `Usage: floe plan <table> [options]

Tells what a scan would read, from manifests alone.

  --where FILTER      as for scan
  --ref NAME, --snapshot ID, --as-of TIME   as for scan
  --explain           every manifest and file, read or skipped, and why
  --json              the same as one JSON object
`,
  ],
])

/** The options of every verb that changes rows. `operation`: whose properties of the table say what the defaults are. */
function rowChangeOptions(operation: 'delete' | 'update' | 'merge'): string {
  return `  --branch NAME       change a branch, made on top of main if there is none
  --mode M            merge-on-read or copy-on-write; default: what the table's
                      write.${operation}.mode says
  --isolation L       serializable or snapshot; default: what the table's
                      write.${operation}.isolation-level says
  --idempotency-token T   repeating the call with the same token does nothing
  --dry-run           count the rows, and change nothing
  --json              the result as JSON
`
}

/** The help of a verb, or the overview; undefined for a verb that there is not. */
export function helpText(verb?: string): string | undefined {
  return verb === undefined ? MAIN : VERBS.get(verb)
}
