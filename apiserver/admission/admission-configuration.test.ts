import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ConfigError } from '../../shared/process/config.ts'
import { readAdmissionConfiguration } from './admission-configuration.ts'
import { shownLevel } from './pod-security/policy.ts'

function folderOf(context: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'admission-'))
  context.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'more'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n'
const OWN = { apiVersion: 'pod-security.admission.config.k8s.io/v1', kind: 'PodSecurityConfiguration' }
const withOwn = (own: object) => `${HEAD}plugins: ${JSON.stringify([{ name: 'PodSecurity', configuration: { ...OWN, ...own } }])}\n`
const read = (context: TestContext, text: string, files: Readonly<Record<string, string>> = {}) =>
  readAdmissionConfiguration(join(folderOf(context, { ...files, 'admission.yaml': text }), 'admission.yaml'))

test('levels and exemptions, in the file or in one beside it', async (context) => {
  const own = {
    defaults: { enforce: 'baseline', 'enforce-version': 'v1.30', audit: '', 'warn-version': '' },
    exemptions: { usernames: ['system:serviceaccount:a:b'], namespaces: ['kube-system'], runtimeClasses: ['sandbox.v1'] },
  }
  const beside = { 'more/own.json': JSON.stringify({ ...OWN, ...own, apiVersion: 'pod-security.admission.config.k8s.io/v1beta1' }) }
  const named = `${HEAD}plugins: [{ name: PodSecurity, path: more/own.json }]`
  for (const { podSecurity, warnings } of [await read(context, withOwn(own)), await read(context, named, beside)]) {
    const { defaults, exemptions } = podSecurity
    assert.deepEqual([defaults.enforce, defaults.audit, defaults.warn].map(shownLevel), [
      'baseline:v1.30',
      'privileged:latest',
      'privileged:latest',
    ])
    assert.ok(exemptions.hasUser('system:serviceaccount:a:b') && exemptions.hasNamespace('kube-system'))
    assert.ok(exemptions.hasRuntimeClass('sandbox.v1') && !exemptions.hasRuntimeClass(undefined))
    assert.deepEqual(warnings, [])
  }
})

test('what says nothing leaves everything as it is; other plug-ins are told of', async (context) => {
  const none = await readAdmissionConfiguration(undefined)
  for (const text of [HEAD, `${HEAD}plugins: [{ name: PodSecurity, configuration: null }]`, withOwn({})]) {
    assert.deepEqual((await read(context, text)).podSecurity.defaults, none.podSecurity.defaults)
  }
  const other = await read(context, `${HEAD}plugins: [{ name: EventRateLimit, path: e.yaml }]`)
  assert.match(other.warnings.join(), /admission\.yaml: plugins\[0\]: EventRateLimit is no plug-in that has a configuration here$/)
})

const refusals: [string, string, RegExp][] = [
  [
    'a level that is none',
    withOwn({ defaults: { enforce: 'strict' } }),
    /plugins\[0\]\.configuration: defaults\.enforce: must be one of \["privileged"/,
  ],
  ['a version that is none', withOwn({ defaults: { 'warn-version': 'v1' } }), /defaults\.warn-version: must be "latest" or "v1\.x"$/],
  ['an unknown field', withOwn({ exemption: {} }), /exemption: unknown field; did you mean exemptions\?/],
  ['a namespace that is none', withOwn({ exemptions: { namespaces: ['a', 'A_b'] } }), /exemptions\.namespaces\[1\]: must be a DNS name$/],
  ['a name twice', withOwn({ exemptions: { runtimeClasses: ['a', 'a'] } }), /exemptions\.runtimeClasses: must NOT have duplicate items/],
  ['a user without a name', withOwn({ exemptions: { usernames: [''] } }), /exemptions\.usernames\[0\]: must NOT have fewer than 1/],
  [
    'another kind inside',
    withOwn({ kind: 'Other' }),
    /configuration: holds pod-security[^ ]+, Kind=Other, where .*Kind=PodSecurityConfiguration/,
  ],
  ['another kind', 'apiVersion: v1\nkind: Pod', /holds v1, Kind=Pod, where apiserver\.config\.k8s\.io\/v1, Kind=AdmissionConfiguration/],
  ['a plug-in without a name', `${HEAD}plugins: [{}]`, /plugins\[0\]: must have required property 'name'/],
  ['a file that is not there', `${HEAD}plugins: [{ name: PodSecurity, path: no.yaml }]`, /no\.yaml cannot be read: ENOENT/],
]
for (const [what, text, why] of refusals) {
  test(`refused with the place and the cure: ${what}`, async (context) => {
    await assert.rejects(read(context, text), (error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, why)
      return true
    })
  })
}
