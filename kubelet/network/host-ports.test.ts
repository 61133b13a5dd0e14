/** Ports of a node that lead to pods, with the plugins that a node uses and real packets. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { HostPort } from '../../shared/pods/host-ports.ts'
import { realClock } from '../../shared/time/clock.ts'
import { type LabHost, NetworkLab } from '../../test/harness/network-lab.ts'
import { cniNetwork } from './cni-network.ts'
import type { PodNetwork } from './pod-network.ts'

const { signal } = new AbortController()
const [NODE, SECOND, OUTSIDE] = ['172.31.83.1', '172.31.83.7', '172.31.83.2']

describe('host ports', () => {
  const lab = new NetworkLab(17)
  const folder = mkdtempSync(join(tmpdir(), 'host-ports-'))
  let node: LabHost
  let outside: LabHost
  let other: LabHost
  let network: PodNetwork

  const namespaceOf = async (host: LabHost) => (await host.run(['ip', 'netns', 'identify'])).trim()
  /** A pod of the node, wired as the kubelet does it, that answers with its name on 8080. */
  async function wire(name: string, hostPorts: HostPort[]): Promise<LabHost> {
    const pod = await lab.node('', name)
    const netns = `/run/netns/${await namespaceOf(pod)}`
    await network.attach({ id: name, pod: { namespace: 'default', name, uid: name }, hostPorts }, netns, signal)
    await pod.serve()
    return pod
  }
  const to = (hostPort: number, more: Partial<HostPort> = {}): HostPort => ({ hostPort, containerPort: 8080, protocol: 'TCP', ...more })
  const ask = async (from: LabHost, address: string, port: number, protocol: 'tcp' | 'udp' = 'tcp') =>
    (await from.ask(protocol, address, port))[0]?.split(' ')[0]

  before(async () => {
    node = await lab.node(NODE)
    outside = await lab.outsider(node, 'out', OUTSIDE)
    await node.run(['ip', 'addr', 'add', `${SECOND}/24`, 'dev', 'uplink'])
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    // The node is a namespace here: its plugins are run in it.
    for (const plugin of ['ptp', 'portmap']) {
      const path = join(bin, plugin)
      writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${await namespaceOf(node)} /usr/lib/cni/${plugin}\n`)
      chmodSync(path, 0o755)
    }
    network = cniNetwork({
      ...{ configDir: join(folder, 'none'), pluginDirs: [bin, '/usr/lib/cni'], stateDir: join(folder, 'state') },
      ...{ podRange: () => '10.88.1.0/24', mtu: 1450, clock: realClock(), log: silentLogger() },
    })
    const loopback = to(9002, { hostIP: '127.0.0.1' })
    await wire('one', [to(9000), to(9001, { hostIP: SECOND }), loopback, to(9003, { protocol: 'UDP' })])
    other = await wire('other', [to(9001, { hostIP: NODE }), to(9003)])
  })
  after(async () => {
    await lab.close()
    rmSync(folder, { recursive: true })
  })

  it('lead from every address of the node, from outside, from another pod and from the node itself', async () => {
    for (const from of [outside, other, node]) {
      for (const address of [NODE, SECOND]) assert.equal(await ask(from, address, 9000), 'one', `${from.name} → ${address}`)
    }
    assert.equal(await ask(node, '127.0.0.1', 9000), 'one')
  })

  it('show the pod who asks', async () => {
    assert.deepEqual(await outside.ask('tcp', NODE, 9000), [`one ${OUTSIDE}`])
  })

  it('with an address lead from that one alone, and another pod has the port on another', async () => {
    assert.equal(await ask(outside, SECOND, 9001), 'one')
    assert.equal(await ask(outside, NODE, 9001), 'other')
    assert.equal(await ask(node, '127.0.0.1', 9001), 'ECONNREFUSED')
  })

  it('on loopback lead from the node itself alone', async () => {
    assert.equal(await ask(node, '127.0.0.1', 9002), 'one')
    assert.equal(await ask(outside, NODE, 9002), 'ECONNREFUSED')
  })

  it('of one number are two, one of each protocol', async () => {
    assert.equal(await ask(outside, NODE, 9003, 'udp'), 'one')
    assert.equal(await ask(outside, NODE, 9003, 'tcp'), 'other')
  })

  it('go with their pod, and those of others stay', async () => {
    await network.detach('other', undefined)
    assert.equal(await ask(outside, NODE, 9003, 'tcp'), 'ECONNREFUSED')
    assert.equal(await ask(outside, NODE, 9001), 'ECONNREFUSED')
    assert.equal(await ask(outside, NODE, 9003, 'udp'), 'one')
  })
})
