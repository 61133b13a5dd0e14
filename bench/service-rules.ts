// How long the data plane takes for Services of two endpoints, in full and for one change, in a network namespace of its own; beside nft filling
// one bare map with as many elements. Then whether a change costs what exists, and what session affinity costs. Needs root and nft.
import { NftablesDataplane } from '../kube-proxy/dataplane/nftables.ts'
import type { VirtualServer } from '../kube-proxy/virtual-server.ts'
import { PLACE, virtualServer } from '../test/harness/dataplane-lab.ts'
import { NetworkLab } from '../test/harness/network-lab.ts'

const SERVICES = 10_000
const CHANGES = 11

const address = (index: number) => `10.${96 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
const backend = (index: number) => ({ address: `10.244.${(index >> 8) & 255}.${index & 255}`, port: 8080 })

function servers(index: number, shift: number, affinitySeconds: number | undefined): VirtualServer[] {
  const backends = [backend(index + shift), backend(index + 7 + shift)]
  const all = { backends, clusterBackends: backends, externalBackends: backends }
  return [virtualServer({ name: `default/s${index}:http`, addresses: [address(index)], nodePort: undefined, affinitySeconds, ...all })]
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

const median = (numbers: number[]) => numbers.sort((left, right) => left - right)[numbers.length >> 1] ?? 0

const lab = new NetworkLab(9)
const host = await lab.node('172.31.78.1')
const settings = { table: 'coxswain', family: 'IPv4', clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/14' } as const

/** A table of so many Services: how long it takes at first, again, and for one change of one of them. */
async function table(count: number, affinitySeconds?: number) {
  const plane = new NftablesDataplane(settings, (args, input) => host.run(['nft', ...args], input))
  const all = new Map(Array.from({ length: count }, (_, index) => [`default/s${index}`, servers(index, 0, affinitySeconds)] as const))
  const first = await milliseconds(() => plane.replace(all, PLACE))
  const again = await milliseconds(() => plane.replace(all, PLACE))
  const changes: number[] = []
  for (let index = 0; index < CHANGES; index += 1) {
    changes.push(await milliseconds(() => plane.update(new Map([[`default/s${index}`, servers(index, 1_000, affinitySeconds)]]))))
  }
  await plane.remove()
  return { first, again, change: median(changes) }
}

try {
  const elements = Array.from({ length: 3 * SERVICES }, (_, index) => `${address(index)} : ${backend(index).address}`).join(', ')
  const bare = `table ip bare { map m { type ipv4_addr : ipv4_addr; }; }\nadd element ip bare m { ${elements} }\n`
  const bareTime = await milliseconds(() => host.run(['nft', '-f', '-'], bare))
  await host.run(['nft', 'delete', 'table', 'ip', 'bare'])
  const nothings: number[] = []
  for (let index = 0; index < CHANGES; index += 1) nothings.push(await milliseconds(() => host.run(['nft', 'list', 'tables'])))
  const nothing = median(nothings)

  const all = await table(SERVICES)
  console.log(`service rules, ${SERVICES} Services of two endpoints`)
  console.log(`  nft fills a bare map of ${3 * SERVICES} elements   ${bareTime.toFixed(0)} ms`)
  console.log(`  nft does nothing                       ${nothing.toFixed(1)} ms`)
  console.log(`  all Services, first                    ${all.first.toFixed(0)} ms   ${(all.first / bareTime).toFixed(1)} × the bare map`)
  console.log(`  all Services, replaced                 ${all.again.toFixed(0)} ms   ${(all.again / bareTime).toFixed(1)} × the bare map`)
  console.log(
    `  one Service changed (median of ${CHANGES})     ${all.change.toFixed(1)} ms   ${(all.change / nothing).toFixed(1)} × doing nothing`,
  )
  const few = await table(100)
  const many = await table(30_000)
  console.log(
    `  … of 100 / 30,000 Services             ${few.change.toFixed(1)} / ${many.change.toFixed(1)} ms   ${(many.change / few.change).toFixed(2)} ×`,
  )
  console.log(`  30,000 Services, first                 ${many.first.toFixed(0)} ms`)
  const sticky = await table(SERVICES, 10_800)
  console.log(
    `  ${SERVICES} with session affinity, first     ${sticky.first.toFixed(0)} ms   ${(sticky.first / all.first).toFixed(1)} × without`,
  )
  console.log(
    `  one of them changed                    ${sticky.change.toFixed(1)} ms   ${(sticky.change / all.change).toFixed(1)} × without`,
  )
} finally {
  await lab.close()
}
