import { familyOf } from '../../shared/addresses/ip-families.ts'
import { packetWords } from '../../shared/addresses/packet-words.ts'
import type { RunNft } from '../dataplane/run-nft.ts'

/** Rules of others that packets of Services meet, and what helps. Nothing of theirs is ever changed by us. */
export interface Conflict {
  readonly what: string
  readonly cure: string
}

interface ListedChain {
  readonly family: string
  readonly table: string
  readonly name: string
  readonly hook: string | undefined
  readonly policy: string | undefined
}

/** Other proxies' tables, and chains that drop what is forwarded unless something in their table names the pods' range. */
export async function foreignConflicts(nft: RunNft, clusterCidr: string): Promise<Conflict[]> {
  const chains = readChains(await nft(['-j', 'list', 'chains']))
  const conflicts = otherProxies(chains)
  const families = [packetWords(familyOf(clusterCidr)).header, 'inet']
  for (const chain of chains.filter((each) => families.includes(each.family) && isInTheWay(each))) {
    const rules = await nft(['list', 'table', chain.family, chain.table])
    if (!rules.includes(clusterCidr)) conflicts.push(inTheWay(chain, clusterCidr))
  }
  return conflicts
}

/** Pure: what `nft -j list chains` prints. */
function readChains(text: string): ListedChain[] {
  const listed: unknown = JSON.parse(text || '{}')
  const entries = field(listed, 'nftables')
  return (Array.isArray(entries) ? entries : []).flatMap((entry: unknown) => {
    const chain = field(entry, 'chain')
    const [family, table, name, hook, policy] = ['family', 'table', 'name', 'hook', 'policy'].map((key) => textOf(field(chain, key)))
    return family && table && name ? [{ family, table, name, hook, policy }] : []
  })
}

function otherProxies(chains: readonly ListedChain[]): Conflict[] {
  const found = new Set<string>()
  for (const { family, table, name } of chains) {
    if (table === 'kube-proxy') found.add(`table ${family} ${table}`)
    if (name === 'KUBE-SERVICES') found.add(`chain KUBE-SERVICES of table ${family} ${table}`)
  }
  return Array.from(found, (where) => ({
    what: `${where} is another Service proxy's: whichever rules come first lead cluster IPs`,
    cure: 'stop that proxy and let it clean up after itself (kube-proxy --cleanup)',
  }))
}

/** firewalld lets its chain accept by policy, and rejects in its last rule. */
const isInTheWay = ({ hook, policy, table }: ListedChain) => hook === 'forward' && (policy === 'drop' || table === 'firewalld')

function inTheWay({ family, table, name }: ListedChain, clusterCidr: string): Conflict {
  const what = `chain ${name} of table ${family} ${table} drops what it does not know: pods and Services are not reached through this node`
  if (table === 'firewalld')
    return { what, cure: `firewall-cmd --permanent --zone=trusted --add-source=${clusterCidr} && firewall-cmd --reload` }
  if (table === 'filter' && name === 'FORWARD') {
    const program = family === 'ip6' ? 'ip6tables' : 'iptables'
    return { what, cure: `${program} -I FORWARD -s ${clusterCidr} -j ACCEPT; ${program} -I FORWARD -d ${clusterCidr} -j ACCEPT` }
  }
  const ip = packetWords(familyOf(clusterCidr)).header
  return { what, cure: `nft insert rule ${family} ${table} ${name} ${ip} daddr ${clusterCidr} accept, and the same for ${ip} saddr` }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
