import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { environmentOf } from './environment.ts'
import { jsonValue } from './json-value.ts'
import { celLimits } from './limits.ts'
import { policyPrograms } from './policy-programs.ts'
import { compile } from './program.ts'
import { type CelType, dyn, intType, listOf, mapOf, objectType, stringType, timestampType } from './type.ts'
import { CelError } from './value.ts'

const pod = {
  metadata: { name: 'web-1', namespace: 'shop', labels: { app: 'web', 'a.b/c': 'x' }, finalizers: [] },
  spec: {
    replicas: 3,
    ratio: 0.5,
    containers: [
      { name: 'a', image: 'r.io/a:1', ports: [{ containerPort: 80 }], resources: { limits: { memory: '1Gi', cpu: '500m' } } },
      { name: 'b', image: 'r.io/b:2', securityContext: { privileged: true } },
    ],
  },
}
const typed = objectType('Thing', { count: intType, name: stringType, tags: listOf(stringType), limits: mapOf(stringType, intType) })
const environment = environmentOf({ object: dyn, self: typed, x: intType, words: listOf(stringType) })
const variables = new Map([
  ['object', jsonValue(pod)],
  ['self', jsonValue({ count: 2, name: 'n', tags: ['p', 'q'], limits: { a: 1 } }, typed)],
  ['x', 5n],
  ['words', jsonValue(['b', 'a', 'c'], listOf(stringType))],
])

function evaluate(source: string, budget?: number) {
  const program = compile(source, environment)
  if ('problems' in program) throw new Error(program.problems)
  return program.evaluate(variables, budget)
}

