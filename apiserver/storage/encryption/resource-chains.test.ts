import assert from 'node:assert/strict'
import { createDecipheriv } from 'node:crypto'
import { test } from 'node:test'
import nacl from 'tweetnacl'
import { seededRandom } from '../../../shared/random/random.ts'
import { encryptionOf, keyNamed } from '../../../test/harness/encryption.ts'
import { UnreadableValue } from './unreadable-value.ts'
import { ENCRYPTED } from './value-transformer.ts'

const KEY = 'core/secrets/default/a'
const plain = Buffer.from('{"data":{"password":"aHVudGVyMg=="}}')
const identity = { identity: {} }

for (const kind of ['aesgcm', 'aescbc', 'secretbox'] as const) {
  test(`${kind}: what is written is read by its key, for its object, whole and unchanged; else it is refused`, async () => {
    const chains = await encryptionOf({ secrets: [{ [kind]: { keys: [keyNamed('a')] } }, identity] })
    const stored = chains.toStorage(KEY, plain)
    assert.ok(stored.subarray(0, 40).toString('latin1').startsWith(`k8s:enc:${kind}:v1:a:`))
    assert.ok(!stored.includes('password') && !stored.includes('aHVudGVyMg'))
    assert.deepEqual(chains.fromStorage(KEY, stored), plain)
    assert.notDeepEqual(chains.toStorage(KEY, plain), stored, 'the same value is never stored the same way')
    assert.equal(chains.formOf(KEY, stored), 'newest')

    const refuses = (key: string, bytes: Buffer, why: RegExp) =>
      assert.throws(
        () => chains.fromStorage(key, bytes),
        (error) => error instanceof UnreadableValue && why.test(error.message),
      )
    refuses('core/secrets/default/b', stored, /unable to read secrets "b" in namespace "default" from storage: .*does not open/)
    for (let length = ENCRYPTED.length; length < stored.length; length++)
      refuses(KEY, stored.subarray(0, length), /no matching prefix|does not open/)
    if (kind !== 'aescbc') {
      for (let at = stored.length - plain.length; at < stored.length; at++) {
        const changed = Buffer.from(stored)
        changed[at]! ^= 1
        refuses(KEY, changed, /does not open/)
      }
    }
    const others = await encryptionOf({ secrets: [{ [kind]: { keys: [keyNamed('a', 'other')] } }] })
    assert.throws(() => others.fromStorage(KEY, stored), /what begins with "k8s:enc:[a-z]+:v1:a:" does not open/)
    const without = await encryptionOf({ secrets: [{ [kind]: { keys: [keyNamed('b')] } }] })
    assert.throws(
      () => without.fromStorage(KEY, stored),
      /no matching prefix found: it begins with "k8s:enc:[a-z]+:v1:a:", and no provider/,
    )
    assert.equal(without.formOf(KEY, stored), 'unopened')
  })

  test(`${kind}: random values of any length come back`, async () => {
    const random = seededRandom(7)
    const chains = await encryptionOf({ '*.*': [{ [kind]: { keys: [keyNamed('a')] } }] })
    for (let run = 0; run < 200; run++) {
      const value = Buffer.from(Array.from({ length: Math.floor(random.fraction() * 300) }, () => Math.floor(random.fraction() * 256)))
      const key = `apps/things-${run}/é/${random.nameSuffix(8)}`
      assert.deepEqual(chains.fromStorage(key, chains.toStorage(key, value)), value)
    }
  })
}

test('keys of 16, 24 and 32 bytes, and the bytes are those of the named algorithms', async () => {
  for (const length of [16, 24, 32]) {
    const key = keyNamed('k', 'x', length)
    for (const kind of ['aesgcm', 'aescbc']) {
      const chains = await encryptionOf({ secrets: [{ [kind]: { keys: [key] } }] })
      assert.deepEqual(chains.fromStorage(KEY, chains.toStorage(KEY, plain)), plain)
    }
    const gcm = (await encryptionOf({ secrets: [{ aesgcm: { keys: [key] } }] }))
      .toStorage(KEY, plain)
      .subarray('k8s:enc:aesgcm:v1:k:'.length)
    const decipher = createDecipheriv(`aes-${length * 8}-gcm` as 'aes-256-gcm', Buffer.from(key.secret, 'base64'), gcm.subarray(0, 12))
    decipher.setAAD(Buffer.from(KEY)).setAuthTag(gcm.subarray(-16))
    assert.deepEqual(Buffer.concat([decipher.update(gcm.subarray(12, -16)), decipher.final()]), plain)
  }
  const key = keyNamed('k')
  const box = (await encryptionOf({ secrets: [{ secretbox: { keys: [key] } }] }))
    .toStorage(KEY, plain)
    .subarray('k8s:enc:secretbox:v1:k:'.length)
  const opened = nacl.secretbox.open(box.subarray(24), box.subarray(0, 24), Buffer.from(key.secret, 'base64'))
  assert.equal(Buffer.from(opened || []).toString(), `${KEY}\0${plain}`)
})

