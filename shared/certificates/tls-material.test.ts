import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Logger, silentLogger } from '../logging/logger.ts'
import { seededRandom } from '../random/random.ts'
import { type Clock, realClock } from '../time/clock.ts'
import { createKeyAndRequest } from './certificate-request.ts'
import { issueAuthority, issueCertificate } from './issue-certificate.ts'
import { loadTlsMaterial, renewalTime, type TlsMaterial, watchTlsMaterial } from './tls-material.ts'

const NOW = Date.UTC(2026, 10, 23)
const DAY = 86_400_000
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const authority = {
  certificate: await issueAuthority(pair, { commonName: 'ca', notBefore: NOW, notAfter: NOW + 1000 * DAY }),
  key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
}

async function newPair() {
  const subject = { commonName: 'node', organizations: [] }
  const { key } = await createKeyAndRequest(subject)
  const wish = { subject, publicKey: createPublicKey(key), notBefore: NOW, notAfter: NOW + 100 * DAY, usages: ['clientAuth'] as const }
  return { key, cert: await issueCertificate(authority, wish) }
}

describe('TLS material in files', () => {
  let folder = ''
  let look = () => {}
  const warnings: unknown[] = []
  const clock: Clock = {
    ...realClock(),
    every(_, action) {
      look = action
      return { cancel: () => (look = () => {}) }
    },
  }
  const log: Logger = { ...silentLogger(), warn: (_, fields) => warnings.push(fields?.['why']) }
  const path = (file: string) => join(folder, file)
  const paths = () => ({ certificate: path('tls.crt'), key: path('tls.key'), authority: path('ca.crt') })
  const write = ({ cert, key }: { cert: string; key: string }) => {
    writeFileSync(path('tls.crt'), cert)
    writeFileSync(path('tls.key'), key)
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tls-'))
    writeFileSync(path('ca.crt'), authority.certificate)
    warnings.length = 0
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is loaded, or the file in the way is named', async () => {
    const first = await newPair()
    write(first)
    assert.deepEqual(loadTlsMaterial(paths()), { ...first, ca: authority.certificate })
    write({ ...first, key: (await newPair()).key })
    assert.throws(() => loadTlsMaterial(paths()), /tls\.key does not belong to the certificate in .*tls\.crt/)
    write({ ...first, cert: 'half' })
    assert.throws(() => loadTlsMaterial(paths()), /tls\.crt holds nothing usable/)
    write({ ...first, key: '' })
    assert.throws(() => loadTlsMaterial(paths()), /tls\.key holds nothing usable/)
    rmSync(path('tls.key'))
    assert.throws(() => loadTlsMaterial(paths()), /tls\.key/)
  })

  it('is read again when it is rotated, and never half', async () => {
    const [first, second] = [await newPair(), await newPair()]
    write(first)
    const seen: TlsMaterial[] = []
    const watched = watchTlsMaterial(paths(), { clock, log }, (material) => seen.push(material))
    look()
    assert.equal(seen.length, 0)
    writeFileSync(path('tls.crt'), second.cert)
    look()
    look()
    assert.equal(seen.length, 0)
    assert.equal(watched.current.cert, first.cert)
    assert.equal(warnings.length, 1, 'said once')
    writeFileSync(path('tls.key'), second.key)
    look()
    assert.equal(seen.length, 1)
    assert.equal(watched.current.key, second.key)
    watched.stop()
    write(first)
    look()
    assert.equal(seen.length, 1)
  })

  it('is due for renewal in the last third, not for all at once', async () => {
    const random = seededRandom(3)
    const { cert } = await newPair()
    const times = Array.from({ length: 100 }, () => renewalTime(cert, random))
    assert.ok(Math.min(...times) >= NOW + 70 * DAY && Math.max(...times) <= NOW + 90 * DAY)
    assert.ok(new Set(times).size > 90)
  })
})
