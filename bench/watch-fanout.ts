// One object updated as fast as it is answered, and many watches of it over TLS: events and writes a second.
// `tools/node bench/watch-fanout.ts`
import { runLoad, startLoad } from '../test/harness/load.ts'
import { LoadConnection } from '../test/harness/load-connection.ts'
import { measuredServer, NAMESPACE, prepareNamespace } from '../test/harness/measured-server.ts'
import { printRow } from '../test/harness/pod-load.ts'

const PATH = `/api/v1/namespaces/${NAMESPACE}/configmaps`
const BODY = JSON.stringify({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'watched' },
  data: { seq: '{n}', pad: 'x'.repeat(500) },
})

const server = await measuredServer()
try {
  await server.start()
  const { target } = server
  await prepareNamespace(target)
  const connection = await LoadConnection.open(target)
  await connection.request('POST', PATH, BODY)
  const update = { kind: 'requests', target, connections: 1, path: `${PATH}/watched`, method: 'PUT', body: BODY } as const
  let first = 1
  const updates = async (count: number) => {
    const written = await runLoad({ ...update, count, first })
    first += count
    return written.count / written.seconds
  }
  await updates(500)
  printRow('updates with no watch', await updates(1_000), 'per s')
  for (const [watchers, count, accept] of [
    [1, 1_000, undefined],
    [100, 800, undefined],
    [500, 400, undefined],
    [500, 400, 'application/vnd.kubernetes.protobuf'],
  ] as const) {
    const { metadata } = JSON.parse((await connection.request('GET', `${PATH}/watched`)).body.toString()) as {
      metadata: { resourceVersion: string }
    }
    // Resuming at a revision: it does not matter whether a watch is open before the first write.
    const path = `${PATH}?watch=1&resourceVersion=${metadata.resourceVersion}`
    const load = startLoad({ kind: 'watch', target: { ...target, accept }, connections: watchers, count, path })
    await load.ready
    const writes = await updates(count)
    const { count: events, seconds } = await load.result
    if (events !== count * watchers) throw new Error(`${events} events of ${count * watchers} came`)
    printRow(`${watchers} watches${accept ? ' in protobuf' : ''}`, events / seconds, 'events/s', `${Math.round(writes)} writes/s`)
  }
  connection.close()
} finally {
  await server.remove()
}
