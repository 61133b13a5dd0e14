import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cniNetwork } from '../../kubelet/network/cni-network.ts'
import type { NetworkSandbox, PodNetwork } from '../../kubelet/network/pod-network.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { realClock } from '../../shared/time/clock.ts'
import type { LabHost, NetworkLab } from './network-lab.ts'

const PLUGINS = '/usr/lib/cni'
const namespaceOf = async (host: LabHost) => (await host.run(['ip', 'netns', 'identify'])).trim()

/** The kubelet's own network, with real plugins, on a node that is a namespace of a lab. */
export interface CniLab {
  readonly network: PodNetwork
  /** A pod of the node, wired as the kubelet does it; the namespace goes with the lab. */
  wire(name: string, wish?: Partial<Pick<NetworkSandbox, 'hostPorts' | 'bandwidth'>>): Promise<LabHost>
  /** Removes files; the namespaces are the lab's. */
  close(): void
}

/** @param podRanges of the node: what its pods get their addresses from */
export async function cniLab(lab: NetworkLab, node: LabHost, podRanges: readonly string[] = ['10.88.1.0/24']): Promise<CniLab> {
  const folder = mkdtempSync(join(tmpdir(), 'cni-lab-'))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  // The node is a namespace here: its plugins are run in it.
  for (const plugin of ['ptp', 'portmap']) {
    const path = join(bin, plugin)
    writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${await namespaceOf(node)} ${PLUGINS}/${plugin}\n`)
    chmodSync(path, 0o755)
  }
  const network = cniNetwork({
    ...{ configDir: join(folder, 'none'), pluginDirs: [bin, PLUGINS], stateDir: join(folder, 'state') },
    ...{ podRanges: () => podRanges, mtu: 1450, clock: realClock(), log: silentLogger() },
    run: (program, args) => node.run([program, ...args]),
  })
  return {
    network,
    async wire(name, { hostPorts = [], bandwidth } = {}) {
      const pod = await lab.node('', name)
      const sandbox = { id: name, pod: { namespace: 'default', name, uid: name }, hostPorts, bandwidth }
      const [address = ''] = await network.attach(sandbox, `/run/netns/${await namespaceOf(pod)}`, new AbortController().signal)
      return { ...pod, address }
    },
    close: () => rmSync(folder, { recursive: true }),
  }
}
