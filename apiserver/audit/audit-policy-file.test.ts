import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { readAuditPolicy } from './audit-policy-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'audit-policy-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'policy.yaml')

function read(text: string, head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n') {
  writeFileSync(file, head + text)
  return readAuditPolicy(file)
}

const refused = (text: string, ...said: string[]) =>
  assert.rejects(read(text), { name: 'ConfigError', message: said.map((each) => `${file}: ${each}`).join('\n') })

describe('a policy file', () => {
  it('is read with all that it can say, nothing where YAML says nothing', async () => {
    const { policy, warnings } = await read(`
metadata: {name: mine}
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  users:
  verbs: [get]
  resources: [{group: "", resources: ["*/scale", "pods/*"], resourceNames: [a]}]
  namespaces: [""]
- level: RequestResponse
  nonResourceURLs: ["*", /healthz*]
  omitStages: [Panic]
  omitManagedFields: false
`)
    assert.deepEqual(warnings, [])
    assert.equal(policy.rules.length, 2)
    assert.deepEqual([policy.rules[0]?.users, policy.omitManagedFields, policy.omitStages], [null, true, ['RequestReceived']])
  })

  it('is refused by the paths of all wrong fields', async () => {
    await refused('rules: []', 'rules: Required value: a policy without rules writes nothing down')
    await refused('rules: [{users: [a]}]', "rules[0]: must have required property 'level'")
    await refused(
      'rules: [{level: All, user: [a]}]\nomitStages: [Begun]',
      'omitStages[0]: must be one of ["RequestReceived","ResponseStarted","ResponseComplete","Panic"]',
      'rules[0].user: unknown field; did you mean users?',
      'rules[0].level: must be one of ["None","Metadata","Request","RequestResponse"]',
    )
    await refused(
      'rules:\n- level: None\n- {level: None, nonResourceURLs: [x, "/a*b", "*"], namespaces: [a]}',
      'rules[1].nonResourceURLs[0]: Invalid value: "x": non-resource URL rules must begin with a \'/\' character',
      'rules[1].nonResourceURLs[1]: Invalid value: "/a*b": non-resource URL wildcards \'*\' must be the final character of the rule',
      'rules[1].nonResourceURLs: Invalid value: ["x","/a*b","*"]: rules cannot apply to both regular resources and non-resource URLs',
    )
    await refused(
      'rules: [{level: None, resources: [{group: apps, resourceNames: [a]}]}]',
      'rules[0].resources[0].resourceNames: Invalid value: ["a"]: using resourceNames requires at least one resource',
    )
    await assert.rejects(
      read('rules: [{level: None, resources: [{group: "Apps/v1"}]}]'),
      /rules\[0\]\.resources\[0\]\.group: Invalid value: "Apps\/v1": /,
    )
    await assert.rejects(
      read('rules: []', 'kind: Policy\napiVersion: audit.k8s.io/v1beta1\n'),
      /audit\.k8s\.io\/v1, Kind=Policy is expected/,
    )
    await assert.rejects(readAuditPolicy(join(folder, 'none')), /cannot be read/)
  })
})
