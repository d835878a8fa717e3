#!/usr/bin/env python3
"""Other engines as clients of a REST catalog: one JSON request on stdin, one JSON answer on stdout.

  {"engine": "duckdb", "uri": …, "token": …, "s3": {"endpoint": "host:port", "key": …, "secret": …}, "statements": […]}
      runs SQL with the catalog attached as `lake`; answers the rows of the last statement
  {"engine": "pyiceberg", "uri": …, "token": …, "steps": [[verb, …], …]}
      create NAME | append NAME ROWS | delete NAME FILTER | column NAME COLUMN | tag NAME TAG | rows NAME | drop NAME; answers the last step
"""
import glob, importlib.util, json, os, sys


def duckdb_client(q):
    import duckdb

    con = duckdb.connect(config={'threads': 1})
    for name in ('avro', 'httpfs', 'iceberg'):
        folder = os.path.dirname(importlib.util.find_spec('duckdb_extension_' + name).origin)
        con.execute(f"load '{glob.glob(os.path.join(folder, 'extensions', '*', name + '.duckdb_extension'))[0]}'")
    s3 = q['s3']
    con.execute(f"create secret (type s3, key_id '{s3['key']}', secret '{s3['secret']}', endpoint '{s3['endpoint']}', use_ssl false, url_style 'path', region 'us-east-1')")
    auth = f"token '{q['token']}'" if q.get('token') else "authorization_type 'none'"
    con.execute(f"attach '' as lake (type iceberg, endpoint '{q['uri']}', {auth}, access_delegation_mode 'none')")
    rows = []
    for statement in q['statements']:
        rows = con.execute(statement).fetchall()
    return rows


def pyiceberg_client(q):
    import pyarrow as pa
    from pyiceberg.catalog import load_catalog
    from pyiceberg.exceptions import CommitFailedException
    from pyiceberg.types import StringType

    catalog = load_catalog('floe', type='rest', uri=q['uri'], **({'token': q['token']} if q.get('token') else {}))
    schema = pa.schema([pa.field('id', pa.int64(), nullable=False), ('who', pa.string())])
    answer = None
    for verb, name, *rest in q['steps']:
        if verb == 'create':
            catalog.create_namespace_if_not_exists(name.split('.')[0])
            catalog.create_table(name, schema=schema)
        elif verb == 'append':
            # PyIceberg does not try again by itself.
            for attempt in range(50):
                try:
                    catalog.load_table(name).append(pa.Table.from_pylist(rest[0], schema=schema))
                    break
                except CommitFailedException:
                    if attempt == 49: raise
        elif verb == 'delete':
            catalog.load_table(name).delete(rest[0])
        elif verb == 'column':
            with catalog.load_table(name).update_schema() as update:
                update.add_column(rest[0], StringType())
        elif verb == 'tag':
            table = catalog.load_table(name)
            table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, rest[0]).commit()
        elif verb == 'rows':
            answer = sorted(catalog.load_table(name).scan().to_arrow().to_pylist(), key=lambda row: row['id'])
        elif verb == 'drop':
            catalog.drop_table(name)
    return answer


request = json.load(sys.stdin)
engines = {'duckdb': duckdb_client, 'pyiceberg': pyiceberg_client}
print(json.dumps(engines[request['engine']](request), default=str))
