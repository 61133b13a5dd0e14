import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { inputLimits } from '../limits/input-limits.ts'
import { createKeyAndRequest, createRequest, readRequest } from './certificate-request.ts'
import { decodePem, encodePem } from './pem.ts'

const subject = { commonName: 'system:node:worker-1', organizations: ['system:nodes'] }
const LABEL = 'CERTIFICATE REQUEST'

const bytesOf = (request: string) => decodePem(LABEL, request)[0] ?? Buffer.alloc(0)

/** A request made by OpenSSL, of a new key unless `key` says otherwise. */
function byOpenssl(context: TestContext, args: readonly string[], config = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'csr-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'openssl.cnf')
  writeFileSync(file, `[req]\ndistinguished_name=dn\nprompt=no\n${config}`)
  return execFileSync('openssl', ['req', '-new', '-nodes', '-keyout', join(folder, 'key'), '-config', file, ...args], {
    stdio: 'pipe',
  }).toString()
}

describe('certificate requests', () => {
  it('says what was asked for and proves possession of the key', async () => {
    const { key, request } = await createKeyAndRequest(subject, { dnsNames: ['worker-1'], ipAddresses: ['172.20.0.3', 'fd00::1'] })
    const read = await readRequest(request)
    assert.deepEqual(read.subject, subject)
    assert.deepEqual(read.names, { dnsNames: ['worker-1'], ipAddresses: ['172.20.0.3', 'fd00::1'], emailAddresses: [], uris: [] })
    assert.ok(read.publicKey.equals(createPublicKey(key)))
  })

  it('is read by another implementation', async () => {
    const { request } = await createKeyAndRequest(subject, { dnsNames: ['worker-1'], ipAddresses: [] })
    const told = execFileSync('openssl', ['req', '-verify', '-noout', '-text'], {
      input: request,
      stdio: ['pipe', 'pipe', 'ignore'],
    }).toString()
    assert.match(told, /Subject: O ?= ?system:nodes, CN ?= ?system:node:worker-1/)
    assert.match(told, /DNS:worker-1/)
  })

  it('reads those of another implementation, whatever key and encoding', async (context) => {
    const names =
      'req_extensions=e\n[dn]\nO=system:nodes\nCN=ünit\n[e]\nsubjectAltName=DNS:a,IP:fd00::7,email:x@y.z,URI:spiffe://a,otherName:1.2.3.4;UTF8:z\n'
    for (const kind of ['ec:', 'rsa:2048', 'ed25519']) {
      const key = kind === 'ec:' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384'] : ['-newkey', kind]
      const { subject, names: asked } = await readRequest(byOpenssl(context, [...key, '-utf8'], names))
      assert.deepEqual(subject, { commonName: 'ünit', organizations: ['system:nodes'] }, kind)
      assert.deepEqual(asked, { dnsNames: ['a'], ipAddresses: ['fd00::7'], emailAddresses: ['x@y.z'], uris: ['spiffe://a'] })
    }
  })

  it('refuses signatures over digests of old', async (context) => {
    const old = byOpenssl(context, ['-newkey', 'rsa:2048', '-sha1'], '[dn]\nCN=a\n')
    await assert.rejects(readRequest(old), /algorithm that is not supported/)
  })

  it('reads requests without wishes', async () => {
    assert.deepEqual((await readRequest((await createKeyAndRequest(subject)).request)).names.dnsNames, [])
  })

  it('keeps each name whole, whatever is in it', async () => {
    const organizations = ['a,O=system:masters', '#3005', '"quoted"', 'back\\slash', 'two\nlines', 'a+O=b', ' ', 'nul\0nul', 'ünïcode 🙂']
    const odd = { commonName: 'jane, O=system:masters/CN=x', organizations }
    const read = await readRequest((await createKeyAndRequest(odd)).request)
    assert.equal(read.subject.commonName, odd.commonName)
    assert.deepEqual([...read.subject.organizations].sort(), [...organizations].sort())
  })

  it('refuses a request whose signature is of another key', async () => {
    const { key, request } = await createKeyAndRequest(subject)
    const other = await createRequest(key, { commonName: 'system:node:worker-2', organizations: ['system:nodes'] })
    const forged = Buffer.from(bytesOf(request).toString('latin1').replace('worker-1', 'worker-2'), 'latin1')
    await assert.rejects(readRequest(encodePem(LABEL, forged)), /signature/)
    assert.equal((await readRequest(other)).subject.commonName, 'system:node:worker-2')
  })

  it('refuses names that are not well encoded, and two requests in one', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await assert.rejects(readRequest(await createRequest(key, { commonName: 'a\uFFFDb', organizations: [] })), /not well encoded/)
    const bytes = bytesOf((await createKeyAndRequest(subject)).request)
    await assert.rejects(readRequest(encodePem(LABEL, Buffer.concat([bytes, bytes]))), /exactly one/)
    await assert.rejects(readRequest(encodePem(LABEL, Buffer.concat([bytes, Buffer.of(0)]))), /exactly one/)
  })

  it('refuses what is no request or too long with a plain sentence, and never hangs or crashes on cut or changed bytes', async () => {
    await assert.rejects(readRequest('hello'), /PEM block type must be CERTIFICATE REQUEST/)
    const { certificateRequestBytes: limit } = inputLimits
    await assert.rejects(readRequest(encodePem(LABEL, Buffer.alloc(limit + 1, 0x30))), /at most 16384 bytes/)
    await assert.rejects(readRequest('x'.repeat(limit * 2 + 1)), /at most 16384 bytes/)
    const bytes = bytesOf((await createKeyAndRequest(subject)).request)
    for (let at = 0; at < bytes.length; at++) {
      await assert.rejects(readRequest(encodePem(LABEL, bytes.subarray(0, at))), Error)
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      await assert.rejects(readRequest(encodePem(LABEL, changed)), Error, `byte ${at}`)
    }
  })
})
