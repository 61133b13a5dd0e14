// How long a list of 10,000 pods takes over TLS, whole and one page of 500, beside a bare node:https server that answers the
// same bytes; and the memory the server needs with them. `tools/node bench/lists.ts`
import { runLoad } from '../test/harness/load.ts'
import { LoadConnection } from '../test/harness/load-connection.ts'
import { measuredServer, prepareNamespace } from '../test/harness/measured-server.ts'
import { createPods, PODS, printRow, ratio } from '../test/harness/pod-load.ts'

const COUNT = 10_000
const ROUNDS = 7

const server = await measuredServer()
try {
  await server.start()
  const { target } = server
  printRow('memory, idle', server.memory(), 'MiB')
  await prepareNamespace(target)
  await createPods(target, 16, COUNT)
  printRow('memory, with 10,000 pods', server.memory(), 'MiB')
  const connection = await LoadConnection.open(target)
  const { body } = await connection.request('GET', PODS)
  const { items } = JSON.parse(body.toString()) as { items: unknown[] }
  if (items.length !== COUNT) throw new Error(`${items.length} pods were listed`)
  connection.close()
  const echo = await server.startEcho(body)
  const job = { kind: 'requests', connections: 1, count: ROUNDS, method: 'GET', body: '', first: 0 } as const
  const bare = await runLoad({ ...job, target: echo, path: PODS })
  const megabytes = `${(body.length / 1e6).toFixed(0)} MB`
  const whole = await runLoad({ ...job, target, path: PODS })
  printRow(`list 10,000 pods (${megabytes}), median`, whole.median, 'ms', ratio(whole.median, bare.median))
  const inProtobuf = { ...job, target: { ...target, accept: 'application/vnd.kubernetes.protobuf' }, path: PODS }
  const { slow } = await runLoad({ ...inProtobuf, count: 1 })
  printRow('the same in protobuf, the first time', slow, 'ms', `${(slow / whole.median).toFixed(2)} of JSON`)
  const again = await runLoad(inProtobuf)
  printRow('and again, median', again.median, 'ms', `${(again.median / whole.median).toFixed(2)} of JSON`)
  const page = await runLoad({ ...job, target, path: `${PODS}?limit=500` })
  printRow('one page of 500 of them, median', page.median, 'ms')
  const chosen = await runLoad({ ...job, target, path: `${PODS}?labelSelector=app.kubernetes.io%2Finstance%3Dload-7` })
  printRow('the one pod of a label among them, median', chosen.median, 'ms')
  printRow('memory, after the lists', server.memory(), 'MiB')
} finally {
  await server.remove()
}
