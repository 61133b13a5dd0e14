import 'reflect-metadata'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { createKeyAndRequest, createRequest, readRequest } from './certificate-request.ts'
import { decodePem, encodePem } from './pem.ts'

const subject = { commonName: 'system:node:worker-1', organizations: ['system:nodes'] }

describe('certificate requests', () => {
  it('says what was asked for and proves possession of the key', () => {
    const { request } = createKeyAndRequest(subject, { dnsNames: ['worker-1'], ipAddresses: ['172.20.0.3'] })
    const read = readRequest(request)
    assert.deepEqual(read.subject, subject)
    assert.deepEqual(read.names, { dnsNames: ['worker-1'], ipAddresses: ['172.20.0.3'], emailAddresses: [], uris: [] })
  })

  it('is read by another implementation', async () => {
    const { request } = createKeyAndRequest(subject, { dnsNames: ['worker-1'], ipAddresses: [] })
    const read = new Pkcs10CertificateRequest(request)
    assert.equal(await read.verify(), true)
    assert.equal(read.subject, 'O=system:nodes, CN=system:node:worker-1')
  })

  it('reads requests without wishes', () => {
    assert.deepEqual(readRequest(createKeyAndRequest(subject).request).names.dnsNames, [])
  })

  it('refuses a request whose signature is of another key', () => {
    const { key, request } = createKeyAndRequest(subject)
    const other = createRequest(key, { commonName: 'system:node:worker-2', organizations: ['system:nodes'] })
    const [bytes = Buffer.alloc(0)] = decodePem('CERTIFICATE REQUEST', request)
    const [stolen = Buffer.alloc(0)] = decodePem('CERTIFICATE REQUEST', other)
    const forged = Buffer.from(bytes.toString('latin1').replace('worker-1', 'worker-2'), 'latin1')
    assert.throws(() => readRequest(encodePem('CERTIFICATE REQUEST', forged)), /signature/)
    assert.equal(readRequest(encodePem('CERTIFICATE REQUEST', stolen)).subject.commonName, 'system:node:worker-2')
  })

  it('refuses what is no request with a plain sentence, and never hangs or crashes on cut bytes', () => {
    assert.throws(() => readRequest('hello'), /PEM block type must be CERTIFICATE REQUEST/)
    const [bytes = Buffer.alloc(0)] = decodePem('CERTIFICATE REQUEST', createKeyAndRequest(subject).request)
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => readRequest(encodePem('CERTIFICATE REQUEST', bytes.subarray(0, length))), Error)
    }
  })
})
