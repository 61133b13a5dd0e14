import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnyObject } from '../cluster/object.ts'
import { Lost, Refusal } from '../cluster/refusal.ts'
import { ownerChain } from './owner-chain.ts'

const owned = (name: string, owner?: string): AnyObject => ({
  metadata: {
    ...{ namespace: 'default', name, uid: `uid-of-${name}` },
    ...(owner !== undefined && { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: `uid-of-${owner}` }] }),
  },
})

/** The names above `web-1-a`, and why there are no more, where its owner is answered by `answer`. */
async function chainWhere(answer: (path: string) => AnyObject) {
  const kind = {
    group: 'apps',
    version: 'v1',
    resource: 'replicasets',
    kind: 'ReplicaSet',
    isNamespaced: true,
    shortNames: [],
    subresources: [],
  }
  const ask = async <T>(path: string) => answer(path) as T
  const { owners, why } = await ownerChain({ ask, findKind: () => kind }, owned('web-1-a', 'web-1'))
  return { names: owners.map(({ name }) => name), why }
}

const throwing = (error: Error) => () => {
  throw error
}

test('the chain goes up to who has no owner', async () => {
  const found = await chainWhere((path) => (path.endsWith('/web-1') ? owned('web-1', 'web') : owned('web')))
  assert.deepEqual(found, { names: ['web-1', 'web'], why: undefined })
})

test('an owner that is gone, one that may not be read, and a server that is lost are told apart', async () => {
  const names = ['web-1']
  const gone = { names, why: 'is not there any more' }
  assert.deepEqual(await chainWhere(throwing(new Refusal(404, { message: 'not found' }))), gone)
  assert.deepEqual(await chainWhere(() => ({ metadata: { name: 'web-1', uid: 'another' } })), gone)
  assert.deepEqual(await chainWhere(throwing(new Refusal(403, { message: 'forbidden' }))), { names, why: 'forbidden' })
  assert.deepEqual(await chainWhere(throwing(new Lost('no answer'))), { names, why: 'no answer' })
})
