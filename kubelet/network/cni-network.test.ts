import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { realClock } from '../../shared/time/clock.ts'
import { defaultNetwork, parseNetwork } from './cni-config.ts'
import { cniNetwork } from './cni-network.ts'

const { signal } = new AbortController()
const pod = { namespace: 'n', name: 'p', uid: 'u' }

/** Plugins that are shell scripts: each writes what it was asked, and answers as told. */
function bench(context: TestContext, scripts: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'cni-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const [configDir, bin, stateDir, asked] = ['net.d', 'bin', 'state', 'asked'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ]
  for (const path of [configDir, bin]) mkdirSync(path)
  writeFileSync(asked, '')
  for (const [name, answer] of Object.entries(scripts)) {
    const path = join(bin, name)
    writeFileSync(path, `#!/bin/sh\ninput=$(cat)\necho "$CNI_COMMAND ${name} $CNI_NETNS $input" >> ${asked}\n${answer}\n`)
    chmodSync(path, 0o755)
  }
  const list = {
    cniVersion: '0.4.0',
    name: 'lab',
    plugins: Object.keys(scripts).map((type) => ({ type, ...(type === 'portmap' ? { capabilities: { portMappings: true } } : {}) })),
  }
  writeFileSync(join(configDir, '10-lab.conflist'), JSON.stringify(list))
  const open = () =>
    cniNetwork({ configDir, pluginDirs: [bin], stateDir, podRanges: () => [], mtu: 1500, clock: realClock(), log: silentLogger() })
  return {
    ...{ open, stateDir, configDir },
    network: open(),
    calls: () =>
      readFileSync(asked, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [command, plugin, netns, ...input] = line.split(' ')
          return { command, plugin, netns, input: JSON.parse(input.join(' ')) as Record<string, unknown> }
        }),
    names: () => readdirSync(join(stateDir, 'attachments')),
  }
}

const ADDRESS = `[ $CNI_COMMAND = DEL ] || echo '{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.9.0.2/24"}]}'`
const PASS = `[ $CNI_COMMAND = DEL ] || echo "$input" | sed 's/.*"prevResult":\\(.*\\)}$/\\1/'`
const FAIL = `[ $CNI_COMMAND = DEL ] && exit 0; echo '{"code":11,"msg":"no room","details":"at all"}'; exit 1`

test('plugins run in order, each with the result before it, and are undone in the reverse order', async (context) => {
  const { network, calls, names } = bench(context, { main: ADDRESS, after: PASS })
  assert.deepEqual(await network.attach({ id: 's1', pod, hostPorts: [] }, '/proc/1/ns/net', signal), ['10.9.0.2'])
  assert.deepEqual(await network.addresses('s1'), ['10.9.0.2'])
  await network.detach('s1', undefined)
  await network.detach('s1', undefined)
  assert.deepEqual(
    calls().map(({ command, plugin, netns }) => `${command} ${plugin} ${netns}`),
    ['ADD main /proc/1/ns/net', 'ADD after /proc/1/ns/net', 'DEL after ', 'DEL main '],
  )
  const [, second, third] = calls()
  assert.deepEqual(second?.input['prevResult'], { cniVersion: '0.4.0', ips: [{ version: '4', address: '10.9.0.2/24' }] })
  assert.equal(second?.input['name'], 'lab')
  assert.ok(third?.input['prevResult'], 'an undo knows the result')
  assert.deepEqual(names(), [])
  assert.equal(await network.addresses('s1'), undefined)
})

test('what a failing plugin left half done is undone at once', async (context) => {
  const { network, calls, names } = bench(context, { main: ADDRESS, broken: FAIL })
  await assert.rejects(network.attach({ id: 's1', pod, hostPorts: [] }, '/ns', signal), {
    message: 'plugin type="broken" failed (add): no room; at all',
    code: 11,
  })
  assert.deepEqual(
    calls().map(({ command, plugin }) => `${command} ${plugin}`),
    ['ADD main', 'ADD broken', 'DEL broken', 'DEL main'],
  )
  assert.deepEqual(names(), [])
})

