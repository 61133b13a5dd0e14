import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { issueAuthority } from '../../../shared/certificates/issue-certificate.ts'
import { outputOf } from '../../command.ts'
import { authorityHash, isAuthorityHash, pinnedAuthorities } from './authority-hash.ts'

async function authority(): Promise<string> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return issueAuthority(pair, { commonName: 'ca', notBefore: Date.now(), notAfter: Date.now() + 60_000 })
}

test("the hash is what kubeadm's documentation computes with openssl", async () => {
  const certificate = await authority()
  const pipe = 'openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -hex | sed "s/^.* //"'
  const byOpenssl = await outputOf('sh', ['-c', pipe], { input: certificate })
  assert.equal(authorityHash(certificate), `sha256:${byOpenssl}`)
  assert.ok(isAuthorityHash(authorityHash(certificate)))
})

test('of several authorities only those that are pinned are believed', async () => {
  const [one, other] = [await authority(), await authority()]
  assert.deepEqual(pinnedAuthorities(one + other, [authorityHash(other)]), [other])
  assert.deepEqual(pinnedAuthorities(one, [authorityHash(other)]), [])
  assert.deepEqual(pinnedAuthorities('', [authorityHash(other)]), [])
})
