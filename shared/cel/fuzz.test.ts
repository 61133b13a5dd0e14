import assert from 'node:assert/strict'
import { it } from 'node:test'
import { seededRandom } from '../random/random.ts'
import { environmentOf } from './environment.ts'
import { jsonValue } from './json-value.ts'
import { compile } from './program.ts'
import { dyn, intType, listOf, stringType } from './type.ts'

const environment = environmentOf({ object: dyn, x: intType, words: listOf(stringType) })
const variables = new Map([
  ['object', jsonValue({ a: { b: [1, 2.5, 'x', null, { c: true }] }, text: 'y'.repeat(200) })],
  ['x', 7n],
  ['words', jsonValue(['b', 'a', 'ä😀'], listOf(stringType))],
])
const BUDGET = 20_000

/** Pieces that more often make something than random letters do. */
const leaves = [
  '1',
  '2u',
  '1.5',
  "'a'",
  "b'a'",
  'true',
  'null',
  'x',
  'words',
  'object',
  'object.a.b',
  'object.text',
  '[]',
  '{}',
  "duration('1s')",
]
const methods = [
  'size',
  'reverse',
  'distinct',
  'flatten',
  'sum',
  'min',
  'sort',
  'lowerAscii',
  'trim',
  'hasValue',
  'value',
  'first',
  'getSeconds',
  'isSorted',
]
const methodsOfOne = [
  'contains',
  'split',
  'matches',
  'findAll',
  'format',
  'indexOf',
  'join',
  'startsWith',
  'or',
  'orValue',
  'charAt',
  'substring',
]
const functions = [
  'int',
  'string',
  'type',
  'size',
  'dyn',
  'quantity',
  'url',
  'ip',
  'lists.range',
  'math.abs',
  'optional.of',
  'bytes',
  'timestamp',
  'semver',
]
const operators = ['+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||', 'in']
const macros = ['all', 'exists', 'exists_one', 'map', 'filter', 'sortBy']

it('nothing that is written makes it throw, hang or spend more than its budget', { timeout: 60_000 }, () => {
  const random = seededRandom(20_260)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.fraction() * items.length)]!
  const made = (depth: number): string => {
    if (depth === 0 || random.fraction() < 0.1) return random.fraction() < 0.2 ? 'v' : pick(leaves)
    const inner = () => made(depth - 1)
    const shapes: readonly (() => string)[] = [
      () => `(${inner()} ${pick(operators)} ${inner()})`,
      () => `${inner()}.${pick(methods)}()`,
      () => `${inner()}.${pick(methodsOfOne)}(${inner()})`,
      () => `${pick(functions)}(${inner()})`,
      () => `${inner()}.${pick(macros)}(v, ${inner()})`,
      () => `dyn(${inner()}).?${pick(['a', 'b', 'text'])}`,
      () => `dyn(${inner()})[${inner()}]`,
      () => `[${inner()}, ?optional.of(${inner()})]`,
      () => `{dyn(${inner()}): dyn(${inner()})}`,
      () => `(${inner()} ? dyn(${inner()}) : dyn(${inner()}))`,
      () => `cel.bind(v, ${inner()}, ${inner()})`,
    ]
    return pick(shapes)()
  }
  const letters = [...'()[]{}.?:,+-*/%!=<>&|"\'\\abxu019_ \n\u00e9\ud83d']
  let compiled = 0
  for (let round = 0; round < 4_000; round++) {
    const source =
      round % 4 === 0 ? Array.from({ length: 1 + Math.floor(random.fraction() * 40) }, () => pick(letters)).join('') : made(1 + (round % 5))
    const program = compile(source, environment)
    if ('problems' in program) {
      assert.match(program.problems, /^compilation failed: ERROR: <input>:\d+:\d+: /)
      continue
    }
    compiled++
    const { cost } = program.evaluate(variables, BUDGET)
    assert.ok(cost <= BUDGET, source)
  }
  // Enough of them mean something.
  assert.ok(compiled > 500, `${compiled} compiled`)
})
