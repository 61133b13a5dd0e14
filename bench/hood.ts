// What it costs to remember how changes came about (`/hood`): creates with it and without, in pairs; then while somebody follows a chain.
// `tools/node bench/hood.ts`
import { startApi, type TestApi } from '../test/harness/api.ts'
import { configMap } from '../test/harness/bodies.ts'
import { printRow } from '../test/harness/pod-load.ts'

const PAIRS = 30
const WRITES = 500
const path = '/api/v1/namespaces/default/configmaps'
const cause = (n: number) => ({ 'x-coxswain-cause': JSON.stringify({ by: 'bench', revision: String(n), why: 'because it is measured' }) })

const none = { args: ['--hood-bytes', '0'] }
const [without, same, remembering] = [await startApi(none), await startApi(none), await startApi()]
let round = 0
async function creates(api: TestApi): Promise<number> {
  const name = `r${round++}`
  const start = process.cpuUsage()
  for (let n = 0; n < WRITES; n++) {
    const { status } = await api.request('POST', path, configMap(`${name}-${n}`), cause(round * WRITES + n))
    if (status !== 201) throw new Error(`a create was answered ${status}`)
  }
  // Of this process: time would be that of everybody on the machine.
  const { user, system } = process.cpuUsage(start)
  return user + system
}
/** CPU of runs in turn: the median of the ratios of runs that follow each other, and of their first and last quarter. */
async function compared(what: string, measured: TestApi): Promise<void> {
  const ratios: number[] = []
  for (let pair = 0; pair < PAIRS; pair++) {
    // Who is first has the colder machine.
    const isFirst = pair % 2 === 0
    const before = isFirst ? await creates(without) : 0
    const own = await creates(measured)
    ratios.push(own / (isFirst ? before : await creates(without)))
  }
  ratios.sort((a, b) => a - b)
  const at = (part: number) => ratios[Math.floor(PAIRS * part)]!
  printRow(`${what}: ${at(0.25).toFixed(3)} to ${at(0.75).toFixed(3)}, median`, at(0.5) * 100, '% of the CPU without')
}
try {
  for (const api of [without, same, remembering, without, same, remembering]) await creates(api)
  await compared('creates, the same twice (noise)', same)
  await compared('creates, nobody looks', remembering)
  const gone = new AbortController()
  const response = await remembering
    .transport()
    .send({ method: 'GET', path: `/hood${path}/r1-1?follow=true`, headers: {}, signal: gone.signal, stream: true })
  const reading = (async () => {
    for await (const _ of response.chunks());
  })().catch((error: unknown) => {
    // It ends when who reads goes.
    if (!gone.signal.aborted) throw error
  })
  await compared('creates, somebody follows a chain', remembering)
  gone.abort()
  await reading
} finally {
  await without.stop()
  await same.stop()
  await remembering.stop()
}
