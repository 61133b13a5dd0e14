import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Logger, silentLogger } from '../../shared/logging/logger.ts'
import { Metrics } from '../../shared/metrics/metrics.ts'
import { realClock } from '../../shared/time/clock.ts'
import { AuditLog, type AuditLogMode } from './audit-log.ts'
import { AuditMetrics } from './audit-metrics.ts'
import { RotatingFile } from './rotating-file.ts'

/** An output that a test lets go on. */
function scene(mode: AuditLogMode, capacity = 100) {
  const written: string[] = []
  const gates: PromiseWithResolvers<void>[] = []
  const output = {
    async append(bytes: Buffer) {
      const gate = Promise.withResolvers<void>()
      gates.push(gate)
      await gate.promise
      written.push(bytes.toString())
    },
    close: async () => {},
  }
  const told: string[] = []
  const log: Logger = {
    ...silentLogger(),
    error: (text) => told.push(text),
    warn: (text, fields) => told.push(`${text} ${JSON.stringify(fields)}`),
  }
  const metrics = new Metrics()
  const sink = new AuditLog({ output, mode, capacity, metrics: new AuditMetrics(metrics), log })
  /** Long enough for the next write to begin. */
  const turn = async () => {
    for (let count = 0; count < 3; count++) await new Promise((resolve) => setImmediate(resolve))
  }
  const counted = (name: string) => new RegExp(`^apiserver_audit_${name}(?:{[^}]*})? (\\d+)$`, 'm').exec(metrics.render())?.[1]
  return { sink, written, gates, told, turn, counted }
}

test('events that wait are written together, in order', async () => {
  const { sink, written, gates, turn } = scene('batch')
  assert.equal(sink.write('a\n'), undefined)
  sink.write('b\n')
  await turn()
  sink.write('c\n')
  sink.write('d\n')
  gates[0]!.resolve()
  await turn()
  gates[1]!.resolve()
  await sink.close()
  assert.deepEqual(written, ['a\nb\n', 'c\nd\n'])
})

test('one too many is lost and counted, and said once until events are written again', async () => {
  const { sink, written, gates, told, turn, counted } = scene('batch', 2)
  for (const event of ['a', 'b', 'c', 'd']) sink.write(event)
  assert.equal(counted('error_total'), '2')
  assert.equal(counted('event_total'), '4')
  await turn()
  gates[0]!.resolve()
  await sink.close()
  assert.deepEqual(written, ['ab'])
  assert.deepEqual(told, ['audit events are lost: they cannot be written', 'audit events are written again {"lost":2}'])
})

test('few large events are too many, too', () => {
  const { sink, counted } = scene('batch')
  const large = 'x'.repeat(30 * 1024 * 1024)
  for (const event of [large, large, large]) sink.write(event)
  assert.equal(counted('error_total'), '1')
})

test('who waits learns that an event is written, or, where it is strict, that it is not', async () => {
  for (const mode of ['blocking', 'blocking-strict'] as const) {
    const { sink, gates, turn } = scene(mode)
    const first = sink.write('a')
    await turn()
    const second = sink.write('b')
    gates[0]!.reject(new Error('no space'))
    assert.equal(await first, mode === 'blocking')
    await turn()
    gates[1]!.resolve()
    assert.equal(await second, true)
  }
})

test('a full disk loses events and nothing else', async (context) => {
  const keeping = { maxAge: 0, maxBackups: 0, compress: false }
  const output = new RotatingFile({ path: '/dev/full', maxBytes: 100, keeping, clock: realClock(), log: silentLogger() })
  await output.open()
  const metrics = new Metrics()
  const sink = new AuditLog({ output, mode: 'blocking-strict', capacity: 10, metrics: new AuditMetrics(metrics), log: silentLogger() })
  context.after(() => sink.close())
  assert.equal(await sink.write('a\n'), false)
  assert.equal(await sink.write('b\n'), false)
  assert.match(metrics.render(), /apiserver_audit_error_total\{plugin="log"\} 2/)
})
