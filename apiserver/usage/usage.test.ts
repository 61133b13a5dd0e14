import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { NodeScraper, type ScrapeNode } from './node-scraper.ts'
import { readResourceMetrics } from './resource-sample.ts'
import { usageBetween } from './usage-window.ts'

const START = Date.parse('2026-01-01T00:00:00Z')

/** What a kubelet says, of containers by `namespace/pod/container`. */
function said(at: number, node: number, containers: Record<string, { cpu: number; memory?: number; start?: number }> = {}): string {
  const lines = ['# TYPE node_cpu_usage_seconds_total counter', `node_cpu_usage_seconds_total ${node} ${at}`]
  lines.push(`node_memory_working_set_bytes 4096 ${at}`, 'scrape_error 0', 'something_else{a="b"} NaN')
  for (const [path, { cpu, memory = 1024, start = 0 }] of Object.entries(containers)) {
    const [namespace, pod, container] = path.split('/')
    const labels = `{container="${container}",namespace="${namespace}",pod="${pod}"}`
    lines.push(`container_cpu_usage_seconds_total${labels} ${cpu} ${at}`, `container_memory_working_set_bytes${labels} ${memory} ${at}`)
    if (start) lines.push(`container_start_time_seconds${labels} ${start / 1000}`)
  }
  return `${lines.join('\n')}\n`
}

test('the text of a kubelet is read; a pod with half of its figures is not there', () => {
  const text = `${said(START, 1.5, { 'a/web/main': { cpu: 3, start: START - 5_000 } })}container_cpu_usage_seconds_total{container="side",namespace="a",pod="half"} 1 ${START}\n`
  const { node, pods } = readResourceMetrics(text, 7)
  assert.deepEqual(node, { cpuSeconds: 1.5, at: START, memoryBytes: 4096 })
  assert.deepEqual([...pods.keys()], ['a/web'])
  assert.deepEqual(pods.get('a/web')?.get('main'), { cpuSeconds: 3, at: START, memoryBytes: 1024, startedAt: START - 5_000 })
})

test('garbage is passed over', () => {
  for (const text of [
    '',
    '\0\n{',
    'node_cpu_usage_seconds_total',
    'node_cpu_usage_seconds_total x',
    'node_cpu_usage_seconds_total -1',
    'node_ 1',
  ])
    assert.deepEqual(readResourceMetrics(text, 7), { node: undefined, pods: new Map() }, text)
  const noTime = readResourceMetrics('node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 2\n', 7)
  assert.equal(noTime.node?.at, 7)
})

test('usage is what was used between two looks', () => {
  const look = (at: number, cpu: number, start = START - 600_000) =>
    readResourceMetrics(said(at, cpu * 2, { 'a/web/main': { cpu, start } }), at)
  const cases: [string, number | undefined, ReturnType<typeof look> | undefined, ReturnType<typeof look>][] = [
    ['half a core', 500_000_000, look(START, 10), look(START + 10_000, 15)],
    ['idle', 0, look(START, 10), look(START + 10_000, 10)],
    ['one look at an old container', undefined, undefined, look(START, 10)],
    ['one look at a young one counts from its start', 250_000_000, undefined, look(START, 5, START - 20_000)],
    ['one that has run for less than a second', undefined, undefined, look(START, 5, START - 999)],
    ['a restart between the looks counts from the new start', 1_000_000_000, look(START, 10), look(START + 15_000, 5, START + 10_000)],
    ['a restart that used more than before', 1_000_000_000, look(START, 1), look(START + 15_000, 5, START + 10_000)],
    ['a counter that went back', undefined, look(START, 10), look(START + 15_000, 5)],
    ['two looks at the same measurement', undefined, look(START, 10), look(START, 10)],
  ]
  for (const [what, nanocores, before, now] of cases) {
    assert.equal(usageBetween(before, now).pods.get('a/web')?.get('main')?.nanocores, nanocores, what)
  }
  assert.equal(usageBetween(look(START, 10), look(START + 10_000, 15)).node?.nanocores, 1_000_000_000)
})

