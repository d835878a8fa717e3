#!/usr/bin/env python3
"""Reads Iceberg tables with the reference engines and prints canonical rows: the other side of floe's interop tests.

  oracle.py dump     METADATA --engine E [--snapshot ID | --ref NAME] [--lineage]
  oracle.py check    METADATA --expected rows.jsonl [--engines pyiceberg,spark] [--snapshot ID | --ref NAME] [--lineage]
  oracle.py describe METADATA [--no-spark] [--shallow]
  oracle.py serve    [--engine spark]        one JSON request per stdin line, one JSON reply per stdout line

Storage options for all: --file-map s3://bucket=/local/dir (repeatable), --s3-endpoint URL,
--s3-access-key, --s3-secret-key, --s3-region.  METADATA is file:///..., a plain path or s3://....

Engines
  spark      Spark 4.0 + iceberg-spark-runtime (JVM)
  java       iceberg-java IcebergGenerics, no Spark SQL (same JVM; reads time, uuid, timestamp_ns too)
  pyiceberg  PyIceberg + pyarrow
  duckdb     DuckDB's Iceberg extension, from the wheel (local files only)
  pyarrow    small reader written here from the spec (fastavro manifests, pyarrow Parquet)

Operations of serve besides those: `sql` runs Spark SQL over a Hadoop catalog, `equality-deletes` commits an equality delete file of the
Java writer there, `parquet-schema` prints the schema of one Parquet file as parquet-cpp sees it.
Canonical row form: see ../golden/README.md. The jars are found through ORACLE_JARS.
"""
import argparse, base64, datetime, decimal, functools, glob, gzip, hashlib, io, json, math, os, re, struct, sys, tempfile, threading, traceback, uuid, zlib
import urllib.parse

D = decimal.Decimal
decimal.getcontext().prec = 60
ROW_ID, LAST_SEQ = 2147483540, 2147483539

# ------------------------------------------------------------------ canonical values
def js_double(x):
    x = float(x)
    if math.isnan(x): return 'NaN'
    if math.isinf(x): return 'Infinity' if x > 0 else '-Infinity'
    if x == 0: return '-0' if math.copysign(1, x) < 0 else '0'
    sign, r = ('-' if x < 0 else ''), repr(abs(x))
    m, _, e = r.partition('e'); e = int(e or 0)
    ip, _, fp = m.partition('.')
    digits = (ip + fp).lstrip('0'); point = len(ip) + e - (len(ip + fp) - len((ip + fp).lstrip('0')))
    digits = digits.rstrip('0') or '0'
    k, n = len(digits), point
    if k <= n <= 21: s = digits + '0' * (n - k)
    elif 0 < n <= 21: s = digits[:n] + '.' + digits[n:]
    elif -6 < n <= 0: s = '0.' + '0' * -n + digits
    else:
        ee = n - 1; s = digits[0] + ('.' + digits[1:] if k > 1 else '') + 'e' + ('+' if ee >= 0 else '-') + str(abs(ee))
    return sign + s

def dec_str(v, scale):
    v = D(v); u = int(v.scaleb(scale)) if True else 0
    if D(u).scaleb(-scale) != v: raise ValueError(f'decimal {v} does not fit scale {scale}')
    if scale == 0: return str(u)
    s = str(abs(u)).rjust(scale + 1, '0')
    return ('-' if u < 0 else '') + s[:-scale] + '.' + s[-scale:]

def dumps(v): return json.dumps(v, ensure_ascii=False, separators=(',', ':'))

def parse_decimal(t):
    m = re.fullmatch(r'decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)', t)
    return (int(m[1]), int(m[2])) if m else None

def canon_prim(t, v):
    """t: Iceberg primitive type name; v: engine-neutral raw value (int for temporal types, bytes for binary)."""
    if v is None or t == 'unknown': return None
    if t == 'boolean': return bool(v)
    if t in ('int', 'date'): return int(v)
    if t in ('long', 'time', 'timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns'): return str(int(v))
    if t == 'float': return js_double(struct.unpack('<f', struct.pack('<f', v))[0] if not (math.isinf(v) or math.isnan(v)) else v)
    if t == 'double': return js_double(v)
    if t == 'string': return str(v)
    if t == 'uuid':
        if isinstance(v, str): return str(uuid.UUID(v))
        return str(v if isinstance(v, uuid.UUID) else uuid.UUID(bytes=bytes(v)))
    if t == 'binary' or t.startswith('fixed'): return bytes(v).hex()
    d = parse_decimal(t)
    if d: return dec_str(v, d[1])
    raise ValueError('type ' + t)

def sort_map(pairs): return sorted(pairs, key=lambda p: dumps(p[0]).encode())

# variant decoding (Parquet variant encoding v1) -> canonical JSON text
def variant_text(metadata, value):
    md = bytes(metadata); osz = ((md[0] >> 6) & 3) + 1
    rd = lambda b, o, n: int.from_bytes(b[o:o + n], 'little')
    n = rd(md, 1, osz); offs = [rd(md, 1 + osz * (i + 1), osz) for i in range(n + 1)]; base = 1 + osz * (n + 2)
    names = [md[base + offs[i]:base + offs[i + 1]].decode() for i in range(n)]
    def val(b, o):
        h = b[o]; bt, vh = h & 3, h >> 2
        if bt == 1: return dumps(b[o + 1:o + 1 + vh].decode())
        if bt == 2:
            fo, fi, big = (vh & 3) + 1, ((vh >> 2) & 3) + 1, (vh >> 4) & 1
            ns = 4 if big else 1; c = rd(b, o + 1, ns); p = o + 1 + ns
            ids = [rd(b, p + i * fi, fi) for i in range(c)]; p += c * fi
            of = [rd(b, p + i * fo, fo) for i in range(c + 1)]; p += (c + 1) * fo
            it = sorted((names[ids[i]], val(b, p + of[i])) for i in range(c))
            return '{' + ','.join(dumps(k) + ':' + v for k, v in it) + '}'
        if bt == 3:
            fo, big = (vh & 3) + 1, (vh >> 2) & 1
            ns = 4 if big else 1; c = rd(b, o + 1, ns); p = o + 1 + ns
            of = [rd(b, p + i * fo, fo) for i in range(c + 1)]; p += (c + 1) * fo
            return '[' + ','.join(val(b, p + of[i]) for i in range(c)) + ']'
        q = o + 1
        if vh == 0: return 'null'
        if vh in (1, 2): return 'true' if vh == 1 else 'false'
        if vh in (3, 4, 5, 6): return str(int.from_bytes(b[q:q + (1, 2, 4, 8)[vh - 3]], 'little', signed=True))
        if vh == 7: return js_double(struct.unpack_from('<d', b, q)[0])
        if vh in (8, 9, 10):
            sc = b[q]; u = int.from_bytes(b[q + 1:q + 1 + (4, 8, 16)[vh - 8]], 'little', signed=True)
            return dec_str(D(u).scaleb(-sc), sc)
        if vh == 11: return dumps('date:' + str(struct.unpack_from('<i', b, q)[0]))
        if vh in (12, 13, 17, 18, 19): return dumps({12: 'timestamptz', 13: 'timestamp', 17: 'time', 18: 'timestamptz_ns', 19: 'timestamp_ns'}[vh] + ':' + str(struct.unpack_from('<q', b, q)[0]))
        if vh == 14: return js_double(struct.unpack_from('<f', b, q)[0])
        if vh == 15: return dumps('hex:' + b[q + 4:q + 4 + rd(b, q, 4)].hex())
        if vh == 16: return dumps(b[q + 4:q + 4 + rd(b, q, 4)].decode())
        if vh == 20: return dumps(str(uuid.UUID(bytes=b[q:q + 16])))
        raise ValueError('variant primitive %d' % vh)
    return val(bytes(value), 0)

