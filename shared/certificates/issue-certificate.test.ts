import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { issueAuthority, issueCertificate } from './issue-certificate.ts'
import { readCertificate } from './read-certificate.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 10, 23, 12)

async function newAuthority(commonName = 'test-ca') {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = await issueAuthority(pair, { commonName, notBefore: NOW, notAfter: NOW + 3650 * DAY })
  return { certificate, key: pem(pair.privateKey) }
}

const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()

function newCertificate(authority: { certificate: string; key: string }, publicKey?: KeyObject) {
  return issueCertificate(authority, {
    subject: { commonName: 'system:node:ünit', organizations: ['system:nodes', 'b-team'] },
    publicKey: publicKey ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
    notBefore: NOW - 1500,
    notAfter: NOW + 30 * 365 * DAY,
    usages: ['serverAuth', 'clientAuth'],
    names: { dnsNames: ['localhost', 'kubernetes.default.svc'], ipAddresses: ['10.96.0.1', 'fd00::1'] },
  })
}

describe('issuing certificates', () => {
  it('makes an authority that other readers accept as one', async () => {
    const { x509, subject } = readCertificate((await newAuthority()).certificate)
    assert.equal(x509.ca, true)
    assert.equal(subject.commonName, 'test-ca')
    assert.equal(x509.verify(x509.publicKey), true)
    assert.equal(x509.checkIssued(x509), true)
  })

  it('signs certificates whose names, usages and times are the ones asked for, past 2049 too', async () => {
    const authority = await newAuthority()
    const { x509, subject, notBefore, notAfter } = readCertificate(await newCertificate(authority))
    const issuer = readCertificate(authority.certificate).x509
    assert.equal(x509.checkIssued(issuer), true)
    assert.equal(x509.verify(issuer.publicKey), true)
    assert.equal(x509.ca, false)
    assert.deepEqual(subject, { commonName: 'system:node:ünit', organizations: ['b-team', 'system:nodes'] })
    assert.equal(x509.subjectAltName, 'DNS:localhost, DNS:kubernetes.default.svc, IP Address:10.96.0.1, IP Address:FD00:0:0:0:0:0:0:1')
    assert.deepEqual(x509.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
    assert.equal(notBefore, NOW - 2000, 'whole seconds, rounded down')
    assert.equal(notAfter, NOW + 30 * 365 * DAY)
  })

  it('signs for RSA keys and does not fit another authority', async () => {
    const authority = await newAuthority()
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { x509 } = readCertificate(await newCertificate(authority, publicKey))
    assert.equal(x509.verify(readCertificate(authority.certificate).x509.publicKey), true)
    assert.equal(x509.verify(readCertificate((await newAuthority()).certificate).x509.publicKey), false)
  })

  it('gives every certificate its own serial number', async () => {
    const authority = await newAuthority()
    const made = await Promise.all(Array.from({ length: 20 }, () => newCertificate(authority)))
    const serials = new Set(made.map((pem) => readCertificate(pem).x509.serialNumber))
    assert.equal(serials.size, 20)
  })
})