/** Each is true. */
const truths = `
1 + 2 * 3 == 7
-7 / 2 == -3 && -7 % 2 == -1
7u - 2u == 5u
0x1F == 31
2.5e1 == 25.0
1 < 2.5 && 3u > 2 && dyn(1) == 1.0
'a' + "b" == r'ab'
"\\u00e9\\x41\\101" == 'éAA'
b'\\xff' == b'\\377'
true || 1 / 0 > 1
1 / 0 > 1 || true
!(false && 1 / 0 > 1)
x > 3 ? true : false
'a' in ['a', 'b'] && !('z' in ['a'])
'app' in object.metadata.labels
has(object.metadata.labels) && !has(object.metadata.annotations)
object.metadata.labels['a.b/c'] == 'x'
object.metadata.namespace == 'shop'
object.spec.replicas == 3 && object.spec.ratio == 0.5
type(object.spec.replicas) == int && type(object.spec.ratio) == double
object.spec.containers.all(c, c.image.startsWith('r.io/'))
object.spec.containers.exists(c, has(c.securityContext) && c.securityContext.privileged)
object.spec.containers.exists_one(c, c.name == 'a')
object.spec.containers.map(c, c.name) == ['a', 'b']
object.spec.containers.filter(c, c.name != 'a').size() == 1
object.spec.containers.map(c, c.name == 'a', c.image) == ['r.io/a:1']
object.metadata.labels.all(k, k != '')
object.metadata.labels.exists(k, v, v == 'web')
[1, 2, 3].all(i, v, v == i + 1)
[1, 2].transformList(i, v, i * v) == [0, 2]
{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}
{'a': 1}.transformMapEntry(k, v, {v: k}) == {1: 'a'}
object.spec.containers.all(c, !has(c.resources) || quantity(c.resources.limits.memory).isLessThan(quantity('2Gi')))
object.?metadata.?name.orValue('') == 'web-1'
object.?spec.?none.?deep.hasValue() == false
object.metadata.labels[?'nope'].orValue('d') == 'd'
optional.of(1).optMap(v, v + 1) == optional.of(2)
optional.none().or(optional.of(3)).value() == 3
[?optional.none(), ?optional.of(1)] == [1]
{?'a': optional.none(), 'b': 2} == {'b': 2}
optional.ofNonZeroValue('').hasValue() == false
cel.bind(n, x * 2, n + n) == 20
self.count == 2 && self.tags.size() == 2 && self.limits.a == 1
size('héllo') == 5 && size('😀') == 1
'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco'
'hello'.charAt(4) == 'o' && 'hello'.charAt(5) == ''
'hello hello'.indexOf('ello', 2) == 7 && 'hello hello'.lastIndexOf('hello') == 6
'hello hello'.replace('he', 'we', 1) == 'wello hello' && 'ab'.replace('', '_') == '_a_b_'
'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c']
['a', 'b'].join('-') == 'a-b'
'  x '.trim() == 'x' && 'AbC'.lowerAscii() == 'abc' && 'AbC'.upperAscii() == 'ABC'
'%s has %d of %.2f, %x'.format(['a', 3, 1.5, 255]) == 'a has 3 of 1.50, ff'
'%s'.format([[1, 'b', {'k': null}]]) == '[1, b, {k: null}]'
strings.quote('a"b') == '"a\\\\"b"'
'gums'.reverse() == 'smug'
'abc123'.matches('^[a-z]+[0-9]{3}$') && !'abc'.matches('^b')
'abc 123 def'.find('[0-9]+') == '123' && '1 2 3'.findAll('[0-9]', 2) == ['1', '2']
words.isSorted() == false && words.sort() == ['a', 'b', 'c'] && words.min() == 'a' && words.max() == 'c'
[1, 3].sum() == 4 && [1.5, 2.5].sum() == 4.0 && [duration('1m'), duration('1s')].sum() == duration('61s')
[1, 2, 2].indexOf(2) == 1 && [1, 2, 2].lastIndexOf(2) == 2
[1, 2, 3, 4].slice(1, 3) == [2, 3] && [[1], [2, 3]].flatten() == [1, 2, 3]
[dyn(1), dyn(1.0), dyn(2)].distinct().size() == 2
[1, 2, 1].distinct() == [1, 2] && lists.range(3) == [0, 1, 2]
[3, 1].sortBy(v, -v) == [3, 1] && [1, 2].first().value() == 1 && [1, 2].last().value() == 2
sets.contains([1, 2], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1], [1, 2])
quantity('1.5Gi').isGreaterThan(quantity('1Gi')) && quantity('50k').asInteger() == 50000
quantity('1').add(quantity('500m')).compareTo(quantity('1500m')) == 0 && quantity('50k').sub(1).sign() == 1
isQuantity('1Gi') && !isQuantity('1Zi') && quantity('200M') == quantity('0.2G')
int('42') == 42 && uint('7') == 7u && double('1.5') == 1.5 && string(1.0) == '1' && string(true) == 'true'
string(duration('90m')) == '5400s' && string(timestamp('2024-01-02T03:04:05Z')) == '2024-01-02T03:04:05Z'
timestamp('2024-02-29T00:00:00Z') + duration('24h') == timestamp('2024-03-01T00:00:00Z')
timestamp('2024-01-02T23:00:00Z').getHours('+02:00') == 1 && timestamp('2024-07-02T12:00:00Z').getHours('Europe/Berlin') == 14
timestamp('2024-12-31T00:00:00Z').getDayOfYear() == 365 && timestamp('2024-01-01T00:00:00Z').getDayOfWeek() == 1
duration('1h30m').getMinutes() == 90
[1, 2] + [3] == [1, 2, 3] && {'a': 1}['a'] == 1 && [1, 2][1] == 2
type(1) == int && type('') == string && type([]) == list && type(null) == null_type && type(type(1)) == type
google.protobuf.Timestamp == type(timestamp('2024-01-01T00:00:00Z'))
math.greatest(1, 2, 3) == 3 && math.least([4, 2]) == 2 && math.ceil(1.2) == 2.0 && math.abs(-3) == 3
math.bitAnd(6, 3) == 2 && math.bitShiftLeft(1, 4) == 16 && math.isNaN(0.0 / 0.0) && math.sign(-2) == -1
base64.encode(b'hello') == 'aGVsbG8=' && base64.decode('aGVsbG8=') == b'hello'
url('https://user@example.com:80/a%20b?k=v&k=w').getHost() == 'example.com:80'
url('https://example.com:80/a?k=v&k=w').getQuery() == {'k': ['v', 'w']} && url('https://[::1]:80/').getHostname() == '::1'
isURL('https://a/b') && !isURL('../x') && url('/abs/path').getScheme() == ''
ip('10.0.0.1').family() == 4 && ip('::1').isLoopback() && isIP('1.2.3.4') && !isIP('1.2.3') && ip.isCanonical('127.0.0.1')
cidr('10.0.0.0/8').containsIP('10.1.1.1') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')
cidr('10.0.0.0/8').prefixLength() == 8 && cidr('10.0.0.0/8').ip() == ip('10.0.0.0') && isCIDR('::/0')
semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').compareTo(semver('1.0.0')) == -1 && isSemver('1.0.0') && !isSemver('v1.0')
semver('v1.0', true).major() == 1 && semver('1.2.3').patch() == 3
!format.dns1123Label().validate('my-name').hasValue() && format.named('dns1123Label').value().validate('Bad!').hasValue()
'x' == 'x' // and a comment
`.trim()

