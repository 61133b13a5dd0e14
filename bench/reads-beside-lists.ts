// How long a get takes beside lists by label over 100,000 objects, which each select one of them, and beside nothing. `tools/node bench/reads-beside-lists.ts`
import { runLoad, startLoad } from '../test/harness/load.ts'
import { measuredServer, NAMESPACE, prepareNamespace } from '../test/harness/measured-server.ts'
import { printRow, ratio } from '../test/harness/pod-load.ts'

const OBJECTS = 100_000
const LISTERS = 4
const GETS = 2_000

const path = `/api/v1/namespaces/${NAMESPACE}/configmaps`
const body =
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"load-{n}","labels":{"app":"load","number":"{n}"}},"data":{"n":"{n}"}}'

const server = await measuredServer()
try {
  await server.start()
  const { target } = server
  await prepareNamespace(target)
  await runLoad({ kind: 'requests', target, connections: 64, count: OBJECTS, path, method: 'POST', body, first: 0 })
  const get = { kind: 'requests', target, connections: 1, count: GETS, path: `${path}/load-7`, method: 'GET', body: '', first: 0 } as const
  const alone = await runLoad(get)
  printRow('get, alone, p99', alone.slow, 'ms')
  const one = await runLoad({ ...get, count: 20, path: `${path}?labelSelector=number%3D7` })
  printRow('list by label, alone, median', one.median, 'ms')
  // More lists than there is time for.
  const lists = startLoad({ ...get, connections: LISTERS, count: 1_000_000, path: `${path}?labelSelector=number%3D7` })
  const unending = lists.result.then(() => Promise.reject(new Error('the lists came to an end')))
  try {
    await Promise.race([runLoad({ ...get, count: 50 }), unending])
    const beside = await Promise.race([runLoad(get), unending])
    printRow(`get, beside ${LISTERS} clients that list all the time, p99`, beside.slow, 'ms', ratio(beside.slow, alone.slow))
  } finally {
    lists.stop()
  }
} finally {
  await server.remove()
}
