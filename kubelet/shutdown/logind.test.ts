import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { busPeer } from '../../test/harness/bus-peer.ts'
import { soon } from '../../test/harness/soon.ts'
import { logind, readSignal } from './logind.ts'

const LOGIND = '/lib/systemd/systemd-logind'
const programs = [LOGIND, '/usr/bin/dbus-daemon', '/usr/bin/busctl', '/usr/bin/systemd-inhibit']
const missing = programs.filter((path) => !existsSync(path))
const skip = missing.length > 0 || process.getuid?.() !== 0 ? `needs root and ${programs.join(', ')}` : false

/** A real logind on a bus of its own. Of systemd there is only somebody who says that a power-off is possible, and then refuses it. */
async function machine(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'coxswain-bus-'))
  const path = join(folder, 'bus')
  writeFileSync(
    join(folder, 'bus.conf'),
    `<busconfig><type>system</type><listen>unix:path=${path}</listen><auth>EXTERNAL</auth><policy context="default"><allow user="*"/>
<allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy></busconfig>`,
  )
  const bus = `unix:path=${path}`
  const env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: bus }
  const daemon = spawn('dbus-daemon', [`--config-file=${join(folder, 'bus.conf')}`, '--nofork', '--nopidfile'], { stdio: 'ignore' })
  const end = new AbortController()
  const children = [daemon]
  t.after(async () => {
    end.abort()
    leave?.()
    for (const child of children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill()
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  })
  let leave: (() => void) | undefined
  await soon(() => assert.ok(existsSync(path)))
  leave = await busPeer(path, 'org.freedesktop.systemd1', 'loaded', ['StartUnit'])
  children.push(spawn(LOGIND, { env, stdio: 'ignore' }))
  // Not in one go with this process, which is the other peer on the bus.
  const call = async (method: string, ...args: string[]) => {
    const target = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager', method, ...args]
    return (await promisify(execFile)('busctl', ['--system', 'call', ...target], { env })).stdout
  }
  await soon(async () => assert.match(await call('ListInhibitors'), /^a\(/))
  return { bus, signal: end.signal, call, locks: async () => ((await call('ListInhibitors')).match(/"kubelet"/g) ?? []).length }
}

test('a real logind waits for the pods, and its change of mind is heard', { skip }, async (t) => {
  const { bus, signal, call, locks } = await machine(t)
  const pods = Promise.withResolvers<void>()
  const heard: string[] = []
  const allowDelay = async () => assert.fail('two seconds are allowed by default')
  const following = logind({ bus, delay: 2_000, allowDelay }).follow(
    () => {
      heard.push('shutdown')
      return pods.promise
    },
    () => heard.push('cancelled'),
    signal,
  )
  following.catch(() => undefined)
  await soon(async () => assert.equal(await locks(), 1))
  await call('PowerOff', 'b', 'false')
  await soon(() => assert.deepEqual(heard, ['shutdown']))
  assert.equal(await locks(), 1, 'the machine waits')
  pods.resolve()
  // Nobody holds it up any more, systemd refuses, and so it does not go down.
  await soon(() => assert.deepEqual(heard, ['shutdown', 'cancelled']))
  await soon(async () => assert.equal(await locks(), 1, 'the next shutdown waits again'))
})

test('a logind that waits for less than is needed is asked for more, and told of when it does not', { skip }, async (t) => {
  const { bus, signal, locks } = await machine(t)
  const asked: number[] = []
  const source = logind({ bus, delay: 60_000, allowDelay: async (milliseconds) => void asked.push(milliseconds) })
  await assert.rejects(
    source.follow(
      async () => {},
      () => {},
      signal,
    ),
    /lets a shutdown wait for 5 s \(InhibitDelayMaxSec\), not 60 s/,
  )
  assert.deepEqual(asked, [60_000])
  assert.equal(await locks(), 0)
})

test('lines of busctl that are no such signal say nothing', () => {
  assert.equal(readSignal('Monitoring bus message stream.'), undefined)
  assert.equal(readSignal('{"member":"PrepareForSleep","payload":{"data":[true]}}'), undefined)
  assert.equal(readSignal('{"member":"PrepareForShutdown","payload":{"data":["yes"]}}'), undefined)
  assert.equal(readSignal('{"member":"PrepareForShutdown","payload":{"type":"b","data":[true]}}'), true)
})