# ------------------------------------------------------------------ arrow -> canonical
def arrow_canon(arr, t):
    """list of canonical values for an arrow array, guided by Iceberg type t (JSON form); t None: from the arrow type."""
    import pyarrow as pa, pyarrow.compute as pc, pyarrow.types as at
    if isinstance(arr, pa.ChunkedArray):
        out = []
        for c in arr.chunks: out += arrow_canon(c, t)
        return out
    if isinstance(arr, pa.ExtensionArray): arr = arr.storage
    ty = arr.type
    if at.is_dictionary(ty): return arrow_canon(arr.dictionary_decode(), t)
    if at.is_null(ty): return [None] * len(arr)
    ok = arr.is_valid().to_pylist()
    if t is None:
        if at.is_struct(ty): t = {'type': 'struct', 'fields': [{'name': f.name, 'type': None, 'id': -1} for f in ty]}
        elif at.is_map(ty): t = {'type': 'map', 'key': None, 'value': None}
        elif at.is_list(ty) or at.is_large_list(ty): t = {'type': 'list', 'element': None}
        else:
            t = ('boolean' if at.is_boolean(ty) else 'date' if at.is_date(ty) else 'time' if at.is_time(ty) else
                 ('timestamp_ns' if ty.unit == 'ns' else 'timestamp') if at.is_timestamp(ty) else
                 f'decimal({ty.precision},{ty.scale})' if at.is_decimal(ty) else 'double' if at.is_float64(ty) else 'float' if at.is_floating(ty) else
                 ('int' if ty.bit_width <= 32 else 'long') if at.is_integer(ty) else 'binary' if (at.is_binary(ty) or at.is_large_binary(ty) or at.is_fixed_size_binary(ty)) else 'string')
    if isinstance(t, dict):
        k = t['type']
        if k == 'struct':
            names = [ty.field(i).name for i in range(ty.num_fields)]
            cols = []
            for i, f in enumerate(t['fields']):
                j = names.index(f['name']) if f['name'] in names else None
                cols.append((f['name'], arrow_canon(pc.struct_field(arr, j), f['type']) if j is not None else [None] * len(arr)))
            return [{n: c[i] for n, c in cols} if ok[i] else None for i in range(len(arr))]
        if k == 'list':
            v = arrow_canon(arr.values, t['element']); o = arr.offsets.to_pylist()
            return [v[o[i]:o[i + 1]] if ok[i] else None for i in range(len(arr))]
        if k == 'map':
            if at.is_list(ty):
                raise ValueError('map read as list')
            kk = arrow_canon(arr.keys, t['key']); vv = arrow_canon(arr.items, t['value']); o = arr.offsets.to_pylist()
            return [sort_map([[kk[j], vv[j]] for j in range(o[i], o[i + 1])]) if ok[i] else None for i in range(len(arr))]
        raise ValueError(k)
    if t == 'variant':
        if at.is_string(ty): return [None if x is None else x for x in arr.to_pylist()]
        m = pc.struct_field(arr, ty.get_field_index('metadata')).to_pylist(); v = pc.struct_field(arr, ty.get_field_index('value')).to_pylist()
        return [variant_text(m[i], v[i]) if ok[i] and v[i] is not None else None for i in range(len(arr))]
    if at.is_timestamp(ty):
        u = 'ns' if t.endswith('_ns') else 'us'
        x = arr.cast(pa.int64()).to_pylist(); mul = {'s': 1, 'ms': 10**3, 'us': 10**6, 'ns': 10**9}; a, b = mul[ty.unit], mul[u]
        vals = [None if y is None else (y * b // a) for y in x]
    elif at.is_date32(ty): vals = arr.cast(pa.int32()).to_pylist()
    elif at.is_time(ty):
        x = arr.cast(pa.int64() if ty.bit_width == 64 else pa.int32()).to_pylist(); a = {'s': 1, 'ms': 10**3, 'us': 10**6, 'ns': 10**9}[ty.unit]
        vals = [None if y is None else y * 10**6 // a for y in x]
    else: vals = arr.to_pylist()
    return [canon_prim(t, v) for v in vals]

def table_rows(tbl, schema):
    cols = []
    names = tbl.schema.names
    for f in schema['fields']:
        if f['name'] not in names: raise ValueError(f"engine returned no column {f['name']!r}: {names}")
        cols.append((f['name'], arrow_canon(tbl.column(names.index(f['name'])), f['type'])))
    return [{n: c[i] for n, c in cols} for i in range(tbl.num_rows)]

def rows_lines(rows): return sorted((dumps(r) for r in rows), key=lambda s: s.encode())

# ------------------------------------------------------------------ storage
class MapServer:
    """Read-only S3 look-alike over local directories, so that every engine takes the same route to mapped files."""
    def __init__(self):
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
        self.map = {}
        me = self
        class H(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def log_message(self, *a): pass
            def find(self):
                p = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path.lstrip('/'))
                for pre, d in sorted(me.map.items(), key=lambda kv: -len(kv[0])):
                    if p == pre or p.startswith(pre + '/'):
                        f = os.path.join(d, p[len(pre):].lstrip('/')); return f if os.path.isfile(f) else None
                return None
            def reply(self, code, body=b'', hdr=(), head=False, n=None):
                self.send_response(code)
                for k, v in hdr: self.send_header(k, v)
                self.send_header('Content-Length', str(len(body) if n is None else n)); self.end_headers()
                if not head: self.wfile.write(body)
            def serve(self, head):
                q = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query, keep_blank_values=True)
                if 'list-type' in q or 'prefix' in q:
                    return self.reply(200, b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>', [('Content-Type', 'application/xml')], head)
                f = self.find()
                if not f: return self.reply(404, b'' if head else b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>', [('Content-Type', 'application/xml')], head)
                size = os.path.getsize(f); a, b, code = 0, size - 1, 200; hdr = []
                r = self.headers.get('Range')
                if r and size:
                    m = re.match(r'bytes=(\d*)-(\d*)', r)
                    if m:
                        if m[1] == '': a = max(0, size - int(m[2]))
                        else: a = int(m[1]); b = min(b, int(m[2])) if m[2] else b
                        if a >= size: return self.reply(416, b'<?xml version="1.0"?><Error><Code>InvalidRange</Code></Error>', [('Content-Type', 'application/xml')], head)
                        code = 206; hdr.append(('Content-Range', f'bytes {a}-{b}/{size}'))
                hdr += [('ETag', '"%s"' % hashlib.md5(f.encode()).hexdigest()), ('Last-Modified', 'Thu, 01 Jan 2026 00:00:00 GMT'), ('Accept-Ranges', 'bytes'), ('Content-Type', 'application/octet-stream')]
                with open(f, 'rb') as fh: fh.seek(a); body = b'' if head else fh.read(b - a + 1)
                self.reply(code, body, hdr, head, n=b - a + 1 if size else 0)
            def do_GET(self): self.serve(False)
            def do_HEAD(self): self.serve(True)
        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request, client_address): pass  # a client that hangs up is no news
        self.srv = Quiet(('127.0.0.1', 0), H); self.srv.daemon_threads = True
        threading.Thread(target=self.srv.serve_forever, daemon=True).start()
        self.url = 'http://127.0.0.1:%d' % self.srv.server_address[1]

class Storage:
    def __init__(self, file_map=(), endpoint=None, key='test', secret='testtest', region='us-east-1'):
        self.server = None; self.key, self.secret, self.region = key, secret, region; self.map = {}
        self.endpoint = endpoint
        if file_map:
            for m in file_map:
                uri, _, d = m.partition('='); self.map[re.sub(r'^s3[an]?://', '', uri).rstrip('/')] = os.path.abspath(d)
            self.server = MapServer(); self.server.map = self.map; self.endpoint = self.server.url
        self._fs = None; self.cache = {}
    def props(self):
        p = {'s3.access-key-id': self.key, 's3.secret-access-key': self.secret, 's3.region': self.region}
        if self.endpoint: p['s3.endpoint'] = self.endpoint
        return p
    def fs(self):
        if self._fs is None:
            import pyarrow.fs as pfs
            e = self.endpoint or ''; sch = 'https' if e.startswith('https') else 'http'
            self._fs = pfs.S3FileSystem(endpoint_override=re.sub('^https?://', '', e) or None, scheme=sch, access_key=self.key, secret_key=self.secret, region=self.region)
        return self._fs
    def read(self, uri):
        m = re.match(r'^s3[an]?://(.*)$', uri, re.S)
        if m:
            p = m[1]
            for pre, d in sorted(self.map.items(), key=lambda kv: -len(kv[0])):
                if p.startswith(pre + '/'):
                    with open(os.path.join(d, p[len(pre):].lstrip('/')), 'rb') as f: return f.read()
            with self.fs().open_input_file(p) as f: return f.read()
        p = re.sub(r'^file:/*', '/', uri)
        with open(p, 'rb') as f: return f.read()

def load_meta(st, loc):
    b = st.read(loc)
    if b[:2] == b'\x1f\x8b': b = gzip.decompress(b)
    return json.loads(b)

def schemas_of(m): return {s.get('schema-id', 0): s for s in (m.get('schemas') or [m['schema']])}
def current_schema(m): return schemas_of(m)[m.get('current-schema-id', 0)] if m.get('schemas') else m['schema']
def specs_of(m): return {s['spec-id']: s['fields'] for s in (m.get('partition-specs') or [{'spec-id': 0, 'fields': m.get('partition-spec', [])}])}

def resolve(m, snapshot=None, ref=None):
    """-> (snapshot json or None, schema json, kind)"""
    snaps = {s['snapshot-id']: s for s in m.get('snapshots') or []}
    sch = schemas_of(m)
    def sschema(s): return sch.get(s.get('schema-id'), current_schema(m)) if s.get('schema-id') is not None else current_schema(m)
    if ref is not None:
        refs = m.get('refs') or ({'main': {'snapshot-id': m['current-snapshot-id'], 'type': 'branch'}} if m.get('current-snapshot-id', -1) not in (None, -1) else {})
        if ref not in refs: raise ValueError(f'no ref {ref!r}; have {sorted(refs)}')
        r = refs[ref]; s = snaps[r['snapshot-id']]
        return s, (current_schema(m) if r['type'] == 'branch' else sschema(s)), r['type']
    if snapshot is not None:
        s = snaps[int(snapshot)]; return s, sschema(s), 'snapshot'
    c = m.get('current-snapshot-id')
    return (snaps[c] if c not in (None, -1) else None), current_schema(m), 'current'

LINEAGE = [{'id': ROW_ID, 'name': '_row_id', 'type': 'long', 'required': False}, {'id': LAST_SEQ, 'name': '_last_updated_sequence_number', 'type': 'long', 'required': False}]

# ------------------------------------------------------------------ engine: own reader
def avro_records(b):
    import fastavro
    r = fastavro.reader(io.BytesIO(b)); return list(r), dict(r.metadata), r.writer_schema

def manifest_list(st, m, snap):
    if snap.get('manifest-list'):
        recs, meta, ws = avro_records(st.read(snap['manifest-list'])); return recs, meta
    out = []
    for p in snap.get('manifests', []): out.append({'manifest_path': p, 'content': 0, 'sequence_number': 0, 'min_sequence_number': 0, 'partition_spec_id': None, 'added_snapshot_id': None, 'manifest_length': None})
    return out, None

def manifest_entries(st, mf):
    recs, meta, ws = avro_records(st.read(mf['manifest_path']))
    spec_id = mf.get('partition_spec_id')
    if spec_id is None: spec_id = int(meta.get('partition-spec-id', 0))
    out = []; nrow = mf.get('first_row_id')
    for e in recs:
        d = e['data_file']; e = dict(e); e['spec_id'] = spec_id; e['content'] = d.get('content') or 0
        if e.get('snapshot_id') is None: e['snapshot_id'] = mf.get('added_snapshot_id')
        if e.get('sequence_number') is None: e['sequence_number'] = (mf.get('sequence_number') or 0) if e['status'] == 1 or 'sequence_number' not in d else None
        if 'sequence_number' not in e or e['sequence_number'] is None: e['sequence_number'] = mf.get('sequence_number') or 0
        if e.get('file_sequence_number') is None: e['file_sequence_number'] = mf.get('sequence_number') or 0
        if e['content'] == 0 and mf.get('content', 0) == 0:
            fr = d.get('first_row_id')
            if fr is None and nrow is not None and e['status'] != 2: fr = nrow; nrow += d['record_count']
            e['first_row_id'] = fr
        out.append(e)
    return out, meta, ws

def roaring32(b, o):
    """portable 32-bit roaring bitmap -> (list, next offset)"""
    cookie = struct.unpack_from('<I', b, o)[0]; out = []; p = o
    if cookie & 0xffff == 12347:
        n = (cookie >> 16) + 1; p += 4; runs = b[p:p + (n + 7) // 8]; p += (n + 7) // 8; has_off = n >= 4
    elif cookie == 12346: n = struct.unpack_from('<I', b, o + 4)[0]; p += 8; runs = bytes((n + 7) // 8); has_off = True
    else: raise ValueError('roaring cookie %d' % cookie)
    kc = [struct.unpack_from('<HH', b, p + 4 * i) for i in range(n)]; p += 4 * n
    if has_off: p += 4 * n
    for i, (k, c) in enumerate(kc):
        c += 1; hi = k << 16
        if runs[i // 8] >> (i % 8) & 1:
            nr = struct.unpack_from('<H', b, p)[0]; p += 2
            for r in range(nr):
                s, l = struct.unpack_from('<HH', b, p); p += 4; out.extend(range(hi + s, hi + s + l + 1))
        elif c <= 4096: out.extend(hi + x for x in struct.unpack_from('<%dH' % c, b, p)); p += 2 * c
        else:
            bits = int.from_bytes(b[p:p + 8192], 'little'); p += 8192
            out.extend(hi + j for j in range(65536) if bits >> j & 1)
    return out, p

def read_dv(st, d, problems=None):
    b = st.read(d['file_path']); o, n = d['content_offset'], d['content_size_in_bytes']; blob = b[o:o + n]
    ln = struct.unpack('>I', blob[:4])[0]; assert blob[4:8] == bytes.fromhex('d1d33964'), 'DV magic'
    assert ln == n - 8, f'DV length field {ln} != {n - 8}'
    crc = struct.unpack('>I', blob[-4:])[0]; assert crc == zlib.crc32(blob[4:-4]), 'DV crc'
    cnt = struct.unpack_from('<Q', blob, 8)[0]; p = 16; out = []
    for _ in range(cnt):
        hi = struct.unpack_from('<I', blob, p)[0]; v, p = roaring32(blob, p + 4); out += [(hi << 32) + x for x in v]
    assert p == n - 4, 'DV trailing bytes'
    return out

def puffin_footer(b):
    assert b[:4] == b'PFA1' and b[-4:] == b'PFA1', 'puffin magic'
    flags = struct.unpack('<I', b[-8:-4])[0]; n = struct.unpack('<i', b[-12:-8])[0]
    pay = b[-12 - n:-12]; assert b[-16 - n:-12 - n] == b'PFA1', 'puffin footer magic'
    if flags & 1:
        raise ValueError('compressed puffin footer')
    return json.loads(pay)

def pkey(p): return tuple(sorted((k, (v.hex() if isinstance(v, bytes) else str(v))) for k, v in (p or {}).items()))

class Own:
    def __init__(self, st): self.st = st
    def parquet(self, path):
        import pyarrow.parquet as pq, pyarrow as pa
        b = self.st.read(path); f = pq.ParquetFile(io.BytesIO(b)); tbl = f.read()
        return tbl, f.schema_arrow
    def avro(self, path):
        recs, meta, ws = avro_records(self.st.read(path)); return recs, ws
    def columns(self, path, fmt, schema, mapping, const, n_expected=None):
        """canonical columns {field-id: [values]} of one data or delete file, and the row count"""
        if fmt.upper() == 'AVRO': return self.avro_columns(path, schema, const)
        if fmt.upper() != 'PARQUET': raise NotImplementedError('own reader: ' + fmt)
        tbl, sa = self.parquet(path)
        has = any(b'PARQUET:field_id' in (f.metadata or {}) for f in self.walk(sa))
        n = tbl.num_rows; out = {}
        for f in schema['fields']: out[f['id']] = self.col([tbl.column(i) for i in range(len(sa))], list(sa), f, n, has, mapping, const)
        return out, n
    def walk(self, fields):
        import pyarrow.types as at
        for f in fields:
            yield f
            if at.is_struct(f.type): yield from self.walk([f.type.field(i) for i in range(f.type.num_fields)])
            elif at.is_map(f.type): yield from self.walk([f.type.key_field, f.type.item_field])
            elif at.is_list(f.type): yield from self.walk([f.type.value_field])
    def match(self, fields, f, has, mapping):
        for i, a in enumerate(fields):
            if has:
                if (a.metadata or {}).get(b'PARQUET:field_id') == str(f['id']).encode(): return i
            elif mapping is not None:
                if f['id'] in mapping and a.name in mapping[f['id']]: return i
        return None
    def col(self, cols, fields, f, n, has, mapping, const):
        if const and f['id'] in const: return [const[f['id']]] * n
        i = self.match(fields, f, has, mapping)
        if i is None:
            if f['id'] in (ROW_ID, LAST_SEQ): return None
            return [default_canon(f)] * n
        return self.conv(cols[i], fields[i], f['type'], has, mapping)
    def conv(self, arr, af, t, has, mapping):
        import pyarrow as pa, pyarrow.compute as pc, pyarrow.types as at
        if isinstance(arr, pa.ChunkedArray):
            out = []
            for c in arr.chunks: out += self.conv(c, af, t, has, mapping)
            return out
        if isinstance(arr, pa.ExtensionArray): arr = arr.storage
        if not isinstance(t, dict): return arrow_canon(arr, t)
        ok = arr.is_valid().to_pylist(); n = len(arr); ty = arr.type
        if t['type'] == 'struct':
            fs = [af.type.field(i) for i in range(af.type.num_fields)]
            ch = [pc.struct_field(arr, i) for i in range(ty.num_fields)]
            cs = [(f['name'], self.col(ch, fs, f, n, has, mapping, None)) for f in t['fields']]
            return [{k: c[i] for k, c in cs} if ok[i] else None for i in range(n)]
        if t['type'] == 'list':
            v = self.conv(arr.values, af.type.value_field, t['element'], has, mapping); o = arr.offsets.to_pylist()
            return [v[o[i]:o[i + 1]] if ok[i] else None for i in range(n)]
        k = self.conv(arr.keys, af.type.key_field, t['key'], has, mapping); v = self.conv(arr.items, af.type.item_field, t['value'], has, mapping); o = arr.offsets.to_pylist()
        return [sort_map([[k[j], v[j]] for j in range(o[i], o[i + 1])]) if ok[i] else None for i in range(n)]
    def avro_columns(self, path, schema, const):
        recs, ws = self.avro(path); ids = {f.get('field-id'): f for f in ws['fields']}; out = {}
        for f in schema['fields']:
            if const and f['id'] in const: out[f['id']] = [const[f['id']]] * len(recs); continue
            w = ids.get(f['id'])
            out[f['id']] = [default_canon(f)] * len(recs) if w is None else [avro_canon(f['type'], r[w['name']]) for r in recs]
        return out, len(recs)
    def scan(self, m, snapshot=None, ref=None, lineage=False):
        snap, schema, kind = resolve(m, snapshot, ref)
        want = {'type': 'struct', 'fields': list(schema['fields']) + (LINEAGE if lineage else [])}
        if snap is None: return []
        specs = specs_of(m); mapping = name_mapping(m); cur = {}
        for s in list(schemas_of(m).values()) + [current_schema(m), schema]:
            for f in flat_fields(s): cur[f['id']] = f
        data, pos, eq, dvs = [], [], [], {}
        for mf in manifest_list(self.st, m, snap)[0]:
            for e in manifest_entries(self.st, mf)[0]:
                if e['status'] == 2: continue
                d = e['data_file']
                if e['content'] == 0: data.append(e)
                elif e['content'] == 2: eq.append(e)
                elif d['file_format'].upper() == 'PUFFIN': dvs.setdefault(d['referenced_data_file'], []).append(e)
                else: pos.append(e)
        posmap = {}
        for e in pos:
            d = e['data_file']
            c, n = self.columns(d['file_path'], d['file_format'], {'fields': [{'id': 2147483546, 'name': 'file_path', 'type': 'string'}, {'id': 2147483545, 'name': 'pos', 'type': 'long'}]}, None, None)
            for p, x in zip(c[2147483546], c[2147483545]): posmap.setdefault(p, []).append((e, int(x)))
        eqs = []
        for e in eq:
            d = e['data_file']; fs = [cur[i] for i in d['equality_ids']]
            c, n = self.columns(d['file_path'], d['file_format'], {'fields': fs}, None, None)
            eqs.append((e, fs, set(dumps([c[f['id']][i] for f in fs]) for i in range(n))))
        rows = []
        for e in data:
            d = e['data_file']; sp = specs[e['spec_id']]; const = {}
            for pf in sp:
                if pf['transform'] == 'identity' and pf['source-id'] in cur:
                    pn = avro_name(pf['name']); v = d['partition'].get(pn, d['partition'].get(pf['name']))
                    const[pf['source-id']] = avro_canon(cur[pf['source-id']]['type'], v)
            my = [(q, fs, ks) for q, fs, ks in eqs if e['sequence_number'] < q['sequence_number'] and ((not specs[q['spec_id']]) or (q['spec_id'] == e['spec_id'] and pkey(q['data_file']['partition']) == pkey(d['partition'])))]
            extra = [f for q, fs, ks in my for f in fs if f['id'] not in {g['id'] for g in want['fields']}]
            uniq = {f['id']: f for f in list(want['fields']) + extra}
            # identity-partition constants are used only where the file lacks the column
            c, n = self.file_cols(d, {'fields': list(uniq.values())}, mapping, const)
            if d['record_count'] != n: raise ValueError(f"record_count {d['record_count']} != {n} in {d['file_path']}")
            dead = set()
            dv = dvs.get(d['file_path'], [])
            if dv:
                if len(dv) > 1: raise ValueError('more than one DV for ' + d['file_path'])
                if dv[0]['sequence_number'] >= e['sequence_number']: dead |= set(read_dv(self.st, dv[0]['data_file']))
            else:
                dead |= {x for q, x in posmap.get(d['file_path'], []) if q['sequence_number'] >= e['sequence_number']}
            for q, fs, ks in my:
                cols = [c[f['id']] for f in fs]
                dead |= {i for i in range(n) if i not in dead and dumps([x[i] for x in cols]) in ks}
            if lineage:
                r0 = e.get('first_row_id')
                a = c[ROW_ID] or [None] * n; b = c[LAST_SEQ] or [None] * n
                c[ROW_ID] = [x if x is not None else (None if r0 is None else str(r0 + i)) for i, x in enumerate(a)]
                c[LAST_SEQ] = [x if x is not None else (None if r0 is None else str(e['sequence_number'])) for x in b]
            rows += [{f['name']: c[f['id']][i] for f in want['fields']} for i in range(n) if i not in dead]
        return rows
    def file_cols(self, d, schema, mapping, const):
        if d['file_format'].upper() == 'PARQUET' and const:
            tbl, sa = self.parquet(d['file_path']); has = any(b'PARQUET:field_id' in (f.metadata or {}) for f in self.walk(sa))
            n = tbl.num_rows; out = {}
            for f in schema['fields']:
                i = self.match(list(sa), f, has, mapping)
                out[f['id']] = self.col([tbl.column(j) for j in range(len(sa))], list(sa), f, n, has, mapping, None if i is not None else const)
            return out, n
        return self.columns(d['file_path'], d['file_format'], schema, mapping, const)

def avro_name(n):
    if re.fullmatch(r'[A-Za-z_][A-Za-z0-9_]*', n): return n
    out = ''
    for i, ch in enumerate(n):
        if re.match(r'[A-Za-z0-9_]', ch) and not (i == 0 and ch.isdigit()): out += ch
        else: out += ('_' + ch) if ch.isdigit() else '_x%X' % ord(ch)
    return out

def flat_fields(t):
    if isinstance(t, dict):
        if t['type'] == 'struct':
            for f in t['fields']: yield f; yield from flat_fields(f['type'])
        elif t['type'] == 'list': yield from flat_fields(t['element'])
        elif t['type'] == 'map': yield from flat_fields(t['key']); yield from flat_fields(t['value'])

def name_mapping(m):
    nm = (m.get('properties') or {}).get('schema.name-mapping.default')
    if not nm: return None
    out = {}
    def go(l):
        for x in l:
            if 'field-id' in x: out.setdefault(x['field-id'], set()).update(x['names'])
            go(x.get('fields', []))
    go(json.loads(nm)); return out

EPOCH_DATE = datetime.date(1970, 1, 1); EPOCH = datetime.datetime(1970, 1, 1)
def default_canon(f):
    """canonical value of initial-default (JSON single-value form)"""
    if f.get('initial-default') is None: return None
    return json_single(f['type'], f['initial-default'])
def json_single(t, v):
    if v is None: return None
    if t in ('int', 'boolean', 'string', 'long', 'float', 'double', 'uuid'): return canon_prim(t, v)
    if t == 'date': return (datetime.date.fromisoformat(v) - EPOCH_DATE).days
    if t in ('timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns', 'time'):
        mm = re.fullmatch(r'(?:(\d{4}-\d\d-\d\d)T)?(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:\+00:00|Z)?', v); nsx = t.endswith('_ns'); w = 9 if nsx else 6
        sec = (datetime.date.fromisoformat(mm[1]) - EPOCH_DATE).days * 86400 if mm[1] else 0
        sec += int(mm[2]) * 3600 + int(mm[3]) * 60 + int(mm[4] or 0)
        return str(sec * 10**w + int((mm[5] or '0').ljust(w, '0')))
    if t == 'binary' or (isinstance(t, str) and t.startswith('fixed')): return v.lower()
    if parse_decimal(t): return canon_prim(t, D(v))
    raise ValueError(t)

def avro_canon(t, v):
    """value as fastavro decodes it -> canonical"""
    if v is None: return None
    if t == 'variant': return variant_text(v.metadata, v.value)
    if isinstance(t, dict):
        if t['type'] == 'list': return [avro_canon(t['element'], x) for x in v]
        if t['type'] == 'map':
            it = v.items() if isinstance(v, dict) else [(x['key'], x['value']) for x in v]
            return sort_map([[avro_canon(t['key'], a), avro_canon(t['value'], b)] for a, b in it])
        if not isinstance(v, dict): v = v.asDict()
        return {f['name']: avro_canon(f['type'], v.get(f['name'])) for f in t['fields']}
    if isinstance(v, datetime.datetime):
        if v.tzinfo: v = v.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        dlt = v - EPOCH; v = (dlt.days * 86400 + dlt.seconds) * 10**6 + dlt.microseconds
        if t.endswith('_ns'): v *= 1000
    elif isinstance(v, datetime.date): v = (v - EPOCH_DATE).days
    elif isinstance(v, datetime.time): v = ((v.hour * 60 + v.minute) * 60 + v.second) * 10**6 + v.microsecond
    return canon_prim(t, v)

# ------------------------------------------------------------------ engine: pyiceberg
def eng_pyiceberg(st, loc, m, snapshot, ref, lineage):
    if lineage: raise NotImplementedError('PyIceberg does not project row lineage columns')
    from pyiceberg.table import StaticTable
    import pyiceberg.io.pyarrow
    t = StaticTable.from_metadata(loc, st.props())
    snap, schema, kind = resolve(m, snapshot, ref)
    if kind == 'branch':      # like Java: a branch is read with the table's current schema (PyIceberg would take the snapshot's)
        t.metadata = t.metadata.model_copy(update={'current_snapshot_id': snap['snapshot-id']}); scan = t.scan()
    elif kind == 'current': scan = t.scan()
    else: scan = t.scan(snapshot_id=snap['snapshot-id'])
    return table_rows(scan.to_arrow(), schema)

# ------------------------------------------------------------------ engine: duckdb with its iceberg extension
def duckdb_extension(name):
    """Path of an extension inside the wheel that carries it; loading by path downloads nothing."""
    import importlib.util
    folder = os.path.dirname(importlib.util.find_spec('duckdb_extension_' + name).origin)
    found = glob.glob(os.path.join(folder, 'extensions', '*', name + '.duckdb_extension'))
    if len(found) != 1: raise ValueError(f'{len(found)} builds of the DuckDB extension {name} in {folder}')
    return found[0]

def eng_duckdb(st, loc, m, snapshot, ref, lineage):
    import duckdb
    if lineage: raise NotImplementedError('DuckDB: row lineage columns are not read here')
    if not (loc.startswith('file:') or loc.startswith('/')): raise NotImplementedError('DuckDB: local files only')
    snap, schema, kind = resolve(m, snapshot, ref)
    if snap is None: return []
    path = re.sub(r'^file:/*', '/', loc).replace("'", "''")
    at = '' if kind == 'current' else f", snapshot_from_id={snap['snapshot-id']}"
    try: return table_rows(duck().execute(f"select * from iceberg_scan('{path}'{at})").to_arrow_table(), schema)
    except duckdb.Error: duck.cache_clear(); raise      # an internal error leaves the connection useless

@functools.lru_cache(1)
def duck():
    import duckdb
    con = duckdb.connect(config={'threads': 1}); con.execute("set timezone='UTC'")
    for name in ('avro', 'iceberg'): con.execute(f"load '{duckdb_extension(name)}'")
    return con

# ------------------------------------------------------------------ engine: spark / java
def find_jars():
    jars = os.environ.get('ORACLE_JARS')
    if not jars: raise SystemExit('set ORACLE_JARS to the Iceberg runtime jars, separated by colons (test/interop/setup.sh does)')
    return jars.split(':')

class SparkHost:
    def __init__(self):
        from pyspark.sql import SparkSession
        self.dir = tempfile.mkdtemp(prefix='oracle-')
        self.s = (SparkSession.builder.master(os.environ.get('ORACLE_MASTER', 'local[2]')).appName('oracle').config('spark.driver.memory', os.environ.get('ORACLE_MEM', '2g'))
          .config('spark.driver.extraClassPath', ':'.join(find_jars())).config('spark.ui.enabled', 'false').config('spark.sql.session.timeZone', 'UTC')
          .config('spark.driver.extraJavaOptions', f'-Duser.timezone=UTC -Dderby.system.home={self.dir}').config('spark.sql.warehouse.dir', self.dir + '/wh')
          .config('spark.sql.extensions', 'org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions').config('spark.ui.showConsoleProgress', 'false')
          .config('spark.sql.shuffle.partitions', '2').config('spark.driver.bindAddress', '127.0.0.1').config('spark.driver.host', '127.0.0.1')
          .config('spark.log.level', 'OFF').config('spark.log.structuredLogging.enabled', 'false').getOrCreate())
        self.jvm = self.s._jvm; self.cats = {}; self.n = 0
    def catalog(self, st):
        k = (st.endpoint, st.key, st.secret, st.region)
        if k not in self.cats:
            c = 'o%d' % len(self.cats); p = {'': 'org.apache.iceberg.spark.SparkCatalog', 'catalog-impl': 'org.apache.iceberg.jdbc.JdbcCatalog', 'uri': f'jdbc:sqlite:{self.dir}/{c}.db', 'warehouse': self.dir, 'cache-enabled': 'false',
              'io-impl': 'org.apache.iceberg.io.ResolvingFileIO', 's3.path-style-access': 'true', 's3.access-key-id': st.key, 's3.secret-access-key': st.secret, 'client.region': st.region}
            if st.endpoint: p['s3.endpoint'] = st.endpoint
            for a, b in p.items(): self.s.conf.set(f'spark.sql.catalog.{c}' + ('.' + a if a else ''), b)
            self.s.sql(f'create namespace if not exists {c}.x'); self.cats[k] = (c, {})
        return self.cats[k]
    def table(self, st, loc):
        c, reg = self.catalog(st)
        if loc not in reg:
            self.n += 1; nm = f't{self.n}'
            self.jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergCatalog(self.s._jsparkSession, c).registerTable(self.jvm.org.apache.iceberg.catalog.TableIdentifier.parse('x.' + nm), loc if '://' in loc or loc.startswith('file:') else 'file://' + os.path.abspath(loc))
            reg[loc] = f'{c}.x.{nm}'
        return reg[loc]
    def sql(self, warehouse, statements):
        """Runs statements, `{catalog}` standing for a Hadoop catalog on `warehouse`, or the REST catalog of that URI; rows of the last one as lists."""
        if warehouse not in self.cats:
            c = 'h%d' % len(self.cats); self.cats[warehouse] = c
            place = {'type': 'rest', 'uri': warehouse} if warehouse.startswith('http') else {'type': 'hadoop', 'warehouse': warehouse}
            for a, b in {'': 'org.apache.iceberg.spark.SparkCatalog', 'cache-enabled': 'false', **place}.items():
                self.s.conf.set(f'spark.sql.catalog.{c}' + ('.' + a if a else ''), b)
        rows = []
        for q in statements: rows = self.s.sql(q.replace('{catalog}', self.cats[warehouse])).collect()
        return [list(r) for r in rows]
    def equality_deletes(self, warehouse, name, columns, where):
        """Commits one equality delete file of the Java writer: keys are those of the rows that `where` selects, all of one partition."""
        self.sql(warehouse, []); name = f'{self.cats[warehouse]}.{name}'; iceberg = self.jvm.org.apache.iceberg; E = self.jvm.org.apache.spark.sql.execution.datasources.SparkExpressionConverter
        t = iceberg.spark.Spark3Util.loadIcebergTable(self.s._jsparkSession, name)
        f = E.convertToIcebergExpression(E.collectResolvedSparkExpression(self.s._jsparkSession, name, where))
        tasks = t.newScan().filter(f).planFiles(); file = self.lst(tasks)[0].file(); tasks.close()
        spec = t.specs()[file.specId()]; schema = t.schema().select(self.strings(columns))
        ids = self.s._sc._gateway.new_array(self.jvm.int, len(columns))
        for i, c in enumerate(columns): ids[i] = schema.findField(c).fieldId()
        parquet = iceberg.FileFormat.PARQUET
        factory = iceberg.data.GenericFileWriterFactory.Builder(t).deleteFileFormat(parquet).equalityFieldIds(ids).equalityDeleteRowSchema(schema).build()
        place = iceberg.io.OutputFileFactory.builderFor(t, 0, 0).format(parquet).build()
        writer = factory.newEqualityDeleteWriter(place.newOutputFile(spec, file.partition()), spec, file.partition())
        keys = iceberg.data.IcebergGenerics.read(t).where(f).select(self.strings(columns)).build(); n = 0
        for key in self.lst(keys): writer.write(key); n += 1
        keys.close(); writer.close(); t.newRowDelta().addDeletes(writer.toDeleteFile()).commit()
        return n
    def statistics(self, warehouse, name):
        """What Java reads of a table's statistics: sketches with its own estimate of each, and the partition statistics of the current snapshot."""
        self.sql(warehouse, []); iceberg = self.jvm.org.apache.iceberg; theta = self.jvm.org.apache.datasketches.theta; Memory = self.jvm.org.apache.datasketches.memory.Memory
        t = iceberg.spark.Spark3Util.loadIcebergTable(self.s._jsparkSession, f'{self.cats[warehouse]}.{name}'); sketches = []; partitions = []
        for f in t.statisticsFiles():
            r = iceberg.puffin.Puffin.read(t.io().newInputFile(f.path())).withFileSize(f.fileSizeInBytes()).withFooterSize(f.fileFooterSizeInBytes()).build()
            for pair in self.lst(r.readAll(r.fileMetadata().blobs())):
                blob = pair.first(); data = bytes(iceberg.util.ByteBuffers.toByteArray(pair.second()))
                sketch = theta.CompactSketch.wrap(Memory.wrap(bytearray(data)))
                sketches.append({'snapshot': str(f.snapshotId()), 'fields': [int(x) for x in blob.inputFields()], 'type': blob.type(), 'ndv': dict(blob.properties()).get('ndv'), 'estimate': sketch.getEstimate(), 'bytes': data.hex()})
            r.close()
        if not t.partitionStatisticsFiles(): return {'sketches': sketches, 'partitions': []}
        it = t.newPartitionStatisticsScan().useSnapshot(t.currentSnapshot().snapshotId()).scan(); anything = self.jvm.java.lang.Class.forName('java.lang.Object')
        for p in self.lst(it):
            partitions.append([[str(p.partition().get(i, anything)) for i in range(p.partition().size())], p.specId(), p.dataRecordCount(), p.dataFileCount(), p.totalDataFileSizeInBytes(),
              p.positionDeleteRecordCount(), p.positionDeleteFileCount(), p.equalityDeleteRecordCount(), p.equalityDeleteFileCount(), p.dvCount(), p.lastUpdatedAt(), str(p.lastUpdatedSnapshotId())])
        it.close()
        return {'sketches': sketches, 'partitions': partitions}
    def strings(self, values):
        a = self.s._sc._gateway.new_array(self.jvm.java.lang.String, len(values))
        for i, v in enumerate(values): a[i] = v
        return a
    def jtable(self, st, loc): return self.jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(self.s._jsparkSession, self.table(st, loc))
    def rows(self, *a):
        try: return self.rows1(*a)
        except Exception as e:      # iceberg 1.11: the vectorized reader fails on files holding a decimal column that has an initial-default
            if 'Cannot cast default value' not in str(e): raise
            print('oracle: vectorized read failed (Cannot cast default value); again without vectorization', file=sys.stderr)
            self.s.conf.set('spark.sql.iceberg.vectorization.enabled', 'false')
            try: return self.rows1(*a)
            finally: self.s.conf.unset('spark.sql.iceberg.vectorization.enabled')
    def rows1(self, st, loc, m, snapshot, ref, lineage):
        snap, schema, kind = resolve(m, snapshot, ref); t = self.table(st, loc)
        v = ''
        if kind == 'snapshot': v = f" version as of {snap['snapshot-id']}"
        elif kind in ('branch', 'tag'): v = " version as of '" + ref.replace('\\', '\\\\').replace("'", "\\'") + "'"
        df = self.s.sql(f"select *{', _row_id, _last_updated_sequence_number' if lineage else ''} from {t}{v}")
        if any(f['type'] == 'variant' for f in flat_fields(schema)):   # pyspark's Arrow path refuses null variants
            full = {'type': 'struct', 'fields': list(schema['fields']) + (LINEAGE if lineage else [])}
            return [avro_canon(full, r) for r in df.collect()]
        try: a = df.toArrow()
        except Exception as e:      # pyarrow refuses null structs with required members: relax nullability
            if 'non-nullable' not in str(e): raise
            from pyspark.sql import types as T, functions as F
            def nul(t):
                if isinstance(t, T.StructType): return T.StructType([T.StructField(f.name, nul(f.dataType), True) for f in t.fields])
                if isinstance(t, T.ArrayType): return T.ArrayType(nul(t.elementType), True)
                if isinstance(t, T.MapType): return T.MapType(nul(t.keyType), nul(t.valueType), True)
                return t
            for f in df.schema.fields:
                if isinstance(f.dataType, (T.StructType, T.ArrayType, T.MapType)): df = df.withColumn(f.name, F.col(f.name).cast(nul(f.dataType)))
            a = df.toArrow()
        return table_rows(a, {'type': 'struct', 'fields': list(schema['fields']) + (LINEAGE if lineage else [])})
    def java_rows(self, st, loc, m, snapshot, ref, lineage):
        if lineage: raise NotImplementedError('lineage: use spark or pyarrow')
        snap, schema, kind = resolve(m, snapshot, ref); t = self.jtable(st, loc)
        if snap is None: return []
        b = self.jvm.org.apache.iceberg.data.IcebergGenerics.read(t)
        if kind != 'current': b = b.useSnapshot(self.jl(snap['snapshot-id']))
        if kind == 'branch': b = b.project(t.schema())
        it = b.build(); rows = []
        try:
            for r in self.lst(it): rows.append(self.rec(r, schema))
        finally: it.close()
        return rows
    def jl(self, x): return x
    def lst(self, it): return self.jvm.org.apache.iceberg.relocated.com.google.common.collect.Lists.newArrayList(it)
    def rec(self, r, st_):
        return {f['name']: self.jv(r.getField(f['name']), f['type']) for f in st_['fields']}
    def jv(self, v, t):
        if v is None: return None
        if isinstance(t, dict):
            if t['type'] == 'struct': return self.rec(v, t)
            if t['type'] == 'list': return [self.jv(x, t['element']) for x in v]
            return sort_map([[self.jv(e.getKey(), t['key']), self.jv(e.getValue(), t['value'])] for e in v.entrySet()])
        U = self.jvm.org.apache.iceberg.util.DateTimeUtil
        if t == 'date': v = U.daysFromDate(v)
        elif t == 'time': v = U.microsFromTime(v)
        elif t == 'timestamp': v = U.microsFromTimestamp(v)
        elif t == 'timestamptz': v = U.microsFromTimestamptz(v)
        elif t == 'timestamp_ns': v = U.nanosFromTimestamp(v)
        elif t == 'timestamptz_ns': v = U.nanosFromTimestamptz(v)
        elif t == 'uuid': v = v.toString()
        elif t == 'binary': v = self.jvm.org.apache.iceberg.util.ByteBuffers.toByteArray(v)
        elif t == 'variant':
            B = self.jvm.java.nio.ByteBuffer; O = self.jvm.java.nio.ByteOrder.LITTLE_ENDIAN
            def ser(x): b = B.allocate(x.sizeInBytes()).order(O); x.writeTo(b, 0); return bytes(b.array())
            return variant_text(ser(v.metadata()), ser(v.value()))
        elif parse_decimal(t): v = D(v.toPlainString()) if hasattr(v, 'toPlainString') else v
        return canon_prim(t, v)

_spark = None
def spark():
    global _spark
    if _spark is None: _spark = SparkHost()
    return _spark

ENGINES = ['spark', 'java', 'pyiceberg', 'duckdb', 'pyarrow']
def read_rows(engine, st, loc, snapshot=None, ref=None, lineage=False):
    m = load_meta(st, loc)
    if engine == 'spark': return spark().rows(st, loc, m, snapshot, ref, lineage)
    if engine == 'java': return spark().java_rows(st, loc, m, snapshot, ref, lineage)
    if engine == 'pyiceberg': return eng_pyiceberg(st, loc, m, snapshot, ref, lineage)
    if engine == 'duckdb': return eng_duckdb(st, loc, m, snapshot, ref, lineage)
    if engine == 'pyarrow': return Own(st).scan(m, snapshot, ref, lineage)
    raise ValueError('engine ' + engine)

def short(e):
    l = str(e).strip().split('\n'); m = l[0]
    c = [x for x in l if x.startswith('Caused by')]
    if c: m = c[-1]
    elif l[0].startswith('An error occurred while calling') and len(l) > 1: m = l[1]
    return f'{type(e).__name__}: ' + m[:400]

def diff(exp, got):
    """both: sorted canonical lines -> None or a one-line difference"""
    from collections import Counter
    if exp == got: return None
    a, b = Counter(exp), Counter(got); miss = sorted((a - b).elements()); extra = sorted((b - a).elements())
    s = f'expected {len(exp)} rows, got {len(got)}; {len(miss)} missing, {len(extra)} unexpected'
    if miss: s += '; first missing ' + miss[0][:600]
    if extra: s += '; first unexpected ' + extra[0][:600]
    return s

def load_expected(x):
    lines = x if isinstance(x, list) else [l for l in open(x, encoding='utf-8').read().split('\n') if l.strip()]
    return sorted((dumps(json.loads(l) if isinstance(l, str) else l) for l in lines), key=lambda s: s.encode())

def check(st, loc, expected, engines, snapshot=None, ref=None, lineage=False):
    exp = load_expected(expected); res = []
    for e in engines:
        try:
            got = rows_lines(read_rows(e, st, loc, snapshot, ref, lineage)); d = diff(exp, got)
            res.append({'engine': e, 'ok': d is None, 'rows': len(got), 'message': f'ok {len(got)} rows' if d is None else 'DIFF ' + d})
        except Exception as ex: res.append({'engine': e, 'ok': False, 'message': 'ERROR ' + short(ex)})
    return res

# ------------------------------------------------------------------ describe: reference parsers + checks against the files
def bound_value(t, b):
    """single-value binary -> comparable python value (int, float, Decimal, bytes)"""
    if t == 'boolean': return int(b[0] != 0)
    if t in ('int', 'date', 'long', 'time', 'timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns'): return int.from_bytes(b, 'little', signed=True) if len(b) in (4, 8) else None
    if t in ('float', 'double'): return struct.unpack('<f' if len(b) == 4 else '<d', b)[0] if len(b) in (4, 8) else None
    d = parse_decimal(t) if isinstance(t, str) else None
    if d: return D(int.from_bytes(b, 'big', signed=True)).scaleb(-d[1])
    return bytes(b)

def comparable(t, c):
    """canonical value -> the domain of bound_value"""
    if c is None: return None
    if t == 'boolean': return int(c)
    if t in ('int', 'date', 'long', 'time', 'timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns'): return int(c)
    if t in ('float', 'double'): return float(c.replace('Infinity', 'inf'))
    if t == 'string': return c.encode()
    if t == 'uuid': return uuid.UUID(c).bytes
    if parse_decimal(t): return D(c)
    return bytes.fromhex(c)

def transform_value(tr, t, c):
    """apply a partition transform with PyIceberg's implementation to a canonical value; raw python result"""
    from pyiceberg.transforms import parse_transform, BucketTransform
    from pyiceberg.types import IcebergType
    import pydantic
    if tr in ('void',): return None
    if c is None: return None
    v = comparable(t, c)
    if t == 'boolean': v = bool(v)
    if t == 'string': v = c
    if t == 'uuid': v = uuid.UUID(c)
    ty = pydantic.TypeAdapter(IcebergType).validate_python(t)
    return parse_transform(tr).transform(ty)(v)

def part_raw(v):
    if isinstance(v, datetime.datetime):
        if v.tzinfo: v = v.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        x = v - EPOCH; return (x.days * 86400 + x.seconds) * 10**6 + x.microseconds
    if isinstance(v, datetime.date): return (v - EPOCH_DATE).days
    if isinstance(v, datetime.time): return ((v.hour * 60 + v.minute) * 60 + v.second) * 10**6 + v.microsecond
    return v

def kv(x):
    if x is None: return None
    return {int(k): v for k, v in x.items()} if isinstance(x, dict) else {e['key']: e['value'] for e in x}

def validate(st, m, deep=True):
    """-> (errors, warnings, stats): what the spec requires, checked on metadata, manifest lists, manifests and files"""
    E, W = [], []
    fv = m.get('format-version'); snaps = m.get('snapshots') or []; sch = schemas_of(m); specs = specs_of(m)
    req = {1: ['location', 'last-updated-ms', 'last-column-id', 'schema', 'partition-spec'], 2: ['table-uuid', 'location', 'last-sequence-number', 'last-updated-ms', 'last-column-id', 'schemas', 'current-schema-id', 'partition-specs', 'default-spec-id', 'last-partition-id', 'sort-orders', 'default-sort-order-id']}
    req[3] = req[2] + ['next-row-id']
    for k in req.get(fv, []):
        if k not in m: E.append(f'metadata: {k} missing')
    ids = [f['id'] for s in sch.values() for f in flat_fields(s)]
    for s in sch.values():
        def go(t):
            if isinstance(t, dict):
                if t['type'] == 'struct':
                    for f in t['fields']: yield f['id']; yield from go(f['type'])
                elif t['type'] == 'list': yield t['element-id']; yield from go(t['element'])
                else: yield t['key-id']; yield t['value-id']; yield from go(t['key']); yield from go(t['value'])
        l = list(go(s))
        if len(set(l)) != len(l): E.append(f"schema {s.get('schema-id')}: duplicate field ids")
        ids += l
    if ids and max(ids) > m.get('last-column-id', 0): E.append('last-column-id is less than a field id in use')
    if 'schemas' in m and m.get('current-schema-id') not in sch: E.append('current-schema-id not among schemas')
    if 'default-spec-id' in m and m['default-spec-id'] not in specs: E.append('default-spec-id not among partition-specs')
    pids = [f['field-id'] for s in specs.values() for f in s if 'field-id' in f]
    if pids and 'last-partition-id' in m and max(pids) > m['last-partition-id']: E.append('last-partition-id too small')
    byid = {s['snapshot-id']: s for s in snaps}
    if len(byid) != len(snaps): E.append('duplicate snapshot ids')
    for s in snaps:
        if fv >= 2 and s.get('sequence-number', 0) > m.get('last-sequence-number', 0): E.append(f"snapshot {s['snapshot-id']}: sequence-number above last-sequence-number")
        if fv >= 2 and 'summary' not in s: E.append(f"snapshot {s['snapshot-id']}: no summary")
        if fv >= 2 and not s.get('manifest-list'): E.append(f"snapshot {s['snapshot-id']}: no manifest-list")
        if 'schema-id' in s and s['schema-id'] is not None and s['schema-id'] not in sch: E.append(f"snapshot {s['snapshot-id']}: schema-id unknown")
    refs = m.get('refs') or {}; c = m.get('current-snapshot-id')
    for n, r in refs.items():
        if r['snapshot-id'] not in byid: E.append(f'ref {n}: snapshot missing')
    if c not in (None, -1):
        if c not in byid: E.append('current-snapshot-id not among snapshots')
        if refs and refs.get('main', {}).get('snapshot-id') != c: E.append('refs.main is not current-snapshot-id')
    elif 'main' in refs: E.append('refs.main without current-snapshot-id')
    sl = m.get('snapshot-log') or []
    if [x['timestamp-ms'] for x in sl] != sorted(x['timestamp-ms'] for x in sl): W.append('snapshot-log not in time order')
    if sl and c not in (None, -1) and sl[-1]['snapshot-id'] != c: E.append('snapshot-log does not end with the current snapshot')
    cur = {}
    for s in list(sch.values()) + [current_schema(m)]:
        for f in flat_fields(s): cur[f['id']] = f
    own = Own(st); seen_m, seen_f, stats = {}, {}, []
    mapping = name_mapping(m)
    rowid_ranges = []
    for s in snaps:
        sid = s['snapshot-id']; live = {'data': 0, 'pos': 0, 'eq': 0, 'dv': 0}; tot = {'records': 0, 'pos': 0, 'eq': 0, 'size': 0}; dvseen = {}; paths = {}
        try: ml, mlmeta = manifest_list(st, m, s)
        except Exception as e: E.append(f'snapshot {sid}: manifest list unreadable: {short(e)}'); continue
        if s.get('manifest-list') and mlmeta is not None and 'format-version' not in mlmeta: W.append(f'snapshot {sid}: manifest list without format-version key')
        kinds = [x.get('content', 0) for x in ml]
        for mf in ml:
            mp = mf['manifest_path']; w = f'snapshot {sid} manifest {mp.rsplit("/", 1)[-1]}'
            if mf.get('content', 0) == 1 and fv == 1: E.append(w + ': delete manifest in v1')
            try:
                if mp not in seen_m or seen_m[mp][3] != mf.get('first_row_id'): seen_m[mp] = manifest_entries(st, mf) + (mf.get('first_row_id'),)
                es, meta, ws, _ = seen_m[mp]
            except Exception as e: E.append(f'{w}: unreadable: {short(e)}'); continue
            if mf.get('manifest_length') is not None and mf['manifest_length'] != len(st.read(mp)): E.append(w + ': manifest_length wrong')
            for k in ('schema', 'partition-spec', 'partition-spec-id', 'format-version') + (('content',) if fv >= 2 and int(meta.get('format-version', 1)) >= 2 else ()):
                if k not in meta: (W if k == 'format-version' else E).append(f'{w}: avro header key {k} missing')
            if meta.get('content') and {'data': 0, 'deletes': 1}.get(meta['content']) != mf.get('content', 0): E.append(w + ': content differs from the manifest list')
            if 'partition-spec-id' in meta and mf.get('partition_spec_id') is not None and int(meta['partition-spec-id']) != mf['partition_spec_id']: E.append(w + ': partition_spec_id differs')
            cnt = [0, 0, 0]; rws = [0, 0, 0]
            for e in es: cnt[e['status']] += 1; rws[e['status']] += e['data_file']['record_count']
            for k, i in (('existing', 0), ('added', 1), ('deleted', 2)):
                a = mf.get(f'{k}_files_count', mf.get(f'{k}_data_files_count')); b = mf.get(f'{k}_rows_count')
                if a is not None and a != cnt[i]: E.append(f'{w}: {k}_files_count {a} != {cnt[i]}')
                if b is not None and b != rws[i]: E.append(f'{w}: {k}_rows_count {b} != {rws[i]}')
                if fv >= 2 and s.get('manifest-list') and int(meta.get('format-version', 1)) >= 2 and (a is None or b is None): E.append(f'{w}: {k} counts missing')
            lives = [e['sequence_number'] for e in es if e['status'] != 2]
            if fv >= 2 and lives and mf.get('min_sequence_number') is not None and mf['min_sequence_number'] > min(lives): E.append(w + ': min_sequence_number too large')
            if fv >= 3 and mf.get('content', 0) == 0 and s.get('first-row-id') is not None and mf.get('first_row_id') is None: E.append(w + ': first_row_id missing')
            if mf.get('partitions') is not None and mf.get('partition_spec_id') in specs:
                sp = specs[mf['partition_spec_id']]
                if len(sp) != len(mf['partitions']): E.append(w + ': partition summaries: wrong number')
                else:
                    for i, (pf, ps) in enumerate(zip(sp, mf['partitions'])):
                        vs = [next((e['data_file']['partition'][k] for k in (pf['name'], avro_name(pf['name'])) if k in e['data_file']['partition']), None) for e in es]
                        if any(v is None for v in vs) and not ps['contains_null']: E.append(f"{w}: summary of {pf['name']}: contains_null is false")
                        nan = any(isinstance(v, float) and math.isnan(v) for v in vs)
                        if nan and ps.get('contains_nan') is False: E.append(f"{w}: summary of {pf['name']}: contains_nan is false")
            for e in es:
                if e['status'] == 2: continue
                d = e['data_file']; p = d['file_path']; fk = {0: 'data', 1: 'pos', 2: 'eq'}[e['content']]
                if d['file_format'].upper() == 'PUFFIN': fk = 'dv'
                key = (p, d.get('content_offset'))
                if key in paths and fk != 'dv': E.append(f'{w}: live file listed twice: {p}')
                paths[key] = e; live[fk] += 1; tot['size'] += d.get('content_size_in_bytes') if fk == 'dv' else d['file_size_in_bytes']
                if fk == 'data': tot['records'] += d['record_count']
                elif fk == 'eq': tot['eq'] += d['record_count']
                else: tot['pos'] += d['record_count']
                if fk == 'dv':
                    if fv < 3: E.append(w + ': DV in v' + str(fv))
                    if d['referenced_data_file'] in dvseen: E.append(w + ': two DVs for ' + d['referenced_data_file'])
                    dvseen[d['referenced_data_file']] = e
                if fk == 'eq' and not d.get('equality_ids'): E.append(w + ': equality delete file without equality_ids')
                if fk == 'data' and fv >= 3 and s.get('first-row-id') is not None and e.get('first_row_id') is None: W.append(f'{w}: data file without first_row_id')
                k2 = (p, d.get('content_offset'), d['record_count'])
                if k2 in seen_f: continue
                seen_f[k2] = e
                try: b = st.read(p)
                except Exception as ex: E.append(f'{w}: {fk} file unreadable: {p}: {short(ex)}'); continue
                if len(b) != d['file_size_in_bytes']: E.append(f"{w}: file_size_in_bytes {d['file_size_in_bytes']} != {len(b)}: {p}")
                try:
                    if fk == 'dv':
                        pos = read_dv(st, d); ft = puffin_footer(b)
                        bl = [x for x in ft['blobs'] if x['offset'] == d['content_offset'] and x['length'] == d['content_size_in_bytes']]
                        if not bl: E.append(f'{w}: no puffin blob at content_offset/size')
                        else:
                            if bl[0]['type'] != 'deletion-vector-v1' or bl[0].get('compression-codec'): E.append(w + ': DV blob type or codec')
                            pr = bl[0].get('properties', {})
                            if pr.get('referenced-data-file') != d['referenced_data_file'] or pr.get('cardinality') != str(len(pos)): E.append(w + ': DV blob properties')
                            if bl[0].get('snapshot-id') != -1 or bl[0].get('sequence-number') != -1: E.append(w + ': DV blob snapshot-id/sequence-number must be -1')
                        if len(pos) != d['record_count']: E.append(f"{w}: DV cardinality {len(pos)} != record_count {d['record_count']}")
                        if len(set(pos)) != len(pos) or pos != sorted(pos): E.append(w + ': DV positions')
                    elif d['file_format'].upper() == 'PARQUET' and deep: check_file(own, d, fk, e, specs, cur, mapping, E, W, w)
                except NotImplementedError: pass
                except Exception as ex: E.append(f'{w}: {fk} file {p}: {short(ex)}')
        if any(a > b for a, b in zip(kinds, kinds[1:]) if 0): pass
        for p, e in dvseen.items():
            tgt = paths.get((p, None))
            if tgt is None: W.append(f'snapshot {sid}: dangling DV for {p}')
            elif e['data_file']['record_count'] > tgt['data_file']['record_count']: E.append(f'snapshot {sid}: DV larger than its data file')
            else:
                try:
                    if max(read_dv(st, e['data_file']), default=-1) >= tgt['data_file']['record_count']: E.append(f'snapshot {sid}: DV position past the end of {p}')
                except Exception as ex: E.append(f'snapshot {sid}: DV for {p}: {short(ex)}')
        sm = s.get('summary') or {}
        for k, v in (('total-data-files', live['data']), ('total-records', tot['records']), ('total-delete-files', live['pos'] + live['eq'] + live['dv']), ('total-position-deletes', tot['pos']), ('total-equality-deletes', tot['eq']), ('total-files-size', tot['size'])):
            if k in sm and int(sm[k]) != v: (W if k == 'total-files-size' else E).append(f'snapshot {sid}: summary {k} {sm[k]} != {v}')
        if fv >= 3 and s.get('first-row-id') is not None:
            for mf in ml:
                if mf.get('first_row_id') is not None and mf.get('content', 0) == 0 and mf.get('added_snapshot_id') == sid and mf['first_row_id'] < s['first-row-id']: W.append(f'snapshot {sid}: manifest first_row_id below the snapshot first-row-id')
            if s['first-row-id'] + s.get('added-rows', 0) > m.get('next-row-id', 0): E.append(f'snapshot {sid}: first-row-id + added-rows above next-row-id')
        stats.append({'snapshot-id': sid, 'parent': s.get('parent-snapshot-id'), 'sequence-number': s.get('sequence-number'), 'operation': sm.get('operation'), 'manifests': len(ml), 'live': live, 'records-before-deletes': tot['records']})
    for k, typ in (('statistics', 'stats'), ('partition-statistics', 'pstats')):
        for x in m.get(k) or []:
            try:
                b = st.read(x['statistics-path'])
                if len(b) != x['file-size-in-bytes']: E.append(f'{k}: file size wrong')
                if typ == 'stats':
                    ft = puffin_footer(b)
                    n = struct.unpack('<i', b[-12:-8])[0]
                    if x['file-footer-size-in-bytes'] != n + 16: E.append(f"{k}: file-footer-size {x['file-footer-size-in-bytes']} != {n + 16}")
                    if len(ft['blobs']) != len(x['blob-metadata']): E.append(f'{k}: blob-metadata count')
            except Exception as e: E.append(f'{k}: {short(e)}')
    return E, W, stats

def check_file(own, d, fk, e, specs, cur, mapping, E, W, w):
    p = d['file_path']; name = p.rsplit('/', 1)[-1]
    tbl, sa = own.parquet(p)
    if tbl.num_rows != d['record_count']: E.append(f"{w}: record_count {d['record_count']} != {tbl.num_rows}: {name}")
    if fk == 'pos': return
    lo, up, nn, na, vc = (kv(d.get(k)) or {} for k in ('lower_bounds', 'upper_bounds', 'null_value_counts', 'nan_value_counts', 'value_counts'))
    sp = specs.get(e['spec_id'], [])
    top = {}
    for f in cur.values():
        if isinstance(f['type'], str): top[f['id']] = f
    has = any(b'PARQUET:field_id' in (f.metadata or {}) for f in own.walk(sa))
    if not has and mapping is None: W.append(f'{w}: no field ids and no name mapping: {name}')
    colmap = {}
    for f in top.values():
        i = own.match(list(sa), f, has, mapping)
        if i is not None:
            try: colmap[f['id']] = own.conv(tbl.column(i), sa.field(i), f['type'], has, mapping)
            except Exception as ex: E.append(f"{w}: column {f['name']}: {short(ex)}: {name}")
    for i, vals in colmap.items():
        t = top[i]['type']
        if t in ('variant', 'unknown') or t.startswith('geo'): continue
        n0 = sum(v is None for v in vals); fl = t in ('float', 'double'); nan = sum(v == 'NaN' for v in vals) if fl else 0
        if i in vc and vc[i] != len(vals): E.append(f"{w}: value_counts[{i}] {vc[i]} != {len(vals)}: {name}")
        if i in nn and nn[i] != n0: E.append(f"{w}: null_value_counts[{i}] {nn[i]} != {n0}: {name}")
        if fl and i in na and na[i] != nan: E.append(f"{w}: nan_value_counts[{i}] {na[i]} != {nan}: {name}")
        cs = [comparable(t, v) for v in vals if v is not None and v != 'NaN' or (v is not None and not fl)]
        if i in lo:
            b = bound_value(t, lo[i])
            if isinstance(b, float) and math.isnan(b): E.append(f'{w}: lower bound NaN for {i}: {name}')
            elif cs and b is not None and min(cs) < b: E.append(f"{w}: lower_bounds[{i}] ({top[i]['name']}) above the minimum: {name}")
            elif cs and isinstance(b, float) and b == 0 and math.copysign(1, b) > 0 and any(x == 0 and math.copysign(1, x) < 0 for x in cs): W.append(f'{w}: lower bound +0.0 though -0.0 is present [{i}]: {name}')
        if i in up:
            b = bound_value(t, up[i])
            if isinstance(b, float) and math.isnan(b): E.append(f'{w}: upper bound NaN for {i}: {name}')
            elif cs and b is not None and max(cs) > b: E.append(f"{w}: upper_bounds[{i}] ({top[i]['name']}) below the maximum: {name}")
            if t == 'string':
                try: bytes(up[i]).decode()
                except UnicodeDecodeError: E.append(f'{w}: upper bound not UTF-8 [{i}]: {name}')
    if fk == 'data' and vc and has:
        pass
    for pf in sp:
        src = pf.get('source-id'); part = d['partition']; v = part.get(pf['name'], part.get(avro_name(pf['name'])))
        if fk != 'data' or src not in colmap or pf['transform'] == 'void': continue
        t = top[src]['type']
        try: want = {json.dumps(part_raw(transform_value(pf['transform'], t, c)), default=str) for c in set(colmap[src])}
        except Exception as ex: W.append(f"{w}: transform {pf['transform']}({t}) not checked: {short(ex)}"); continue
        if t == 'uuid' and isinstance(v, bytes) and len(v) == 16: v = uuid.UUID(bytes=v)
        got = json.dumps(part_raw(v), default=str)
        if want and want != {got}:
            if t == 'uuid' or pf['transform'] == 'identity' and t in ('float', 'double', 'timestamp_ns', 'timestamptz_ns') : 
                if {x.strip('"') for x in want} == {got.strip('"')}: continue
            W.append(f"{w}: partition value {pf['name']}={got} but data gives {sorted(want)[:3]} ({pf['transform']}({t})): {name}")

def describe(st, loc, use_spark=True, deep=True):
    out = {'metadata': loc, 'errors': [], 'warnings': []}; E = out['errors']
    m = load_meta(st, loc)
    out.update({'format-version': m.get('format-version'), 'table-uuid': m.get('table-uuid'), 'location': m.get('location'), 'last-sequence-number': m.get('last-sequence-number'), 'next-row-id': m.get('next-row-id'), 'current-snapshot-id': m.get('current-snapshot-id'), 'current-schema': current_schema(m), 'schemas': len(schemas_of(m)), 'partition-specs': specs_of(m), 'sort-orders': m.get('sort-orders'), 'refs': m.get('refs'), 'properties': m.get('properties'), 'statistics': len(m.get('statistics') or []), 'partition-statistics': len(m.get('partition-statistics') or [])})
    try:
        from pyiceberg.table.metadata import TableMetadataUtil
        md = TableMetadataUtil.parse_raw(json.dumps(m)); out['pyiceberg'] = {'parsed': True, 'snapshots': len(md.snapshots), 'schemas': len(md.schemas)}
    except Exception as e: out['pyiceberg'] = {'parsed': False, 'error': str(e)[:600]}; E.append('pyiceberg cannot parse the metadata: ' + str(e)[:300])
    if use_spark:
        try:
            h = spark(); t = h.jtable(st, loc); jm = t.operations().current(); j = {'parsed': True, 'formatVersion': jm.formatVersion(), 'schema': jm.schema().toString(), 'spec': jm.spec().toString(), 'sortOrder': jm.sortOrder().toString(), 'snapshots': []}
            try: j['roundTrip'] = json.loads(h.jvm.org.apache.iceberg.TableMetadataParser.toJson(jm)).get('format-version') == m['format-version']
            except Exception as e: j['roundTrip'] = False; E.append('java: toJson: ' + short(e))
            io_ = t.io(); MF = h.jvm.org.apache.iceberg.ManifestFiles; JU = t.specs()
            for s in jm.snapshots():
                r = {'snapshot-id': s.snapshotId(), 'manifests': 0, 'data': 0, 'deletes': 0}
                try:
                    for mf in s.allManifests(io_):
                        r['manifests'] += 1; isd = mf.content().toString() == 'DELETES' or mf.content().id() == 1
                        rd = MF.readDeleteManifest(mf, io_, JU) if isd else MF.read(mf, io_, JU)
                        try:
                            r['deletes' if isd else 'data'] += h.jvm.org.apache.iceberg.relocated.com.google.common.collect.Iterables.size(rd)
                        finally: rd.close()
                except Exception as e: r['error'] = short(e); E.append(f"java: snapshot {s.snapshotId()}: " + short(e))
                j['snapshots'].append(r)
            out['java'] = j
        except Exception as e: out['java'] = {'parsed': False, 'error': str(e)[:800]}; E.append('java cannot load the table: ' + short(e))
    try:
        a, b, s = validate(st, m, deep); E += a; out['warnings'] += b; out['snapshots'] = s
    except Exception as e: E.append('validation stopped: ' + short(e) + ' ' + traceback.format_exc()[-400:])
    if use_spark and out.get('java', {}).get('parsed'):
        o = {s['snapshot-id']: s for s in out.get('snapshots', [])}
        for r in out['java']['snapshots']:
            x = o.get(r['snapshot-id'])
            if x and 'error' not in r and (r['data'], r['deletes']) != (x['live']['data'], x['live']['pos'] + x['live']['eq'] + x['live']['dv']): E.append(f"snapshot {r['snapshot-id']}: java counts {r['data']}/{r['deletes']} live files, own reader {x['live']}")
    out['ok'] = not E
    return out

def parquet_schema(st, path):
    """One line a node, as parquet-cpp prints the file's schema: repetition, type, field id, annotation."""
    import pyarrow.parquet as pq
    text = str(pq.ParquetFile(io.BytesIO(st.read(path))).schema)
    return [l for l in text.split('\n')[1:] if l.strip()]

# ------------------------------------------------------------------ command line
def serve(args):
    out = os.fdopen(os.dup(1), 'w', encoding='utf-8', buffering=1); os.dup2(2, 1); sys.stdout = sys.stderr
    if args.engine in ('spark', 'java'): spark()
    stores = {}
    out.write(dumps({'ready': True, 'engine': args.engine}) + '\n')
    for line in sys.stdin:
        if not line.strip(): continue
        q = {}
        try:
            q = json.loads(line); fm = q.get('file_map') or args.file_map or []
            if isinstance(fm, dict): fm = [f'{k}={v}' for k, v in fm.items()]
            k = dumps([fm, q.get('s3_endpoint') or args.s3_endpoint])
            if k not in stores: stores[k] = Storage(fm, q.get('s3_endpoint') or args.s3_endpoint, q.get('s3_access_key', args.s3_access_key), q.get('s3_secret_key', args.s3_secret_key), args.s3_region)
            st = stores[k]; op = q.get('op', 'dump'); a = (q.get('snapshot'), q.get('ref'), bool(q.get('lineage')))
            if op == 'ping': r = {'ok': True}
            elif op == 'quit': out.write(dumps({'id': q.get('id'), 'ok': True}) + '\n'); break
            elif op == 'dump': rows = [json.loads(x) for x in rows_lines(read_rows(q.get('engine', args.engine), st, q['metadata'], *a))]; r = {'ok': True, 'count': len(rows), 'rows': rows}
            elif op == 'check': res = check(st, q['metadata'], q['expected'], q.get('engines') or [q.get('engine', args.engine)], *a); r = {'ok': all(x['ok'] for x in res), 'results': res}
            elif op == 'sql': r = {'ok': True, 'rows': json.loads(json.dumps(spark().sql(q['warehouse'], q['statements']), default=str))}
            elif op == 'equality-deletes': r = {'ok': True, 'count': spark().equality_deletes(q['warehouse'], q['table'], q['columns'], q['where'])}
            elif op == 'statistics': r = {'ok': True, **spark().statistics(q['warehouse'], q['table'])}
            elif op == 'parquet-schema': r = {'ok': True, 'schema': parquet_schema(st, q['path'])}
            elif op == 'describe': r = describe(st, q['metadata'], use_spark=q.get('spark', True), deep=q.get('deep', True))
            else: r = {'ok': False, 'error': 'op?'}
        except Exception as e: r = {'ok': False, 'error': short(e)}
        r['id'] = q.get('id'); out.write(dumps(r) + '\n')

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('cmd', choices=['dump', 'check', 'describe', 'serve']); p.add_argument('metadata', nargs='?')
    p.add_argument('--engine', default='spark', choices=ENGINES); p.add_argument('--engines', default='pyiceberg,spark')
    p.add_argument('--snapshot', type=int); p.add_argument('--ref'); p.add_argument('--lineage', action='store_true'); p.add_argument('--expected')
    p.add_argument('--file-map', action='append'); p.add_argument('--s3-endpoint'); p.add_argument('--s3-access-key', default=os.environ.get('AWS_ACCESS_KEY_ID', 'test')); p.add_argument('--s3-secret-key', default=os.environ.get('AWS_SECRET_ACCESS_KEY', 'testtest')); p.add_argument('--s3-region', default=os.environ.get('AWS_REGION', 'us-east-1'))
    p.add_argument('--no-spark', action='store_true'); p.add_argument('--shallow', action='store_true')
    a = p.parse_args()
    if a.cmd == 'serve': return serve(a)
    if not a.metadata: p.error('METADATA_LOCATION is needed')
    st = Storage(a.file_map or [], a.s3_endpoint, a.s3_access_key, a.s3_secret_key, a.s3_region)
    if a.cmd == 'dump':
        for l in rows_lines(read_rows(a.engine, st, a.metadata, a.snapshot, a.ref, a.lineage)): print(l)
        return 0
    if a.cmd == 'check':
        res = check(st, a.metadata, a.expected, a.engines.split(','), a.snapshot, a.ref, a.lineage)
        for r in res: print(f"{r['engine']}: {r['message']}")
        return 0 if all(r['ok'] for r in res) else 1
    r = describe(st, a.metadata, use_spark=not a.no_spark, deep=not a.shallow)
    print(json.dumps(r, indent=1, ensure_ascii=False)); return 0 if r['ok'] else 1

if __name__ == '__main__':
    sys.exit(main())
