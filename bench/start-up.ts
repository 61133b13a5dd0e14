// From starting the process to its answer on /readyz: the first time, again, and with 10,000 pods; and the memory then.
// `tools/node bench/start-up.ts`
import { measuredServer, prepareNamespace } from '../test/harness/measured-server.ts'
import { createPods, printRow } from '../test/harness/pod-load.ts'

const TRIALS = 3
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!

const server = await measuredServer()
try {
  printRow('first start: keys, certificates, an empty store', await server.start(), 'ms')
  const again = async () => {
    const trials: number[] = []
    for (let trial = 0; trial < TRIALS; trial++) {
      await server.stop()
      trials.push(await server.start())
    }
    return median(trials)
  }
  printRow('start again, empty', await again(), 'ms', `memory ${Math.round(server.memory())} MiB`)
  await prepareNamespace(server.target)
  await createPods(server.target, 16, 10_000)
  printRow('start again with 10,000 pods', await again(), 'ms', `memory ${Math.round(server.memory())} MiB`)
} finally {
  await server.remove()
}
