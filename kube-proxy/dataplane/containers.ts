import { type PacketWords, packetWords } from '../../shared/addresses/packet-words.ts'

/** Protocol and port, at any of the node's own addresses. */
const PORT = 'inet_proto . inet_service'
/** The type of a packet's priority, which carries the number of a backend from rule to rule (chains.ts). */
const NUMBER = 'classid'

/**
 * The maps and sets of the table whose elements are Services' data, and how each is declared. Explained in docs/networking.md. The name of a
 * map over node ports is that of the one over addresses with `node_` before it.
 *
 * Declared by `type`: of what is declared by `typeof` with a concatenated value, nft 1.0.6 cannot add another rule later.
 */
export function containers({ address }: PacketWords) {
  /** What a client asks for: address, protocol and port. */
  const DOOR = `${address} . inet_proto . inet_service`
  const BACKEND = `${address} . inet_service`
  return {
    services: `map services { type ${DOOR} : verdict; }`,
    externals: `map externals { type ${DOOR} : verdict; }`,
    endpoints: `map endpoints { type ${DOOR} . ${NUMBER} : ${BACKEND}; }`,
    choices: `map choices { type ${DOOR} . ${NUMBER} : ${NUMBER}; }`,
    alive: `map alive { type ${DOOR} . ${NUMBER} : verdict; }`,
    kept_alive: `map kept_alive { type ${DOOR} . ${NUMBER} : verdict; }`,
    refused: `map refused { type ${DOOR} : verdict; }`,
    node_services: `map node_services { type ${PORT} : verdict; }`,
    node_externals: `map node_externals { type ${PORT} : verdict; }`,
    node_endpoints: `map node_endpoints { type ${PORT} . ${NUMBER} : ${BACKEND}; }`,
    node_choices: `map node_choices { type ${PORT} . ${NUMBER} : ${NUMBER}; }`,
    node_alive: `map node_alive { type ${PORT} . ${NUMBER} : verdict; }`,
    node_kept_alive: `map node_kept_alive { type ${PORT} . ${NUMBER} : verdict; }`,
    node_refused: `map node_refused { type ${PORT} : verdict; }`,
    hairpin: `set hairpin { type ${address} . ${address}; }`,
    cluster_ips: `set cluster_ips { type ${address}; }`,
    restricted: `set restricted { type ${DOOR}; }`,
    allowed: `set allowed { type ${DOOR} . ${address}; flags interval; }`,
  } as const
}

export type Container = keyof ReturnType<typeof containers>

export const CONTAINER_NAMES = Object.keys(containers(packetWords('IPv4'))) as readonly Container[]

/** Keyed by what the client asks for: where Services are looked up by address, and by the node's port. */
export function lookups({ header }: PacketWords) {
  return { '': `${header} daddr . meta l4proto . th dport`, node_: 'meta l4proto . th dport' } as const
}
export type Prefix = keyof ReturnType<typeof lookups>
