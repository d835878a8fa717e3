/**
 * One ordered list is the architecture (scripts/layers.json): a folder may import itself and any folder before it.
 * Type-only imports count.
 */
const { existsSync } = require('node:fs')
const { pure, impure, entries } = require('./scripts/layers.json')

const layers = [...pure, ...impure]
const anyOf = (names) => `(${names.join('|')})`
const exactly = (files) => files.map((file) => `^${file.replaceAll('.', '\\.')}$`)

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layers.slice(0, -1).map((folder, index) => ({
      name: `layer-${folder}`,
      severity: 'error',
      comment: `${folder} may import ${layers.slice(0, index + 1).join(', ')} and nothing after them`,
      from: { path: `^src/${folder}/` },
      to: { path: `^src/${anyOf(layers.slice(index + 1))}/` },
    })),
    {
      name: 'not-in-the-layer-list',
      severity: 'error',
      comment: 'every folder of src has its place in scripts/layers.json',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/${anyOf(layers)}/` },
    },
    {
      name: 'nothing-imports-an-entry',
      severity: 'error',
      comment: 'the public index gathers; inside src every import names its file',
      from: { path: '^src/' },
      to: { path: exactly(entries) },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: exactly(entries) },
      to: {},
    },
    ...(existsSync('src/index.ts')
      ? [
          {
            name: 'reachable-from-an-entry',
            severity: 'warn',
            comment: 'a file that no entry reaches is dead, missing from the public index, or ahead of the feature that needs it',
            from: { path: exactly(entries) },
            to: { path: '^src/', pathNot: exactly(entries), reachable: false },
          },
        ]
      : []),
    {
      name: 'no-development-dependencies',
      severity: 'error',
      comment: 'what is shipped runs with what is installed',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer', 'type-only'] },
    },
    { name: 'resolvable', severity: 'error', from: { path: '^src/' }, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'types', 'default'], exportsFields: ['exports'] },
  },
}
