// How long the data plane takes for 10,000 Services of two endpoints, in full and for one change, in a network namespace of
// its own; beside nft filling one bare map with as many elements. Needs root and nft.
import { NftablesDataplane } from '../kube-proxy/dataplane/nftables.ts'
import type { VirtualServer } from '../kube-proxy/virtual-server.ts'
import { NetworkLab } from '../test/harness/network-lab.ts'

const SERVICES = 10_000

const address = (index: number) => `10.96.${index >> 8}.${index & 255}`
const backend = (index: number) => ({ address: `10.244.${(index >> 8) & 255}.${index & 255}`, port: 8080 })
const servers = (index: number, shift = 0): VirtualServer[] => {
  const backends = [backend(index + shift), backend(index + 7 + shift)]
  return [
    {
      name: `default/s${index}:http`,
      protocol: 'tcp',
      port: 80,
      addresses: [address(index)],
      externalAddresses: [],
      nodePort: undefined,
      backends,
      externalBackends: backends,
      keepsClientAddress: false,
    },
  ]
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

const lab = new NetworkLab(9)
const host = await lab.node('172.31.78.1')
try {
  const elements = Array.from({ length: 3 * SERVICES }, (_, index) => `${address(index)} : ${backend(index).address}`).join(', ')
  const bare = `table ip bare { map m { type ipv4_addr : ipv4_addr; }; }\nadd element ip bare m { ${elements} }\n`
  const bareTime = await milliseconds(() => host.run(['nft', '-f', '-'], bare))
  await host.run(['nft', 'delete', 'table', 'ip', 'bare'])
  const nothing = await milliseconds(() => host.run(['nft', 'list', 'tables']))

  const plane = new NftablesDataplane({ table: 'coxswain', clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16' }, async (text) => {
    await host.run(['nft', '-f', '-'], text)
  })
  const all = new Map(Array.from({ length: SERVICES }, (_, index) => [`default/s${index}`, servers(index)] as const))
  const first = await milliseconds(() => plane.replace(all))
  const again = await milliseconds(() => plane.replace(all))
  const changes: number[] = []
  for (let index = 0; index < 11; index += 1) {
    changes.push(await milliseconds(() => plane.update(new Map([[`default/s${index}`, servers(index, 1_000)]]))))
  }
  const change = changes.sort((left, right) => left - right)[5] ?? 0
  console.log(`service rules, ${SERVICES} Services of two endpoints`)
  console.log(`  nft fills a bare map of ${3 * SERVICES} elements   ${bareTime.toFixed(0)} ms`)
  console.log(`  nft does nothing                       ${nothing.toFixed(1)} ms`)
  console.log(`  all Services, first                    ${first.toFixed(0)} ms   ${(first / bareTime).toFixed(1)} × the bare map`)
  console.log(`  all Services, replaced                 ${again.toFixed(0)} ms   ${(again / bareTime).toFixed(1)} × the bare map`)
  console.log(`  one Service changed (median of 11)     ${change.toFixed(1)} ms   ${(change / nothing).toFixed(1)} × doing nothing`)
} finally {
  await lab.close()
}
