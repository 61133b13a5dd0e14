import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from './metrics.ts'

test('counters and gauges are written with help, type and escaped labels', () => {
  const metrics = new Metrics()
  const requests = metrics.counter('requests_total', 'Requests\nby code.')
  requests.add(1, { code: '200', path: 'a\\b"c\nd' })
  requests.add(2, { code: '200', path: 'a\\b"c\nd' })
  requests.add()
  const open = metrics.gauge('open', 'Open now.')
  open.set(5)
  open.add(-2)
  metrics.gaugeFrom('depth', 'Asked when read.', () => [
    [{ queue: 'a' }, 1],
    [{ queue: 'b' }, 2],
  ])
  assert.deepEqual(metrics.render().split('\n'), [
    '# HELP requests_total Requests\\nby code.',
    '# TYPE requests_total counter',
    'requests_total{code="200",path="a\\\\b\\"c\\nd"} 3',
    'requests_total 1',
    '# HELP open Open now.',
    '# TYPE open gauge',
    'open 3',
    '# HELP depth Asked when read.',
    '# TYPE depth gauge',
    'depth{queue="a"} 1',
    'depth{queue="b"} 2',
    '',
  ])
})

test('a histogram counts what is at most each bound', () => {
  const metrics = new Metrics()
  const seconds = metrics.histogram('seconds', 'Durations.', [0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 3]) seconds.observe(value, { verb: 'get' })
  const lines = metrics.render().split('\n')
  assert.deepEqual(lines.slice(2, 7), [
    'seconds_bucket{verb="get",le="0.1"} 2',
    'seconds_bucket{verb="get",le="1"} 3',
    'seconds_bucket{verb="get",le="+Inf"} 4',
    `seconds_sum{verb="get"} ${0.05 + 0.1 + 0.5 + 3}`,
    'seconds_count{verb="get"} 4',
  ])
})

test('the same name is the same metric, another type is a mistake', () => {
  const metrics = new Metrics()
  metrics.counter('things', 'Things.').add()
  metrics.counter('things', 'Things.').add()
  assert.match(metrics.render(), /^things 2$/m)
  assert.throws(() => metrics.gauge('things', 'Things.'), /already a counter/)
})