describe('expressions', () => {
  for (const source of truths.split('\n')) {
    it(source, () => {
      const { value } = evaluate(source)
      assert.equal(value instanceof CelError ? value.message : value, true)
    })
  }
})

describe('errors of expressions', () => {
  const failures: readonly (readonly [string, RegExp])[] = [
    ['9223372036854775807 + 1 > 0', /^integer overflow$/],
    ['-9223372036854775808 * -1 > 0', /^integer overflow$/],
    ['1 / 0 > 0', /^division by zero$/],
    ['1 % 0 > 0', /^modulus by zero$/],
    ['0u - 1u > 0u', /^unsigned integer overflow$/],
    ['[1][1] == 1', /^index out of bounds: 1$/],
    ["{'a': 1}['b'] == 1", /^no such key: b$/],
    ['object.nope == 1', /^no such key: nope$/],
    ["int('x') == 1", /parsing "x": invalid syntax$/],
    ['dyn(1) + dyn("a") == 1', /^no such overload$/],
    ["'abc'.matches(object.metadata.name + '(')", /error parsing regexp/],
    ['optional.none().value() == 1', /^optional.none\(\) dereference$/],
    ['object.spec.containers.all(c, c.nope > 1)', /^no such key: nope$/],
    ["'%d'.format(['a']) == ''", /decimal clause/],
  ]
  for (const [source, wanted] of failures) {
    it(source, () => {
      const { value } = evaluate(source)
      assert.ok(value instanceof CelError, String(value))
      assert.match(value.message, wanted)
    })
  }
})

