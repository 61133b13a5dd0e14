/** Ports of a node that lead to pods, with the plugins that a node uses and real packets. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { HostPort } from '../../shared/pods/host-ports.ts'
import { type CniLab, cniLab } from '../../test/harness/cni-lab.ts'
import { type LabHost, NetworkLab } from '../../test/harness/network-lab.ts'

const [NODE, SECOND, OUTSIDE] = ['172.31.83.1', '172.31.83.7', '172.31.83.2']

describe('host ports', () => {
  const lab = new NetworkLab(17)
  let node: LabHost
  let outside: LabHost
  let other: LabHost
  let wired: CniLab

  /** A pod of the node that answers with its name on 8080. */
  async function wire(name: string, hostPorts: HostPort[]): Promise<LabHost> {
    const pod = await wired.wire(name, { hostPorts })
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
    wired = await cniLab(lab, node)
    const loopback = to(9002, { hostIP: '127.0.0.1' })
    await wire('one', [to(9000), to(9001, { hostIP: SECOND }), loopback, to(9003, { protocol: 'UDP' })])
    other = await wire('other', [to(9001, { hostIP: NODE }), to(9003)])
  })
  after(async () => {
    await lab.close()
    wired.close()
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
    await wired.network.detach('other', undefined)
    assert.equal(await ask(outside, NODE, 9003, 'tcp'), 'ECONNREFUSED')
    assert.equal(await ask(outside, NODE, 9001), 'ECONNREFUSED')
    assert.equal(await ask(outside, NODE, 9003, 'udp'), 'one')
  })
})
