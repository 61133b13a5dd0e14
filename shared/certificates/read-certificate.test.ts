import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { seededRandom } from '../random/random.ts'
import { issueAuthority, issueCertificate } from './issue-certificate.ts'
import { decodePem } from './pem.ts'
import { readCertificate } from './read-certificate.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
const DAY = 86_400_000

/** A certificate that OpenSSL signs for itself, with the lines of a distinguished name as given. */
function byOpenssl(context: TestContext, name: string, options = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'subject-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'openssl.cnf')
  writeFileSync(file, `[req]\ndistinguished_name=dn\nprompt=no\n${options}\n[dn]\n${name}`)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'key')]
  return execFileSync('openssl', ['req', '-x509', '-utf8', ...key, '-config', file], { stdio: 'pipe' }).toString()
}

async function issuer() {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = await issueAuthority(pair, { commonName: 'ca', notBefore: NOW, notAfter: NOW + 100 * DAY })
  return { certificate, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

async function withSubject(by: Awaited<ReturnType<typeof issuer>>, commonName: string, organizations: string[]) {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const content = { subject: { commonName, organizations }, publicKey, notBefore: NOW, notAfter: NOW + DAY, usages: [] }
  const [bytes = Buffer.alloc(0)] = decodePem('CERTIFICATE', await issueCertificate(by, content))
  return bytes
}

describe('the subject of a certificate', () => {
  it('is read as the names it is made of, whoever encoded them', (context) => {
    const cases: [string, string, string, string[]][] = [
      ['one set each', '0.O=b-team\n1.O=a-team\nCN=jane', '', ['b-team', 'a-team']],
      ['several in one set', 'O=a-team\n+O=b-team\nCN=jane', '', ['a-team', 'b-team']],
      ['printable text', 'O=dev\nCN=jane', 'string_mask=pkix', ['dev']],
      ['text of two bytes a character', 'O=dév\nCN=jane', 'string_mask=MASK:0x800', ['dév']],
      ['text of an old alphabet', 'O=dév\nCN=jane', 'string_mask=MASK:0x4', ['dév']],
      ['what looks like more names', 'O="dev,O=system:masters/O=x"\nCN=jane', '', ['dev,O=system:masters/O=x']],
      ['other attributes beside', 'OU=system:masters\nO=dev\nserialNumber=7\nCN=jane', '', ['dev']],
    ]
    for (const [what, name, options, organizations] of cases) {
      assert.deepEqual(readCertificate(byOpenssl(context, name, options)).subject, { commonName: 'jane', organizations }, what)
    }
  })

  it('has the last of several common names, as for Go, and none when there is none', (context) => {
    assert.equal(readCertificate(byOpenssl(context, '0.CN=jane\n1.CN=admin')).subject.commonName, 'admin')
    assert.deepEqual(readCertificate(byOpenssl(context, 'OU=x')).subject, { commonName: '', organizations: [] })
  })

  it('comes back as it was issued, for names of any characters', async () => {
    const random = seededRandom(7)
    const below = (limit: number) => Math.floor(random.fraction() * limit)
    const alphabet = [...',+=/\\"#;<>\n\r\t\0 *@:aOCN.-_éß漢🙂\u202e\u0301']
    const word = () => Array.from({ length: 1 + below(12) }, () => alphabet[below(alphabet.length)]).join('')
    const by = await issuer()
    for (let round = 0; round < 60; round++) {
      const organizations = Array.from({ length: below(4) }, word)
      const commonName = word()
      const { subject } = readCertificate(await withSubject(by, commonName, organizations))
      assert.equal(subject.commonName, commonName)
      assert.deepEqual([...subject.organizations].sort(), [...organizations].sort(), JSON.stringify(organizations))
    }
  })

  it('is refused when its bytes are no text: two names must not be read as one', async () => {
    const bytes = await withSubject(await issuer(), 'jane-zz', ['dev'])
    for (const [at, wrong] of [
      [bytes.indexOf('zz'), [0xff, 0xfe]],
      [bytes.indexOf('zz'), [0xed, 0xa0]],
      [bytes.indexOf('dev'), [0xc0, 0x80]],
    ] as const) {
      const changed = Buffer.from(bytes)
      changed.set(wrong, at)
      assert.throws(() => readCertificate(changed), Error)
    }
  })
})

describe('the names of a certificate', () => {
  it('are DNS names and addresses; what is quoted or of another type is none of them', async (context) => {
    const extension = 'x509_extensions=e\n[e]\nsubjectAltName='
    const read = (names: string) => readCertificate(byOpenssl(context, 'CN=a', extension + names)).alternativeNames
    assert.deepEqual(read('DNS:a,IP:10.0.0.1,IP:fd00::1,DNS:*.b'), { dnsNames: ['a', '*.b'], ipAddresses: ['10.0.0.1', 'fd00::1'] })
    assert.deepEqual(read('email:x@y.z,URI:https://a/,DNS:b'), { dnsNames: ['b'], ipAddresses: [] })
    const { alternativeNames } = readCertificate(
      byOpenssl(context, 'CN=a', `${extension}@n\n[n]\nDNS.1="a, DNS:apiserver"\nURI.1="x, DNS:apiserver"`),
    )
    assert.deepEqual(alternativeNames, { dnsNames: [], ipAddresses: [] })
    assert.deepEqual(readCertificate(byOpenssl(context, 'CN=a')).alternativeNames, { dnsNames: [], ipAddresses: [] })
  })
})