test('a pod is left out while one of its containers is not known for long enough', () => {
  const before = readResourceMetrics(said(START, 1, { 'a/web/main': { cpu: 1 } }), 0)
  const now = readResourceMetrics(said(START + 15_000, 1, { 'a/web/main': { cpu: 2 }, 'a/web/new': { cpu: 2 } }), 0)
  assert.deepEqual([...usageBetween(before, now).pods.keys()], [])
})

function scraperOf(scrape: (node: string, signal: AbortSignal) => string | Promise<string>) {
  const clock = manualClock(START)
  const asked: string[] = []
  const counting: ScrapeNode = async (node, signal) => {
    asked.push(node)
    return scrape(node, signal)
  }
  return { clock, asked, scraper: new NodeScraper({ scrape: counting, clock, log: silentLogger() }) }
}

test('nobody is asked before somebody wants to know; the first question takes two looks, later ones one', async () => {
  const { clock, asked, scraper } = scraperOf(() => said(clock.now(), (clock.now() - START) / 1000))
  await clock.advance(3_600_000)
  assert.deepEqual(asked, [])
  const first = scraper.usageOf(['a'])
  const second = scraper.usageOf(['a'])
  await clock.advance(1_500)
  assert.equal((await first).get('a')?.node?.nanocores, 1_000_000_000)
  assert.deepEqual((await second).get('a')?.node?.window, 1_500)
  assert.deepEqual(asked, ['a', 'a'], 'two who ask at the same time share the looks')
  await clock.advance(9_999)
  await scraper.usageOf(['a'])
  assert.equal(asked.length, 2, 'that was a moment ago')
  await clock.advance(5_000)
  assert.equal((await scraper.usageOf(['a'])).get('a')?.node?.window, 14_999)
  assert.equal(asked.length, 3)
  await clock.advance(600_000)
  const late = scraper.usageOf(['a'])
  await clock.advance(1_500)
  assert.equal((await late).get('a')?.node?.window, 1_500, 'ten minutes ago is no beginning')
  assert.equal(clock.pending.length, 0, 'nothing goes on by itself')
})

test('a node that does not answer costs its patience once, and the others are answered', async () => {
  const { clock, asked, scraper } = scraperOf((node, signal) => {
    if (node !== 'dead') return said(clock.now(), (clock.now() - START) / 1000)
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  })
  const first = scraper.usageOf(['dead', 'a'])
  await clock.advance(5_000)
  assert.deepEqual([...(await first).keys()], ['a'])
  await clock.advance(1_000)
  assert.deepEqual([...(await scraper.usageOf(['dead', 'a'])).keys()], ['a'], 'at once: it was tried a moment ago')
  assert.equal(asked.filter((node) => node === 'dead').length, 1)
})

test('what a node said grows stale when it falls silent', async () => {
  let isUp = true
  const { clock, scraper } = scraperOf(() => {
    if (!isUp) throw new Error('connection refused')
    return said(clock.now(), 1)
  })
  const first = scraper.usageOf(['a'])
  await clock.advance(1_500)
  assert.equal((await first).size, 1)
  isUp = false
  await clock.advance(60_000)
  assert.equal((await scraper.usageOf(['a'])).size, 1)
  await clock.advance(30_000)
  assert.equal((await scraper.usageOf(['a'])).size, 0)
})

test('thousands of nodes are asked a few at a time, and a question does not wait for all of them', async () => {
  let busy = 0
  let most = 0
  const { clock, scraper } = scraperOf(async () => {
    most = Math.max(most, ++busy)
    await clock.sleep(1_000)
    busy--
    return said(clock.now(), 1)
  })
  const nodes = Array.from({ length: 1_000 }, (_, index) => `n${index}`)
  const first = scraper.usageOf(nodes)
  await clock.advance(12_000)
  const known = (await first).size
  assert.equal(most, 32)
  assert.ok(known > 100 && known < 1_000, `${known} are known after twelve seconds`)
  await clock.advance(60_000)
  assert.equal(busy, 0)
})
