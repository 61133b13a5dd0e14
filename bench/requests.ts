// Creates, reads and contended updates a second over TLS against the API server as people run it, beside a bare node:https
// server that parses and answers the same bytes in the same run. `tools/node bench/requests.ts`
import { runLoad } from '../test/harness/load.ts'
import { LoadConnection } from '../test/harness/load-connection.ts'
import { measuredServer, NAMESPACE, prepareNamespace } from '../test/harness/measured-server.ts'
import { createPods, POD, PODS, printRow, ratio } from '../test/harness/pod-load.ts'

const server = await measuredServer()
try {
  await server.start()
  const { target } = server
  await prepareNamespace(target)
  await createPods(target, 1, 500)
  const connection = await LoadConnection.open(target)
  const echo = await server.startEcho((await connection.request('GET', `${PODS}/load-7`)).body)
  for (const connections of [1, 16, 64]) {
    const count = connections === 1 ? 1_000 : 4_000
    const bare = await runLoad({ kind: 'requests', target: echo, connections, count, path: PODS, method: 'POST', body: POD, first: 0 })
    const made = await createPods(target, connections, count)
    const beside = ratio(made.count / made.seconds, bare.count / bare.seconds)
    printRow(`create a pod, ${connections} connections`, made.count / made.seconds, 'per s', `${beside}, p99 ${made.slow.toFixed(1)} ms`)
  }
  for (const connections of [1, 16, 64]) {
    const count = connections === 1 ? 4_000 : 15_000
    const job = { kind: 'requests', connections, count, path: `${PODS}/load-7`, method: 'GET', body: '', first: 0 } as const
    const bare = await runLoad({ ...job, target: echo })
    const read = await runLoad({ ...job, target })
    const beside = ratio(read.count / read.seconds, bare.count / bare.seconds)
    printRow(`get a pod, ${connections} connections`, read.count / read.seconds, 'per s', `${beside}, p99 ${read.slow.toFixed(1)} ms`)
  }
  const path = `/api/v1/namespaces/${NAMESPACE}/configmaps`
  await connection.request('POST', path, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"contended"},"data":{"count":"0"}}')
  const writers = 16
  const fought = await runLoad({ kind: 'conflict', target, connections: writers, count: 100, path: `${path}/contended` })
  const { data } = JSON.parse((await connection.request('GET', `${path}/contended`)).body.toString()) as { data: { count: string } }
  if (Number(data.count) !== fought.count) throw new Error(`${fought.count} updates were acknowledged, ${data.count} are there`)
  printRow('16 writers of one object', fought.count / fought.seconds, 'ok per s', `p99 ${fought.slow.toFixed(1)} ms, none lost`)
  connection.close()
} finally {
  await server.remove()
}
