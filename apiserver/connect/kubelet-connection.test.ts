import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { issueAuthority } from '../../shared/certificates/issue-certificate.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import { KubeletConnections } from './kubelet-connection.ts'

test('a kept connection that the kubelet closes meanwhile costs no answer; a new one that it closes does', async (context) => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const authority = await issueAuthority(pair, { commonName: 'kubelet', notBefore: 0, notAfter: 2e12 })
  const asked = new Map<Socket, number>()
  const server = createServer({ key, cert: authority }, ({ socket, url }, response) => {
    const count = (asked.get(socket) ?? 0) + 1
    asked.set(socket, count)
    if (count > 1 || url === '/never') socket.destroy()
    else response.end('here')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const rule = { problem: () => undefined, require: () => {}, lookup }
  const kubelets = new KubeletConnections(new TestReader(), () => ({ authority, certificate: authority, key }), rule)
  context.after(() => {
    kubelets.close()
    server.close()
    server.closeAllConnections()
  })
  const address = { node: 'kubelet', host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const { signal } = new AbortController()
  const ask = async (path: string) => text(await kubelets.get(address, path, { signal, insecure: true }))

  for (let round = 0; round < 5; round++) assert.equal(await ask('/pods'), 'here')
  assert.deepEqual(await Promise.all([ask('/pods'), ask('/pods'), ask('/pods')]), ['here', 'here', 'here'])
  assert.ok([...asked.values()].includes(2), 'no connection was kept')
  await assert.rejects(ask('/never'), /^StatusError: Get "https:.*never": /)
})
