import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { issueAuthority, issueCertificate } from '../../shared/certificates/issue-certificate.ts'
import { requireApiServer } from './authorization.ts'

const life = { notBefore: 0, notAfter: 2e12 }
const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const authority = pair()
const issuer = {
  certificate: await issueAuthority(authority, { commonName: 'ca', ...life }),
  key: authority.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
}

/** A connection with a certificate of this subject. */
async function connection(commonName: string, organizations: string[], authorized = true) {
  const publicKey = createPublicKey(pair().privateKey)
  const pem = await issueCertificate(issuer, { subject: { commonName, organizations }, publicKey, ...life, usages: ['clientAuth'] })
  return { authorized, getPeerX509Certificate: () => new X509Certificate(pem) }
}

test('a kubelet opens to who may do everything, the API server among them', async () => {
  requireApiServer(await connection('kube-apiserver-kubelet-client', ['system:masters']))
  requireApiServer(await connection('kubernetes-admin', ['admins', 'system:masters']))
})

test('the common name alone opens nothing', async () => {
  for (const organizations of [[], ['system:nodes'], ['system:masters ', 'masters']]) {
    const made = await connection('kube-apiserver-kubelet-client', organizations)
    assert.throws(() => requireApiServer(made), {
      reason: 'Forbidden',
      message: 'Forbidden (user=kube-apiserver-kubelet-client, resource=nodes, subresource=proxy)',
    })
  }
  const made = await connection('system:masters', [])
  assert.throws(() => requireApiServer(made), { code: 403 })
})

test('nobody gets in whom the authority does not vouch for', async () => {
  const made = await connection('kube-apiserver-kubelet-client', ['system:masters'], false)
  assert.throws(() => requireApiServer(made), { code: 401 })
  assert.throws(() => requireApiServer({ authorized: true, getPeerX509Certificate: () => undefined }), { code: 401 })
})
