import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createKeyAndRequest } from '../../shared/certificates/certificate-request.ts'
import { TerminalError } from '../../shared/errors/terminal-error.ts'
import type { CertificateSigningRequest } from '../../shared/openapi/generated/certificates-v1.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import {
  contentOf,
  isSelfRequest,
  NODE_CLIENT_SIGNER,
  NODE_SERVING_SIGNER,
  nodeNameOf,
  nodeRequestProblem,
  servingRequestProblem,
} from './node-certificates.ts'

interface Wish {
  commonName?: string
  organizations?: string[]
  usages?: string[]
  dnsNames?: string[]
  ipAddresses?: string[]
  serving?: boolean
  username?: string
}

async function request(wish: Wish = {}): Promise<CertificateSigningRequest> {
  const { commonName = 'system:node:a', organizations = ['system:nodes'], dnsNames = [], ipAddresses = [], serving = false } = wish
  const { request: pem } = await createKeyAndRequest({ commonName, organizations }, { dnsNames, ipAddresses })
  const usages = wish.usages ?? ['digital signature', serving ? 'server auth' : 'client auth']
  const signerName = serving ? NODE_SERVING_SIGNER : NODE_CLIENT_SIGNER
  const spec = { request: Buffer.from(pem).toString('base64'), usages, signerName, username: wish.username ?? 'system:node:a' }
  return { metadata: { name: 'csr' }, spec, status: {} } as unknown as CertificateSigningRequest
}

const problemOf = async (wish: Wish) => {
  const made = await request(wish)
  return nodeRequestProblem(made, await contentOf(made))
}

describe('what a node may ask for', () => {
  const cases: [string, Wish, RegExp | undefined][] = [
    ['a client certificate', {}, undefined],
    ['with an RSA key’s usage', { usages: ['digital signature', 'key encipherment', 'client auth'] }, undefined],
    ['a serving certificate', { serving: true, dnsNames: ['a'], ipAddresses: ['10.0.0.1'] }, undefined],
    ['another group', { organizations: ['system:masters'] }, /organization must be exactly/],
    ['a second group', { organizations: ['system:nodes', 'system:masters'] }, /organization must be exactly/],
    ['no node’s name', { commonName: 'kubernetes-admin' }, /common name must begin with system:node:/],
    ['names in a client certificate', { dnsNames: ['apiserver'] }, /no subject alternative names/],
    ['a serving certificate for nobody', { serving: true }, /at least one DNS name/],
    ['serving with a client signer', { usages: ['server auth'] }, /usages must contain client auth/],
    ['both at once', { usages: ['client auth', 'server auth'] }, /usage server auth is not for nodes/],
    ['to sign others', { usages: ['client auth', 'cert sign'] }, /usage cert sign is not for nodes/],
  ]
  for (const [name, wish, expected] of cases) {
    test(name, async () => assert.match((await problemOf(wish)) ?? 'no problem', expected ?? /^no problem$/))
  }
})

describe('under which names a node may serve', () => {
  const node = { metadata: { name: 'a' }, status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] } } as unknown as Node
  const named = (name: string, ...addresses: string[]) =>
    ({ metadata: { name }, status: { addresses: addresses.map((address) => ({ type: 'Hostname', address })) } }) as unknown as Node
  const doubt = async (wish: Wish, known: readonly Node[] = [node]) => {
    const made = await request({ serving: true, ...wish })
    return servingRequestProblem(made, await contentOf(made), known)
  }
  test('its own', async () => assert.equal(await doubt({ dnsNames: ['a'], ipAddresses: ['10.0.0.1'] }), undefined))
  test('not another’s', async () => assert.match((await doubt({ dnsNames: ['a', 'b'] })) ?? '', /b is not an address of the node/))
  test('not for another', async () =>
    assert.match((await doubt({ username: 'system:node:b', dnsNames: ['a'] })) ?? '', /only a node itself/))
  const claimed: [string, RegExp][] = [
    ['kubernetes.default.svc', /name of the cluster/],
    ['kubernetes', /name of the cluster/],
    ['web.default.svc.cluster.local', /name of the cluster/],
    ['localhost', /name of the cluster/],
    ['apiserver', /name of the cluster/],
    ['b', /name of another node/],
    ['B', /name of another node/],
  ]
  test('never the cluster’s own nor another node’s, though its Node claims them', async () => {
    for (const [name, why] of claimed) {
      assert.match((await doubt({ dnsNames: [name] }, [named('a', name), named('b')])) ?? 'approved', why, name)
    }
    for (const address of ['127.0.0.1', '::1', '169.254.169.254', '224.0.0.1', '0.0.0.0']) {
      assert.match((await doubt({ ipAddresses: [address] }, [named('a', address)])) ?? 'approved', /may not be/, address)
    }
  })
  test('not an address that another node has too, unless that one is silent', async () => {
    const silent = (name: string, address: string) => {
      const node = named(name, address)
      return { ...node, status: { ...node.status, conditions: [{ type: 'Ready', status: 'Unknown' }] } } as Node
    }
    const wish = { dnsNames: ['a'], ipAddresses: ['10.0.0.1'] }
    for (const spelled of ['10.0.0.1', '::ffff:10.0.0.1']) {
      assert.match((await doubt(wish, [node, named('b', spelled)])) ?? 'approved', /10\.0\.0\.1 is an address of node b too/)
    }
    assert.match(
      (await doubt({ dnsNames: ['B.example.com'] }, [named('a', 'B.example.com'), named('b', 'b.example.com')])) ?? '',
      /of node b too/,
    )
    assert.equal(await doubt(wish, [node, silent('b', '10.0.0.1')]), undefined)
    assert.equal(await doubt(wish, [node, named('b', '10.0.0.2')]), undefined)
  })
  test('not before it is registered', async () => {
    const made = await request({ serving: true, dnsNames: ['a'] })
    assert.match(servingRequestProblem(made, await contentOf(made), []) ?? '', /not registered/)
  })
})

test('who asks for itself, and whose node it is', async () => {
  const own = await request()
  assert.equal(isSelfRequest(own, await contentOf(own)), true)
  const joining = await request({ username: 'system:bootstrap:abcdef' })
  assert.equal(isSelfRequest(joining, await contentOf(joining)), false)
  assert.equal(nodeNameOf(await contentOf(own)), 'a')
})

test('what cannot be read is not tried again', async () => {
  const broken = await request()
  for (const text of [
    '',
    'not base64 at all',
    Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----').toString('base64'),
  ])
    await assert.rejects(contentOf({ ...broken, spec: { ...broken.spec, request: text } }), TerminalError, text)
})
