import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ConfigError } from '../../../shared/process/config.ts'
import { readEncryptionConfiguration } from './encryption-configuration.ts'

const folder = mkdtempSync(join(tmpdir(), 'encryption-'))
after(() => rmSync(folder, { recursive: true }))

const header = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n'
const base64 = (bytes: number) => Buffer.alloc(bytes, 'k').toString('base64')
const KEY = `{name: key1, secret: ${base64(32)}}`

function read(body: string) {
  const path = join(folder, 'encryption.yaml')
  writeFileSync(path, body.startsWith('apiVersion') ? body : header + body)
  return readEncryptionConfiguration(path)
}

const rule = (resources: string, providers: string) => `resources: [{resources: ${resources}, providers: ${providers}}]`
const two = (first: string, second: string) =>
  `resources: [{resources: ${first}, providers: [{identity: {}}]}, {resources: ${second}, providers: [{identity: {}}]}]`

test('configurations that are right are taken', async () => {
  for (const body of [
    rule('[secrets, configmaps, customs.example.com]', `[{aesgcm: {keys: [${KEY}]}}, {identity: {}}]`),
    rule("['*.']", `[{aescbc: {keys: [{name: a, secret: ${base64(16)}}, {name: b, secret: ${base64(24)}}]}}]`),
    rule("['*.*']", `[{secretbox: {keys: [${KEY}]}}, {aesgcm: {keys: [${KEY}]}}]`),
    rule('[secrets]', `[{aesgcm: {keys: [{name: a, secret: "${base64(32).slice(0, 20)}\\n${base64(32).slice(20)}\\n"}]}}]`),
    two('[secrets]', "['*.']"),
    two('[secrets]', '[secrets]'),
    two("['*.apps']", "['*.*']"),
    two('[deployments.apps]', "['*.']"),
  ]) {
    await read(body).catch((error: unknown) => assert.fail(`${body}: ${error}`))
  }
})

const at = 'resources\\[0\\]\\.providers\\[0\\]'

for (const [body, expected] of [
  ['', /resources: Required value: at least one resources is required/],
  ['resources: []', /resources: Required value/],
  [rule('[]', '[{identity: {}}]'), /resources\[0\]\.resources: Required value: at least one/],
  [rule('[secrets]', '[]'), /resources\[0\]\.providers: Required value: at least one/],
  [
    rule('[Secrets]', '[{identity: {}}]'),
    /resources\[0\]\.resources\[0\]: Invalid value: "Secrets": resource name should not contain capital/,
  ],
  [rule("['*']", '[{identity: {}}]'), /Invalid value: "\*": use '\*\.' to encrypt/],
  [rule("['secrets.*']", '[{identity: {}}]'), /encrypting the same resource across groups is not supported/],
  [rule('[events.events.k8s.io]', '[{identity: {}}]'), /Use 'events' instead in the config file/],
  [rule('[deployments.extensions]', '[{identity: {}}]'), /'extensions' group has been removed/],
  [rule('[serviceipallocations]', '[{identity: {}}]'), /do not have REST API/],
  [rule("['']", '[{identity: {}}]'), /resources\[0\]\.resources\[0\]: Invalid value: "": is no resource such as/],
  [rule('[a/b]', '[{identity: {}}]'), /is no resource such as/],
  [rule('[secrets, secrets]', '[{identity: {}}]'), /the same resource cannot be specified multiple times/],
  [rule('[secrets, secrets.]', '[{identity: {}}]'), /the same resource cannot be specified multiple times/],
  [rule("[secrets, '*.']", '[{identity: {}}]'), /resources\[0\]\.resources: Invalid value: .* overlapping resources/],
  [rule("['*.*', jobs.batch]", '[{identity: {}}]'), /overlapping resources/],
  [
    two("['*.']", '[secrets]'),
    /resources\[1\]\.resources\[0\]: Invalid value: "secrets": resource "secrets" is masked by earlier rule "\*\."/,
  ],
  [two("['*.*']", "['*.apps']"), /is masked by earlier rule "\*\.\*"/],
  [rule('[secrets]', '[{}]'), new RegExp(`${at}: Invalid value: provider does not contain any of the expected providers`)],
  [rule('[secrets]', `[{identity: {}, aesgcm: {keys: [${KEY}]}}]`), new RegExp(`${at}: Invalid value: more than one provider`)],
  [rule('[secrets]', '[{kms: {apiVersion: v2, name: k, endpoint: "unix:///k"}}]'), new RegExp(`${at}\\.kms: Forbidden: .*no KMS plug-in`)],
  [rule('[secrets]', '[{aesgcm: {keys: []}}]'), new RegExp(`${at}\\.aesgcm\\.keys: Required value`)],
  [rule('[secrets]', `[{aesgcm: {keys: [{secret: ${base64(16)}}]}}]`), new RegExp(`${at}\\.aesgcm\\.keys\\[0\\]\\.name: Required value`)],
  [rule('[secrets]', '[{aescbc: {keys: [{name: a}]}}]'), new RegExp(`${at}\\.aescbc\\.keys\\[0\\]\\.secret: Required value`)],
  [rule('[secrets]', `[{aesgcm: {keys: [${KEY}, ${KEY}]}}]`), new RegExp(`${at}\\.aesgcm\\.keys\\[1\\]\\.name: Duplicate value: "key1"`)],
  [
    rule('[secrets]', `[{aesgcm: {keys: [${KEY}]}}, {aesgcm: {keys: [${KEY}]}}]`),
    /providers\[1\]\.aesgcm\.keys\[0\]\.name: Duplicate value/,
  ],
  [
    rule('[secrets]', '[{aesgcm: {keys: [{name: a, secret: "not base64"}]}}]'),
    /secret: Invalid value: "REDACTED": secrets must be base64 encoded/,
  ],
  [rule('[secrets]', `[{secretbox: {keys: [{name: a, secret: ${base64(16)}}]}}]`), /got 16, expected one of \[32\]/],
  [rule('[secrets]', `[{aesgcm: {keys: [{name: a, secret: ${base64(17)}}]}}]`), /got 17, expected one of \[16 24 32\]/],
  [rule('[secrets]', '[{aesgmc: {keys: []}}]'), /aesgmc: unknown field; did you mean aesgcm\?/],
  [rule('[secrets]', '[{identity: }]'), /identity: must be object/],
  [rule('secrets', '[{identity: {}}]'), /resources\[0\]\.resources: must be array/],
  [
    'apiVersion: v1\nkind: Secret\n',
    /holds v1, Kind=Secret, where apiserver\.config\.k8s\.io\/v1, Kind=EncryptionConfiguration is expected/,
  ],
] as const) {
  test(`refused: ${body.slice(0, 90) || 'nothing in it'}`, async () => {
    await assert.rejects(read(body), (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, expected)
      assert.ok(!error.message.includes(base64(32).slice(0, 16)) && !error.message.includes('not base64'), 'no key is told')
      return true
    })
  })
}

test('text that is no YAML is refused without a line of it, and a file that is not there is named', async () => {
  await assert.rejects(read(`${header}resources: [\n  secret: ${base64(32)}\n`), (error: Error) => {
    assert.match(error.message, /encryption\.yaml cannot be read/)
    assert.ok(!error.message.includes(base64(32)))
    return true
  })
  await assert.rejects(readEncryptionConfiguration(join(folder, 'nowhere.yaml')), /nowhere\.yaml cannot be read: ENOENT/)
})
