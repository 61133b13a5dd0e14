import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { type ServedApi, serveApi } from '../harness/served-api.ts'

describe('watches over WebSocket', { timeout: 60_000 }, () => {
  let api: ServedApi
  const path = '/api/v1/namespaces/default/configmaps'
  before(async () => {
    api = await serveApi()
  })
  after(() => api?.stop())

  const dial = (target: string, protocols: string[] = []) =>
    new WebSocket(`${api.server.url.replace('https', 'wss')}${target}`, protocols, {
      ...{ ca: api.server.credentials.authority, cert: api.admin.cert, key: api.admin.key },
    })

  /** The next messages of a socket, as text. */
  function messages(socket: WebSocket): AsyncGenerator<{ text: string; isBinary: boolean }> {
    const waiting: { text: string; isBinary: boolean }[] = []
    let wake = () => {}
    socket.on('message', (data: Buffer, isBinary) => {
      waiting.push({ text: data.toString(), isBinary })
      wake()
    })
    return (async function* () {
      for (;;) {
        const next = waiting.shift()
        if (next) yield next
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    })()
  }

  it('each event is a text message of its own; a client that leaves is forgotten', async () => {
    const socket = dial(`${path}?watch=true`, ['anything'])
    const events = messages(socket)
    await once(socket, 'open')
    assert.equal(socket.protocol, 'anything')
    for (const name of ['one', 'two']) await api.call(api.admin, 'POST', path, { metadata: { name }, data: { text: 'a\nb' } })
    const names: string[] = []
    for (let seen = 0; names.length < 2; seen++) {
      assert.ok(seen < 20, `among 20 events: ${names}`)
      const { text, isBinary } = (await events.next()).value!
      assert.equal(isBinary, false)
      const { type, object } = JSON.parse(text)
      assert.equal(type, 'ADDED')
      if (object.data?.text === 'a\nb') names.push(object.metadata.name)
    }
    assert.deepEqual(names, ['one', 'two'])
    socket.close()
    const [code] = await once(socket, 'close')
    assert.equal(code, 1005)
    assert.equal((await api.call(api.admin, 'GET', path)).code, 200)
  })

  it('it ends when its time is over, as others do', async () => {
    const socket = dial(`${path}?watch=true&timeoutSeconds=1&resourceVersion=1`)
    const [code] = await once(socket, 'close')
    assert.equal(code, 1000)
  })

  it('what is wrong with the question is an ordinary answer', async () => {
    const refused = (target: string, protocols: string[] = []) => {
      const socket = dial(target, protocols)
      socket.on('error', () => {}) // that it was refused
      return once(socket, 'unexpected-response').then(([, { statusCode }]) => statusCode)
    }
    assert.equal(await refused(`${path}?watch=true&labelSelector=!!`), 400)
    assert.equal(await refused('/api/v1/namespaces/default/pods/nobody/log', ['v5.channel.k8s.io']), 404)
  })

  it('a client that talks too much, or nonsense, ends its own watch', async () => {
    const quiet = dial(`${path}?watch=true`)
    await once(quiet, 'open')
    const loud = dial(`${path}?watch=true`)
    await once(loud, 'open')
    loud.send(Buffer.alloc(100_000))
    const [code] = await once(loud, 'close')
    assert.equal(code, 1009)
    const events = messages(quiet)
    await api.call(api.admin, 'POST', path, { metadata: { name: 'after' } })
    for await (const { text } of events) if (JSON.parse(text).object.metadata.name === 'after') break
    quiet.terminate()
  })
})
