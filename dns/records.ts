/** One answer as this server gives it; `data` by type: an address, a name, SRV fields, or texts. */
export type DnsRecord =
  | { type: 'A'; name: string; data: string }
  | { type: 'CNAME' | 'PTR'; name: string; data: string }
  | { type: 'SRV'; name: string; data: { priority: number; weight: number; port: number; target: string } }
  | { type: 'TXT'; name: string; data: string }

/** What the cluster's own names answer. `missing`: no such name; `outside`: not ours to answer. */
export type ZoneAnswer =
  | { kind: 'found'; answers: DnsRecord[]; additional: DnsRecord[] }
  /** The name goes on outside the cluster (ExternalName): the CNAME, then what upstream says. */
  | { kind: 'elsewhere'; answers: DnsRecord[]; target: string }
  | { kind: 'missing' }
  | { kind: 'outside' }

/** Seconds an answer may be kept (CoreDNS' default for the cluster). */
export const TIME_TO_LIVE = 5
