import { readFileSync } from 'node:fs'
import stylistic from '@stylistic/eslint-plugin'
import { configs as regexpConfigs } from 'eslint-plugin-regexp'
import tseslint from 'typescript-eslint'

/** The layer list says which folders are pure; nothing else does. */
const { pure, impureFiles } = JSON.parse(readFileSync(new URL('scripts/layers.json', import.meta.url), 'utf8'))
const runtimeFile = 'src/util/runtime.ts'
const pureFiles = pure.map((folder) => `src/${folder}/**/*.ts`)

const shape = [
  { selector: 'ExportAllDeclaration', message: 'Spell exports out: no `export *`.' },
  { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
  { selector: 'TSEnumDeclaration', message: 'A union of literals instead of an enum.' },
]
const clockAndChance = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'The clock is injected: Runtime.now() (src/util/runtime.ts).' },
  {
    selector: "MemberExpression[object.name='Date'][property.name='now'], MemberExpression[object.name='performance'][property.name='now']",
    message: 'The clock is injected: Runtime.now() (src/util/runtime.ts).',
  },
  { selector: "MemberExpression[object.name='Math'][property.name='random']", message: 'Chance is injected: Runtime.random().' },
  {
    selector: "MemberExpression[object.name='crypto'][property.name=/^(randomUUID|getRandomValues|randomBytes)$/], ImportSpecifier[imported.name=/^(randomUUID|randomBytes|randomFill|randomFillSync|randomInt)$/]",
    message: 'Chance is injected: Runtime.uuid(), Runtime.snapshotId().',
  },
  { selector: 'CallExpression[callee.name=/^(setTimeout|setInterval)$/]', message: 'Waiting is injected: Runtime.sleep().' },
  { selector: "ImportDeclaration[source.value='node:timers/promises']", message: 'Waiting is injected: Runtime.sleep().' },
]
const awaiting = [
  { selector: 'AwaitExpression, ForOfStatement[await=true]', message: 'This folder is pure: bytes and values, no waiting.' },
  { selector: ':function[async=true]', message: 'This folder is pure: bytes and values, no waiting.' },
]
const nodeImports = {
  patterns: [{ group: ['node:*', 'apache-arrow', 'parquet-wasm', '@aws-sdk/*'], message: 'This folder is pure: bytes and values, nothing of the outside world.' }],
}
const forbidSyntax = (...rules) => ['error', ...rules.flat()]

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/', '.interop/', 'test/golden/tables/', 'test/golden/expected/', 'bench/peers/'] },
  {
    files: ['**/*.{ts,js,mjs,cjs}'],
    plugins: { '@stylistic': stylistic },
    extends: [regexpConfigs['flat/recommended']],
    rules: {
      '@stylistic/semi': ['error', 'never'],
      '@stylistic/quotes': ['error', 'single', { avoidEscape: true, allowTemplateLiterals: 'avoidEscape' }],
      '@stylistic/max-len': ['error', { code: 140, ignoreUrls: true, ignoreRegExpLiterals: true, ignoreStrings: true, ignoreTemplateLiterals: true }],
      '@stylistic/no-trailing-spaces': 'error',
      '@stylistic/eol-last': 'error',
      '@stylistic/no-tabs': 'error',
      '@stylistic/no-multiple-empty-lines': ['error', { max: 1, maxEOF: 0 }],
      // Two quantifiers that can match the same text are quadratic or worse on hostile input.
      'regexp/no-super-linear-backtracking': 'error',
      'regexp/no-super-linear-move': 'error',
      // Taste, not correctness: either spelling reads well.
      'regexp/use-ignore-case': 'off',
      'regexp/prefer-d': 'off',
      'regexp/strict': 'off',
      eqeqeq: ['error', 'always'],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'object-shorthand': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strict, tseslint.configs.stylistic],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      // Typed-array code indexes in bounds it has checked; `!` says so where noUncheckedIndexedAccess cannot see it.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false, properties: false } }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-implied-eval': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      'no-restricted-syntax': forbidSyntax(shape),
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      // `0`, `0n`, `''` and `false` are values: a condition says which absence it means.
      '@typescript-eslint/strict-boolean-expressions': [
        'error',
        { allowString: false, allowNumber: false, allowNullableObject: true },
      ],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      'max-lines': ['warn', { max: 500, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      'max-depth': ['error', 4],
      complexity: ['error', 25],
      'no-console': 'error',
      'no-restricted-syntax': forbidSyntax(shape, clockAndChance),
    },
  },
  {
    files: pureFiles,
    ignores: impureFiles,
    rules: {
      'no-restricted-syntax': forbidSyntax(shape, clockAndChance, awaiting),
      '@typescript-eslint/no-restricted-imports': ['error', nodeImports],
    },
  },
  { files: [runtimeFile], rules: { 'no-restricted-syntax': forbidSyntax(shape) } },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      'max-lines-per-function': 'off',
      'no-console': 'off',
    },
  },
  { files: ['*.config.ts', 'eslint.config.js'], rules: { 'no-restricted-syntax': 'off' } },
)
