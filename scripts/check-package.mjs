/**
 * Checks the package as its users get it: builds and packs it twice, then installs the tarball in an empty folder.
 * Prints one line a check; ends with a non-zero exit on the first that fails.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const allowed = [/^package\.json$/, /^(?:README|CHANGELOG|SECURITY)\.md$/, /^LICENSE$/, /^dist\/[\w-]+\.(?:js|js\.map|d\.ts)$/]
const lifecycle = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare', 'prepack', 'postpack', 'prepublishOnly', 'dependencies']
/** What a first user does, with the files that are installed and no others. */
const smokeTest = `
  import assert from 'node:assert/strict'
  import { makeVector, Table } from 'apache-arrow'
  import { asc, bucket, eq, openCatalog, schema, t } from '${manifest.name}'
  const lake = await openCatalog(new URL('lake', import.meta.url).href)
  const columns = { id: t.long.required, name: t.string, tags: t.list(t.string), price: t.decimal(9, 2), at: t.timestamptz }
  const table = await lake.createTable('a.b', { schema: schema(columns), partitionBy: [bucket('id', 2)], sortBy: [asc('name')] })
  await table.append([{ id: 1n, name: 'one', tags: ['x', null], price: '1.50', at: 0n }, { id: 2n ** 60n }])
  await table.append(new Table({ id: makeVector(BigInt64Array.of(3n, 4n)) }))
  const rows = await table.scan().select('id', 'name').rows().toArray()
  const sorted = rows.map((row) => String(row.id) + ' ' + String(row.name)).sort()
  assert.deepEqual(sorted, ['1 one', '1152921504606846976 null', '3 null', '4 null'])
  assert.equal((await table.scan().filter(eq('id', 1n)).rows().toArray()).length, 1)
  await lake.close?.()
`
const scratch = mkdtempSync(join(tmpdir(), 'floe-package-'))

try {
  await checkPackage()
} catch (error) {
  console.error(`not ok  ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

async function checkPackage() {
  const scripts = Object.keys(manifest.scripts ?? {}).filter((name) => lifecycle.includes(name))
  check(scripts.length === 0, `no lifecycle scripts${scripts.length === 0 ? '' : `: found ${scripts.join(', ')}`}`)

  const first = buildAndPack()
  const again = buildAndPack()
  check(first.sha256 === again.sha256, `two builds give the same tarball, sha256 ${first.sha256}`)

  const strangers = first.files.filter((file) => !allowed.some((pattern) => pattern.test(file)))
  check(strangers.length === 0, `only expected files: ${first.files.length}${strangers.length === 0 ? '' : `, and ${strangers.join(', ')}`}`)
  for (const file of ['dist/index.js', 'dist/index.d.ts', 'LICENSE', 'package.json', ...Object.values(manifest.bin ?? {})]) {
    check(first.files.includes(file), `holds ${file}`)
  }
  for (const file of Object.values(manifest.bin ?? {})) {
    check(readFileSync(join(root, file), 'utf8').startsWith('#!/usr/bin/env node\n'), `${file} starts with its interpreter`)
  }

  const { messages } = await publint({ level: 'suggestion', strict: true, pack: { tarball: bufferOf(first.path) } })
  check(messages.length === 0, `publint${messages.map((message) => `\n  ${formatMessage(message, manifest)}`).join('')}`)
  run(join(root, 'node_modules/.bin/attw'), ['--profile', 'esm-only', '--no-emoji', '--no-color', first.path], root)
  check(true, 'types resolve for importers (attw)')

  checkInstalled(first.path)
}

function buildAndPack() {
  run('npm', ['run', '--silent', 'build'], root)
  const [packed] = packReport(run('npm', ['pack', '--json', '--pack-destination', scratch], root))
  const path = join(scratch, packed.filename)
  return {
    path,
    files: packed.files.map((file) => file.path),
    sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
  }
}

/** npm has printed a list, and an object by package name, in different versions. */
function packReport(text) {
  const report = JSON.parse(text)
  return Array.isArray(report) ? report : Object.values(report)
}

function checkInstalled(tarball) {
  const folder = mkdtempSync(join(scratch, 'user-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
  run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--omit=peer', '--no-audit', '--no-fund', tarball], folder)
  const probe = `typeof floe.openCatalog === 'function' ? '' : process.exit(1)`
  run(process.execPath, ['--input-type=module', '-e', `import * as floe from ${JSON.stringify(manifest.name)}; ${probe}`], folder)
  check(true, 'imports in an empty project')
  run(process.execPath, ['--input-type=commonjs', '-e', `const floe = require(${JSON.stringify(manifest.name)}); ${probe}`], folder)
  check(true, 'is required from CommonJS')
  writeFileSync(join(folder, 'use.mjs'), smokeTest)
  run(process.execPath, ['--disallow-code-generation-from-strings', 'use.mjs'], folder)
  check(true, 'writes a table and reads it back, where code from strings is forbidden')
  for (const name of Object.keys(manifest.bin ?? {})) {
    const version = run(join(folder, 'node_modules/.bin', name), ['--version'], folder).trim()
    check(version.includes(manifest.version), `${name} --version prints ${version}`)
  }
  writeFileSync(join(folder, 'user.mts'), `import { openCatalog } from '${manifest.name}'\nexport const lake = await openCatalog('memory:')\n`)
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023', '--typeRoots', join(root, 'node_modules/@types')]
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'user.mts'], folder)
  check(true, 'type-checks in a TypeScript project')
}

function bufferOf(path) {
  const bytes = readFileSync(path)
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
}

function check(holds, what) {
  if (!holds) throw new Error(what)
  console.log(`ok      ${what}`)
}

function run(command, args, cwd) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26, timeout: 600_000 })
  } catch (error) {
    throw new Error(`${[command, ...args].join(' ')}\n${error.stdout ?? ''}${error.stderr ?? ''}`, { cause: error })
  }
}
