/** Where a connection may end. */
export interface Backend {
  readonly address: string
  readonly port: number
}

/** One port of one Service as this node forwards it, of one family: pure data. */
export interface VirtualServer {
  /** `namespace/name:port`, for people. */
  readonly name: string
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly port: number
  /** The cluster IP of the family. */
  readonly addresses: readonly string[]
  /** External IPs, and what a load balancer gave. */
  readonly externalAddresses: readonly string[]
  readonly nodePort: number | undefined
  /** For connections to the cluster IPs: internalTrafficPolicy has been at work. */
  readonly backends: readonly Backend[]
  /** For connections from pods and the node to the node port and external addresses: what no policy has been at work on. */
  readonly clusterBackends: readonly Backend[]
  /** For connections from outside, through the node port or an external address: externalTrafficPolicy has been at work. */
  readonly externalBackends: readonly Backend[]
  /** externalTrafficPolicy Local: the client's address is kept. */
  readonly keepsClientAddress: boolean
  /** Session affinity: how many seconds after its last connection a client is still led to the same backend. */
  readonly affinitySeconds: number | undefined
  /** External addresses that only these sources may connect to; undefined where everybody may. */
  readonly restricted: { readonly addresses: readonly string[]; readonly sources: readonly string[] } | undefined
}
