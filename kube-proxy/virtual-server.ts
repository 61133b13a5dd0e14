/** Where a connection may end. */
export interface Backend {
  readonly address: string
  readonly port: number
}

/** One port of one Service as this node forwards it: pure data, IPv4. */
export interface VirtualServer {
  /** `namespace/name:port`, for people. */
  readonly name: string
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly port: number
  /** Cluster IPs. */
  readonly addresses: readonly string[]
  /** External IPs, and what a load balancer gave: from outside they lead to `externalBackends`, from pods and the node to `backends`. */
  readonly externalAddresses: readonly string[]
  readonly nodePort: number | undefined
  /** For connections to the addresses, from inside. */
  readonly backends: readonly Backend[]
  /** For connections from outside, through the node port or an external address. */
  readonly externalBackends: readonly Backend[]
  /** externalTrafficPolicy Local: the client's address is kept. */
  readonly keepsClientAddress: boolean
}
