import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isTrue } from '../../shared/objects/conditions.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { backupDefinition, backupVersion } from '../harness/custom-definitions.ts'
import { eventually } from '../harness/eventually.ts'

let api: TestApi
const CRD = ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'] as const
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const GROUP = 'ruled.example.com'
const BACKUPS = `/apis/${GROUP}/v1/namespaces/default/backups`

const definitionOf = (group: string, rules: object[]) => {
  const spec = {
    type: 'object',
    'x-kubernetes-validations': rules,
    properties: {
      low: { type: 'integer' },
      high: { type: 'integer' },
      once: { type: 'string' },
      words: { type: 'array', items: { type: 'string' } },
    },
  }
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } }
  const parts = { schema, subresources: undefined, selectableFields: undefined, additionalPrinterColumns: undefined }
  return backupDefinition(group, { versions: [backupVersion('v1', parts)] })
}
const backup = (spec: object, more: object = {}) => ({ apiVersion: `${GROUP}/v1`, kind: 'Backup', metadata: { name: 'a', ...more }, spec })

before(async () => {
  api = await startApi()
  const rules = [
    { rule: 'self.low <= self.high', message: 'low must not be above high', fieldPath: '.low' },
    { rule: '!has(self.once) || self.once == oldSelf.once', messageExpression: '"it was " + oldSelf.once' },
    { rule: '!has(self.words) || self.words.all(a, self.words.all(b, self.words.all(c, a + b != c)))', reason: 'FieldValueForbidden' },
    { rule: 'oldSelf.hasValue() || self.high < 100', optionalOldSelf: true, message: 'begins small' },
  ]
  const made = await api.request('POST', DEFINITIONS, definitionOf(GROUP, rules))
  assert.equal(made.status, 201, made.text)
  await eventually(api.client(), CRD, (all) => all.some(({ status }) => isTrue(status.conditions ?? [], 'Established')))
})
after(() => api.stop())

test('rules in CEL are asked of new objects and of changes, and their words are told', async () => {
  const wrong = await api.request('POST', BACKUPS, backup({ low: 2, high: 1 }))
  assert.equal(wrong.status, 422, wrong.text)
  assert.match(wrong.text, /spec\.low: Invalid value: \\"object\\": low must not be above high/)
  assert.match((await api.request('POST', BACKUPS, backup({ low: 1, high: 100 }))).text, /begins small/)
  const made = await api.request('POST', BACKUPS, backup({ low: 1, high: 2, once: 'x' }))
  assert.equal(made.status, 201, made.text)
  const metadata = made.json['metadata'] as object
  const changed = await api.request('PUT', `${BACKUPS}/a`, backup({ low: 1, high: 2, once: 'y' }, metadata))
  assert.equal(changed.status, 422, changed.text)
  assert.match(changed.text, /spec: Invalid value: \\"object\\": it was x/)
  assert.equal((await api.request('PUT', `${BACKUPS}/a`, backup({ low: 1, high: 200, once: 'x' }, metadata))).status, 200)
})

test('a rule that costs too much is ended, and the object refused', async () => {
  const words = Array.from({ length: 400 }, (_, n) => `w${n}`)
  const answer = await api.request('POST', BACKUPS, backup({ low: 1, high: 2, words }, { name: 'costly' }))
  assert.equal(answer.status, 422, answer.text)
  assert.match(answer.text, /spec: Forbidden: call cost exceeds limit/)
})

test('a definition with a rule that cannot be is refused where it is', async () => {
  const problem = async (rule: object) => {
    const answer = await api.request('POST', DEFINITIONS, definitionOf('other.example.com', [rule]))
    assert.equal(answer.status, 422, answer.text)
    return String(answer.json['message'])
  }
  assert.match(
    await problem({ rule: 'self.nothing == 1' }),
    /x-kubernetes-validations\[0\]\.rule: Invalid value: .*undefined field 'nothing'/,
  )
  assert.match(await problem({ rule: 'self.low + 1' }), /cel expression must evaluate to a bool/)
  assert.match(await problem({ rule: 'self.low > 1', messageExpression: '1' }), /cel expression must evaluate to a string/)
  assert.match(await problem({ rule: 'self.low > 1', optionalOldSelf: true }), /may not be set if oldSelf is not used in rule/)
})
