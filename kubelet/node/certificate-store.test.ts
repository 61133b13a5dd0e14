import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { issueAuthority, issueCertificate } from '../../shared/certificates/issue-certificate.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { isIssuedBy, loadCertificate, renewalTime, storeCertificate } from './certificate-store.ts'
import { nodeKubeconfig, readCluster, usesCertificate } from './kubeconfig-file.ts'

const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()

async function authority(commonName: string) {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { certificate: await issueAuthority(pair, { commonName, notBefore: 0, notAfter: 2e12 }), key: pem(pair.privateKey) }
}

async function leaf(issuer: { certificate: string; key: string }) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = { commonName: 'system:node:a', organizations: ['system:nodes'] }
  const content = { subject, publicKey: createPublicKey(privateKey), notBefore: 1e12, notAfter: 1e12 + 100_000, usages: [] }
  return { certificate: await issueCertificate(issuer, content), key: pem(privateKey) }
}

function folder(context: TestContext) {
  const path = mkdtempSync(join(tmpdir(), 'certificates-'))
  context.after(() => rmSync(path, { recursive: true }))
  return path
}

test('a pair comes back as it was stored; anything else is as good as none', async (context) => {
  const file = join(folder(context), 'pki', 'client.pem')
  assert.equal(loadCertificate(file), undefined)
  const issuer = await authority('ca')
  const [one, two] = [await leaf(issuer), await leaf(issuer)]
  storeCertificate(file, one)
  assert.deepEqual({ certificate: loadCertificate(file)?.certificate, key: loadCertificate(file)?.key }, one)
  storeCertificate(file, { certificate: one.certificate, key: two.key })
  assert.equal(loadCertificate(file), undefined)
  writeFileSync(file, one.certificate.slice(0, 100))
  assert.equal(loadCertificate(file), undefined)
})

test('the issuer is one of a bundle, or the certificate is foreign', async () => {
  const [ours, theirs] = [await authority('ca'), await authority('ca')]
  const { certificate, key } = await leaf(ours)
  const file = join(tmpdir(), `issuer-${process.pid}.pem`)
  storeCertificate(file, { certificate, key })
  const read = loadCertificate(file)!.read
  rmSync(file)
  assert.equal(isIssuedBy(read, theirs.certificate + ours.certificate), true)
  assert.equal(isIssuedBy(read, theirs.certificate), false)
})

test('renewal falls between 70 and 90 percent of the life', () => {
  const random = seededRandom(1)
  for (let round = 0; round < 50; round++) {
    const time = renewalTime({ notBefore: 1000, notAfter: 2000 } as Parameters<typeof renewalTime>[0], random)
    assert.ok(time >= 1700 && time <= 1900)
  }
})

test('a kubeconfig that we write leads where it should and is known as ours', () => {
  const extensions = [{ name: 'servers', extension: {} }]
  const access = { server: 'https://a:6443', authority: 'PEM', extensions }
  const text = nodeKubeconfig(access, 'system:node:a', '/x/pki/c.pem')
  assert.deepEqual(readCluster(text), access)
  assert.equal(usesCertificate(text, '/x/pki/c.pem'), true)
  assert.equal(usesCertificate(text, '/y/pki/c.pem'), false)
  assert.throws(() => readCluster(''), /names no server/)
  assert.throws(() => readCluster(text.replace('certificate-authority-data', 'x')), /certificate-authority-data/)
})
