import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { issueCertificate } from '../../shared/certificates/issue-certificate.ts'
import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import { UnusableFile } from '../../shared/certificates/unusable-file.ts'
import { connectionFromKubeconfig } from '../../shared/client/kubeconfig.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { type CredentialsOptions, prepareCredentials } from './prepare-credentials.ts'

const DAY = 86_400_000

describe('the credentials of an API server', () => {
  let folder = ''
  let now = 0
  const clock: Clock = { ...realClock(), now: () => now }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'credentials-'))
    now = realClock().now()
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const prepare = (changes: Partial<CredentialsOptions> = {}) =>
    prepareCredentials({
      dataDirectory: folder,
      pkiDirectory: join(changes.dataDirectory ?? folder, 'pki'),
      credentialsDirectory: join(folder, 'credentials'),
      advertiseUrl: 'https://apiserver:6443',
      advertiseServers: [],
      serviceAddresses: ['10.96.0.1'],
      clusterDomain: 'cluster.local',
      hostname: 'Box',
      extraNames: ['192.0.2.7', 'FD00:0:0::7'],
      clock,
      log: silentLogger(),
      ...changes,
    })
  const pki = (file: string) => join(folder, 'pki', file)
  const everyFile = () =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => statSync(join(folder, file)).isFile())
      .sort()
      .map((file) => [file, readFileSync(join(folder, file), 'utf8')])

  it('are made once and reused, byte for byte', async () => {
    await prepare()
    const before = everyFile()
    await prepare()
    assert.deepEqual(everyFile(), before)
    assert.equal(before.filter(([file]) => file?.endsWith('.tmp')).length, 0)
  })

  it('are one set, whoever of several servers with one folder comes first to which file', async () => {
    const pkiDirectory = join(folder, 'shared')
    const advertiseServers = ['https://a:6443', 'https://b:6443']
    const each = (name: string) => ({
      ...{ pkiDirectory, dataDirectory: join(folder, name), credentialsDirectory: join(folder, name, 'credentials') },
      ...{ advertiseServers, advertiseUrl: `https://${name}:6443` },
    })
    const all = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => prepare(each(name))))
    const common = ({ authority, bootstrapToken, serviceAccountKeys }: (typeof all)[number]) => ({
      ...{ authority, bootstrapToken, signing: serviceAccountKeys.signing.id },
    })
    for (const one of all) assert.deepEqual(common(one), common(all[0]!))
    assert.equal(new Set(all.map(({ serving }) => serving.certificate)).size, 5, 'each has a serving certificate of its own')
    assert.deepEqual(
      readdirSync(pkiDirectory).filter((file) => !/\.(crt|key|pub)$/.test(file)),
      ['bootstrap-token', 'edge'],
    )
    assert.deepEqual(common(await prepare(each('f'))), common(all[0]!))
    // So all of them may write into one folder without one undoing what another wrote.
    const written = (name: string) =>
      ['admin', 'scheduler', 'edge/ingress', 'join/bootstrap'].map((file) => {
        const path = join(folder, name, 'credentials', `${file}.kubeconfig`)
        return [readFileSync(path, 'utf8'), connectionFromKubeconfig(path).current().servers] as const
      })
    for (const name of ['b', 'c', 'd', 'e', 'f']) assert.deepEqual(written(name), written('a'))
    for (const [, servers] of written('a')) assert.deepEqual(servers, advertiseServers)
  })

  it('keep every secret readable for the owner only', async () => {
    await prepare()
    const open = everyFile().filter(([file = '']) => (statSync(join(folder, file)).mode & 0o077) !== 0)
    assert.deepEqual(
      open.map(([file]) => file).filter((file) => !/\.(crt|pub)$/.test(file ?? '')),
      [],
    )
    assert.equal(
      open.some(([, text]) => text?.includes('PRIVATE KEY')),
      false,
    )
    assert.equal(statSync(join(folder, 'credentials')).mode & 0o777, 0o700)
  })

  it('serve under every name a client may use, and are accepted by a TLS client', async () => {
    const { serving, authority, kubeletClient } = await prepare()
    const server = createServer({ cert: serving.certificate, key: serving.key, ca: authority, requestCert: true }, (socket) => {
      socket.end(JSON.stringify([socket.authorized, readCertificate(socket.getPeerCertificate().raw).subject]))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(address && typeof address === 'object')
    const names = [
      'localhost',
      'apiserver',
      'box',
      'kubernetes.default.svc.cluster.local',
      '127.0.0.1',
      '10.96.0.1',
      '192.0.2.7',
      'fd00::7',
    ]
    for (const servername of names) {
      const options = { port: address.port, host: '127.0.0.1', ca: authority, cert: kubeletClient.certificate, key: kubeletClient.key }
      const text = await new Promise<string>((resolve, reject) => {
        const checkName = (_: string, certificate: Parameters<typeof import('node:tls').checkServerIdentity>[1]) =>
          readCertificate(certificate.raw).x509[/^[\d.]+$|:/.test(servername) ? 'checkIP' : 'checkHost'](servername)
            ? undefined
            : new Error(`not for ${servername}`)
        const socket: TLSSocket = connect({ ...options, checkServerIdentity: checkName })
        socket.on('data', (data) => resolve(data.toString())).on('error', reject)
      })
      assert.deepEqual(JSON.parse(text), [true, { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] }])
    }
    server.close()
  })

  it('issue the serving certificate again when the names change, with the same authority', async () => {
    const before = await prepare()
    const after = await prepare({ extraNames: ['cluster.example'] })
    assert.equal(after.authority, before.authority)
    assert.notEqual(after.serving.certificate, before.serving.certificate)
    assert.match(readCertificate(after.serving.certificate).x509.subjectAltName ?? '', /cluster\.example/)
    assert.equal(after.kubeletClient.certificate, before.kubeletClient.certificate)
  })

  it('renew certificates in the last third of their life, and the kubeconfigs with them', async () => {
    const before = await prepare()
    const kubeconfig = readFileSync(join(folder, 'credentials/admin.kubeconfig'), 'utf8')
    now += 200 * DAY
    assert.equal((await prepare()).serving.certificate, before.serving.certificate)
    now += 60 * DAY
    const after = await prepare()
    assert.notEqual(after.serving.certificate, before.serving.certificate)
    assert.notEqual(readFileSync(join(folder, 'credentials/admin.kubeconfig'), 'utf8'), kubeconfig)
    assert.equal(after.authority, before.authority)
  })

  it('write kubeconfigs again when the address that clients dial changes', async () => {
    await prepare()
    await prepare({ advertiseUrl: 'https://127.0.0.1:7000' })
    for (const name of [
      'admin',
      'controller-manager',
      'cloud-controller-manager',
      'scheduler',
      'edge/ingress',
      'join/bootstrap',
      'dashboard/dashboard',
    ]) {
      assert.match(readFileSync(join(folder, `credentials/${name}.kubeconfig`), 'utf8'), /"?server"?: "https:\/\/127.0.0.1:7000"/)
    }
  })

  for (const file of ['apiserver.crt', 'apiserver.key', 'admin.crt']) {
    it(`replace a damaged ${file}`, async () => {
      await prepare()
      truncateSync(pki(file), 100)
      const { serving } = await prepare()
      assert.ok(readCertificate(serving.certificate).x509.checkPrivateKey(createPrivateKey(serving.key)))
      assert.ok(readFileSync(pki(file), 'utf8').length > 100)
    })
  }

  for (const [file, content, message] of [
    ['ca.key', '', /ca\.key.*no private key/],
    ['ca.key', '-----BEGIN PRIVATE KEY-----\nMIG', /ca\.key.*no private key/],
    ['ca.crt', 'half', /ca\.crt.*no certificate/],
    ['service-account.key', '', /service-account\.key.*no usable key/],
    ['bootstrap-token', 'abc', /bootstrap-token.*no token/],
  ] as const) {
    it(`refuse a ${file} that reads ${JSON.stringify(content)}, and leave it as it is`, async () => {
      await prepare()
      writeFileSync(pki(file), content)
      await assert.rejects(
        prepare(),
        (error) => error instanceof UnusableFile && message.test(error.message) && /Cure: /.test(error.message),
      )
      assert.equal(readFileSync(pki(file), 'utf8'), content)
    })
  }

  it('refuse an authority whose key is another, is gone, or that expired', async () => {
    await prepare()
    writeFileSync(pki('ca.key'), readFileSync(pki('apiserver.key')))
    await assert.rejects(prepare(), /does not belong to ca\.crt/)
    rmSync(pki('ca.key'))
    await assert.rejects(prepare(), /missing while ca\.crt is there/)
    rmSync(pki('ca.crt'))
    await prepare()
    now += 3651 * DAY
    await assert.rejects(prepare(), /expired at/)
    now -= 3700 * DAY
    await assert.rejects(prepare(), /valid only from .*set the clock/)
  })

  it('go on with the key when a first start was interrupted before the certificate', async () => {
    await prepare()
    const key = readFileSync(pki('ca.key'), 'utf8')
    rmSync(pki('ca.crt'))
    const { authority, serving } = await prepare()
    assert.equal(readFileSync(pki('ca.key'), 'utf8'), key)
    const read = readCertificate(authority)
    assert.ok(readCertificate(serving.certificate).x509.verify(read.x509.publicKey))
  })

  it('issue again what a foreign authority signed', async () => {
    const { authority } = await prepare()
    const other = await prepare({ dataDirectory: join(folder, 'other'), credentialsDirectory: join(folder, 'other/credentials') })
    const foreign = await issueCertificate(
      { certificate: other.authority, key: readFileSync(join(folder, 'other/pki/ca.key'), 'utf8') },
      {
        subject: { commonName: 'kubernetes-admin', organizations: ['system:masters'] },
        publicKey: createPublicKey(createPrivateKey(readFileSync(pki('admin.key'), 'utf8'))),
        notBefore: now,
        notAfter: now + 300 * DAY,
        usages: ['clientAuth'],
      },
    )
    writeFileSync(pki('admin.crt'), foreign)
    await prepare()
    assert.ok(readCertificate(readFileSync(pki('admin.crt'), 'utf8')).x509.verify(readCertificate(authority).x509.publicKey))
  })

  it('keep accepting the public keys that were added for a change of the token key', async () => {
    const first = (await prepare()).serviceAccountKeys
    const old = readFileSync(pki('service-account.pub'), 'utf8')
    rmSync(pki('service-account.key'))
    const second = (await prepare()).serviceAccountKeys
    assert.notEqual(second.signing.id, first.signing.id)
    assert.deepEqual(
      second.verifying.map((key) => key.id),
      [second.signing.id, first.signing.id],
    )
    assert.ok(readFileSync(pki('service-account.pub'), 'utf8').endsWith(old))
  })
})
