import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectionFromKubeconfig, inClusterConnection, SERVERS_EXTENSION } from './kubeconfig.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

function folderFor(t: { after(action: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('data and files, relative to the kubeconfig, make a connection; changed files make a new one', (t) => {
  const folder = folderFor(t)
  const path = join(folder, 'config')
  writeFileSync(join(folder, 'client.key'), 'KEY 1')
  writeFileSync(
    path,
    `
apiVersion: v1
kind: Config
current-context: one
clusters: [{name: c, cluster: {server: 'https://10.0.0.1:6443/', certificate-authority-data: ${base64('CA')}, tls-server-name: kubernetes}}]
users: [{name: u, user: {client-certificate-data: ${base64('CERT')}, client-key: client.key}}, {name: v, user: {token: secret}}]
contexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: c, user: v}}]
`,
  )
  const source = connectionFromKubeconfig(path)
  const first = source.current()
  assert.deepEqual(
    { ...first },
    {
      server: 'https://10.0.0.1:6443',
      ca: 'CA',
      insecure: false,
      serverName: 'kubernetes',
      certificate: 'CERT',
      key: 'KEY 1',
      token: undefined,
    },
  )
  assert.equal(source.current(), first)
  writeFileSync(join(folder, 'client.key'), 'KEY two')
  assert.equal(source.current().key, 'KEY two')
  assert.equal(connectionFromKubeconfig(path, 'two').current().token, 'secret')
  writeFileSync(path, '{')
  assert.equal(source.current().key, 'KEY two', 'a broken rewrite leaves what worked')
})

test('all servers of a cluster are listed in an extension that others pass over', (t) => {
  const path = join(folderFor(t), 'config')
  const write = (extension: unknown) =>
    writeFileSync(
      path,
      JSON.stringify({
        clusters: [
          {
            name: 'c',
            cluster: {
              server: 'https://a/',
              extensions: [
                { name: 'x', extension: {} },
                { name: SERVERS_EXTENSION, extension },
              ],
            },
          },
        ],
        contexts: [{ name: 'one', context: { cluster: 'c' } }],
        'current-context': 'one',
      }),
    )
  const read = () => connectionFromKubeconfig(path).current()
  write({ servers: ['https://a', 'https://b/'] })
  assert.deepEqual([read().server, read().servers], ['https://a', ['https://a', 'https://b']])
  for (const extension of [{}, { servers: [] }, 7]) {
    write(extension)
    assert.throws(read, /coxswain.dev\/servers/)
  }
  write({ servers: ['b'] })
  assert.throws(read, /server "b" is no URL/)
})

test('what is missing is named', (t) => {
  const folder = folderFor(t)
  const path = join(folder, 'config')
  const refuses = (text: string, why: RegExp) => {
    writeFileSync(path, text)
    assert.throws(() => connectionFromKubeconfig(path).current(), why)
  }
  assert.throws(() => connectionFromKubeconfig(join(folder, 'absent')).current(), /absent: ENOENT/)
  refuses('[]', /config: the file is not a mapping/)
  refuses('{}', /no current-context/)
  refuses('current-context: x', /contexts has no "x"/)
  refuses('{current-context: x, contexts: [{name: x, context: {cluster: y}}]}', /clusters has no "y"/)
  const user = (text: string) =>
    `{current-context: x, contexts: [{name: x, context: {cluster: y, user: z}}], clusters: [{name: y, cluster: {server: 'https://h'}}], users: [{name: z, user: ${text}}]}`
  refuses(user('{exec: {command: aws}}'), /users\[z\]\.user\.exec is not supported/)
  refuses(user('{client-key: nowhere.key}'), /nowhere\.key/)
  refuses(user('{token: 5}'), /token is not text/)
})

test('in a Pod the mounted token is used and read again', (t) => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'ca.crt'), 'CA')
  writeFileSync(join(folder, 'token'), 'one\n')
  const source = inClusterConnection({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }, folder)
  assert.deepEqual(source.current(), { server: 'https://[fd00::1]:443', ca: 'CA', token: 'one' })
  writeFileSync(join(folder, 'token'), 'second\n')
  assert.equal(source.current().token, 'second')
  assert.throws(() => inClusterConnection({}, folder), /not in a cluster/)
})