test('ports are mapped only where there are some', async (context) => {
  const { network, calls } = bench(context, { main: ADDRESS, portmap: PASS })
  await network.attach({ id: 's1', pod, hostPorts: [] }, '/ns', signal)
  await network.attach({ id: 's2', pod, hostPorts: [{ hostPort: 8080, containerPort: 80, protocol: 'TCP' }] }, '/ns', signal)
  assert.deepEqual(
    calls().map(({ plugin }) => plugin),
    ['main', 'main', 'portmap'],
  )
  assert.deepEqual(calls()[2]?.input['runtimeConfig'], { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }] })
})

test('a connection outlives the kubelet, and a dead sandbox is undone by the next one', async (context) => {
  const { network, open, calls, stateDir } = bench(context, { main: ADDRESS })
  await network.attach({ id: 'living', pod, hostPorts: [] }, '/ns', signal)
  await network.attach({ id: 'dead', pod, hostPorts: [] }, '/ns', signal)
  const lost = join(stateDir, 'addresses', 'lab')
  mkdirSync(lost, { recursive: true })
  writeFileSync(join(lost, '10.9.0.7'), 'dead\r\neth0')
  writeFileSync(join(lost, '10.9.0.8'), 'living\r\neth0')
  writeFileSync(join(lost, 'last_reserved_ip.0'), '10.9.0.8')
  const next = open()
  await next.reclaim(new Set(['living']))
  assert.deepEqual(await next.addresses('living'), ['10.9.0.2'])
  assert.equal(await next.addresses('dead'), undefined)
  assert.equal(calls().at(-1)?.command, 'DEL')
  assert.deepEqual(readdirSync(lost).sort(), ['10.9.0.8', 'last_reserved_ip.0'])
})

test('an interrupted attachment is not taken for a connection, and is undone', async (context) => {
  const { network, open, calls } = bench(context, { main: `[ $CNI_COMMAND = DEL ] || kill -9 $$` })
  await assert.rejects(network.attach({ id: 's1', pod, hostPorts: [] }, '/ns', signal))
  assert.equal(await open().addresses('s1'), undefined)
  assert.deepEqual(
    calls().map(({ command }) => command),
    ['ADD', 'DEL'],
  )
})

test('without any configuration the node needs a pod range', async (context) => {
  const { network, configDir } = bench(context, { main: ADDRESS })
  assert.equal(await network.problem(), undefined)
  rmSync(join(configDir, '10-lab.conflist'))
  assert.equal(await network.problem(), 'network is not ready: this node has no pod range yet')
  writeFileSync(join(configDir, '10-lab.conflist'), '{"name":7}')
  assert.match((await network.problem()) ?? '', /10-lab\.conflist cannot be used: cniVersion and name must be texts/)
})

test('configurations: a list, a single plugin, and what is neither', () => {
  assert.equal(parseNetwork({ cniVersion: '1.0.0', name: 'a', type: 'bridge' }).plugins[0]?.type, 'bridge')
  assert.equal(parseNetwork({ cniVersion: '1.0.0', name: 'a', plugins: [{ type: 'x' }, { type: 'y' }] }).plugins.length, 2)
  for (const bad of [7, {}, { name: 'a', plugins: [] }, { name: 'a', plugins: [{}] }, { name: 'a', plugins: [{ type: '../../bin/sh' }] }]) {
    assert.throws(() => parseNetwork(bad), JSON.stringify(bad))
  }
  const own = defaultNetwork({ podRanges: ['10.244.1.0/24'], mtu: 1450, ipamDir: '/run/x' })
  assert.deepEqual(
    own.plugins.map(({ type }) => type),
    ['ptp', 'portmap'],
  )
  assert.equal(own.plugins[0]?.['mtu'], 1450)
})