describe('what does not compile', () => {
  const told = (source: string): string => {
    const program = compile(source, environment)
    return 'problems' in program ? program.problems : 'compiled'
  }

  it('says where, in cel-go’s words', () => {
    assert.equal(told('y > 1'), "compilation failed: ERROR: <input>:1:1: undeclared reference to 'y' (in container '')\n | y > 1\n | ^")
    assert.equal(
      told("x +\n 'a' == 1"),
      "compilation failed: ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | x +\n | ..^",
    )
  })

  const refusals: readonly (readonly [string, RegExp])[] = [
    ['1 == 1.0', /found no matching overload for '_==_' applied to '\(int, double\)'/],
    ['self.nope', /:1:5: undefined field 'nope'/],
    ['x.y', /type 'int' does not support field selection/],
    ['nope(1)', /undeclared reference to 'nope'/],
    ["x.startsWith('a')", /found no matching overload for 'startsWith' applied to 'int.\(string\)'/],
    ["[1, 'a']", /expected type 'int' but found 'string'/],
    ['x.all(i, true)', /expression of type 'int' cannot be range of a comprehension/],
    ['words.all(w, w)', /found no matching overload for '_&&_' applied to '\(bool, string\)'/],
    ['1 +', /:1:4: Syntax error: mismatched input '<EOF>' expecting/],
    ['1 1', /Syntax error: mismatched input '1' expecting <EOF>/],
    ['a @ b', /Syntax error: token recognition error at: '@'/],
    ["'open", /Syntax error: token recognition error at: ''open'/],
    ['has(x)', /invalid argument to has\(\) macro/],
    ['words.map(1, 2)', /argument must be a simple name/],
    ["'a'.matches('(')", /invalid matches argument/],
    ["duration('x') == duration('1s')", /invalid duration argument/],
    ['9223372036854775808', /invalid int literal/],
    ['package', /reserved identifier: package/],
    ["{'a': 1, 'b': 'c'}", /expected type 'int' but found 'string'/],
    ['Nope{}', /undeclared reference to 'Nope'/],
    ['(', /mismatched input '<EOF>'/],
    ['x ? 1 : "a"', /found no matching overload for '_\?_:_' applied to '\(int, int, string\)'/],
  ]
  for (const [source, wanted] of refusals) it(source, () => assert.match(told(source), wanted))

  it('is refused when it is too long, too deep or too large', () => {
    assert.match(told('('.repeat(celLimits.depth + 1)), /recursion limit exceeded/)
    assert.match(told(`1${' + 1'.repeat(2_000)}`), /max recursion depth exceeded/)
    // A call has two parts and a word and a sign: so many parts come of fewer tokens than there may be.
    assert.match(told(`[${'-x,'.repeat(celLimits.nodes / 2 + 1)}]`), /more than 20000 parts/)
    assert.match(told('-'.repeat(celLimits.tokens + 1)), /more than 40000 words and signs/)
    assert.match(told(' '.repeat(celLimits.characters + 1)), /size exceeds limit/)
    assert.equal(told(`true${' && true'.repeat(2_000)}`), 'compiled')
  })

  it('is refused when its type doubles with every part', () => {
    const nested = (count: number, part: (index: number) => string) =>
      `cel.bind(t0, 1, ${Array.from({ length: count }, (_, index) => part(index)).join('')}true${')'.repeat(count + 1)}`
    const literals = (index: number) => `cel.bind(t${index + 1}, {t${index}: t${index}}, `
    assert.equal(told(nested(5, literals)), 'compiled')
    assert.match(told(nested(25, literals)), /the type has more than 1000 parts/)
    const found = (index: number) => `cel.bind(t${index + 1}, {}, t${index + 1}[t${index}] == t${index} && `
    assert.match(told(nested(25, found)), /the type has more than 1000 parts/)
  })
})

describe('costs', () => {
  it('end an evaluation at its budget', () => {
    const { value, isExceeded, cost } = evaluate('lists.range(1000).all(a, lists.range(1000).all(b, a >= 0))', 100_000)
    assert.ok(value instanceof CelError)
    assert.equal(value.message, 'operation cancelled: actual cost limit exceeded')
    assert.ok(isExceeded)
    assert.equal(cost, 100_000)
  })

  it('grow with what is looked at', () => {
    assert.ok(evaluate('lists.range(100).all(a, a >= 0)').cost < evaluate('lists.range(1000).all(a, a >= 0)').cost / 5)
    assert.equal(evaluate('1 == 1').cost, 2)
  })

  it('of a pattern count its repetitions', () => {
    const text = `'${'a'.repeat(50_000)}'`
    assert.ok(evaluate(`${text}.matches('(a?){900}$')`).isExceeded)
    assert.equal(evaluate(`${text}.matches('^a+$')`).value, true)
  })

  it('do not let a text double for ever', () => {
    const doubled = `${Array.from({ length: 40 }, (_, index) => `cel.bind(t${index + 1}, t${index} + t${index}, `).join('')}t40${')'.repeat(40)}`
    const { value } = evaluate(`cel.bind(t0, 'aaaaaaaaaaaaaaaa', ${doubled})`)
    assert.ok(value instanceof CelError)
  })
})

describe('sets', () => {
  const inSet = (element: CelType) => environmentOf({ self: { kind: 'list', element, keys: 'set' } })
  const answer = (source: string, element: CelType, items: readonly unknown[]) => {
    const program = compile(source, inSet(element))
    if ('problems' in program) throw new Error(program.problems)
    return program.evaluate(new Map([['self', jsonValue(items, { kind: 'list', element, keys: 'set' })]])).value
  }

  it('of times and of objects keep what differs', () => {
    const times = ['2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z']
    assert.equal(answer('(self + self).size()', timestampType, times), 2n)
    assert.equal(answer('self == self.reverse() && self.size() == 2', timestampType, times), true)
    assert.equal(
      answer('(self + self).size()', dyn, [
        { a: 1, b: [2] },
        { a: 1, b: [3] },
      ]),
      2n,
    )
    assert.equal(answer('self + [{"b": 2, "a": 1}] == self', dyn, [{ a: 1, b: 2 }]), true)
  })
})

describe('time', () => {
  const spent = (run: () => void): number => {
    const before = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  /** Parts that know of each other take about as long as as many that do not; what grows with the square takes fifty times as long and more. */
  const mayTake = (together: () => void, apart: () => void) => {
    const least = (run: () => void) => Math.min(spent(run), spent(run))
    const [alone, all] = [least(apart), least(together)]
    assert.ok(all < 10 * alone, `${all} µs together, ${alone} µs apart`)
  }
  const compiled = (source: string) => assert.ok(!('problems' in compile(source, environment)))

  it('of checking an expression grows as it does', () => {
    const calls = Array.from({ length: 4_800 }, () => '[1].first()')
    mayTake(
      () => compiled(`[${calls.join()}]`),
      () => calls.forEach(compiled),
    )
  })

  it('of compiling a policy grows as its variables do', () => {
    const expressions = Array.from({ length: 4_000 }, (_, index) => (index === 0 ? '1' : `variables.v${index - 1}`))
    mayTake(
      () => {
        const variables = expressions.map((expression, index) => ({ name: `v${index}`, expression }))
        const last = policyPrograms({ variables, validations: [] }).variables.at(-1)!.compiled
        assert.equal('type' in last && last.type.kind, 'int')
      },
      () => expressions.forEach((_, index) => void compile(`object.v${index}`, environment)),
    )
  })
})