test('the first provider and its first key write, all of them read; what is older is told', async () => {
  const [a, b] = [keyNamed('a'), keyNamed('b')]
  const first = await encryptionOf({ secrets: [{ aesgcm: { keys: [a] } }, identity] })
  const second = await encryptionOf({ secrets: [{ secretbox: { keys: [b] } }, { aesgcm: { keys: [b, a] } }, identity] })
  const stored = first.toStorage(KEY, plain)
  assert.deepEqual(second.fromStorage(KEY, stored), plain)
  assert.equal(second.formOf(KEY, stored), 'older')
  assert.equal(second.formOf(KEY, plain), 'older')
  assert.equal(second.fromStorage(KEY, plain), plain)
  assert.ok(second.toStorage(KEY, plain).toString('latin1').startsWith('k8s:enc:secretbox:v1:b:'))
  const back = await encryptionOf({ secrets: [identity, { aesgcm: { keys: [a] } }] })
  assert.equal(back.toStorage(KEY, plain), plain)
  assert.equal(back.formOf(KEY, stored), 'older')
  assert.equal(back.formOf(KEY, plain), 'newest')
})

test('without identity what is plain is not read, and without any configuration what is encrypted is not', async () => {
  const strict = await encryptionOf({ secrets: [{ aesgcm: { keys: [keyNamed('a')] } }] })
  assert.throws(() => strict.fromStorage(KEY, plain), /it is not encrypted, and the providers of its resource do not include identity/)
  const none = await encryptionOf({})
  assert.equal(none.toStorage(KEY, plain), plain)
  assert.equal(none.fromStorage(KEY, plain), plain)
  assert.throws(() => none.fromStorage(KEY, strict.toStorage(KEY, plain)), /no provider of its resource has that key/)
  for (const odd of ['', 'k', 'k8s:enc', 'k8s:enc:', 'k8s:enc:aesgcm', 'k8s:enc:aesgcm:v1:a:']) {
    assert.ok(['newest', 'unopened'].includes(none.formOf(KEY, Buffer.from(odd))))
    assert.throws(() => strict.fromStorage(KEY, Buffer.from(odd)), UnreadableValue)
  }
})

test('a resource before its group before everything; in several rules the providers of all', async () => {
  const providers = (name: string) => [{ aesgcm: { keys: [keyNamed(name)] } }]
  const chains = await encryptionOf([
    ['secrets', providers('first')],
    ['secrets', providers('second')],
    ['*.', providers('core')],
    ['*.apps', providers('apps')],
    ['things.example.com', providers('custom')],
    ['*.*', providers('all')],
  ])
  const keyFor = (key: string) => /v1:(\w+):/.exec(chains.toStorage(key, plain).toString('latin1'))?.[1]
  assert.equal(keyFor('core/secrets/default/a'), 'first')
  assert.equal(keyFor('core/configmaps/default/a'), 'core')
  assert.equal(keyFor('core/namespaces/a'), 'core')
  assert.equal(keyFor('apps/deployments/default/a'), 'apps')
  assert.equal(keyFor('example.com/things/default/a'), 'custom')
  assert.equal(keyFor('example.com/others/default/a'), 'all')
  const second = await encryptionOf({ secrets: providers('second') })
  assert.deepEqual(chains.fromStorage(KEY, second.toStorage(KEY, plain)), plain)
  const some = await encryptionOf({ secrets: providers('first') })
  assert.equal(some.toStorage('core/configmaps/default/a', plain), plain)
  assert.equal(some.toStorage('core/secretsx/default/a', plain), plain)
})
