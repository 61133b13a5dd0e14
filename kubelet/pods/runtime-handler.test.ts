import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { startApi } from '../../test/harness/api.ts'
import { runtimeHandlerFrom } from './runtime-handler.ts'

test('the handler of a pod is that of its class; without a class the server is not asked', async (context) => {
  const api = await startApi({}, context)
  const { signal } = new AbortController()
  await api.client().create('node.k8s.io/v1', 'RuntimeClass', { metadata: { name: 'sandboxed' }, handler: 'runsc' })
  const handlerOf = (runtimeClassName?: string) => {
    const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [], runtimeClassName }, status: {} }
    return runtimeHandlerFrom(api.client())(pod, signal)
  }
  assert.equal(await handlerOf('sandboxed'), 'runsc')
  await assert.rejects(handlerOf('gone'), /failed to get sandbox runtime: runtimeclasses.node.k8s.io "gone" not found/)
  const deaf = { get: () => Promise.reject(new Error('nobody should have asked')) }
  const plain: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [] }, status: {} }
  assert.equal(await runtimeHandlerFrom(deaf)(plain, signal), undefined)
})
