/** One answer as this server gives it; `data` by type: an address, a name, SRV fields, a text, or what a SOA says. */
export type DnsRecord =
  | { type: 'A' | 'AAAA'; name: string; data: string }
  | { type: 'CNAME' | 'NS' | 'PTR'; name: string; data: string }
  | { type: 'SRV'; name: string; data: { priority: number; weight: number; port: number; target: string } }
  | { type: 'TXT'; name: string; data: string }
  /** `times`: serial, refresh, retry, expire, minimum. */
  | { type: 'SOA'; name: string; data: { primary: string; mailbox: string; times: readonly number[] } }

/** What the cluster's own names answer. `missing`: no such name; `outside`: not ours to answer. */
export type ZoneAnswer =
  | { kind: 'found'; answers: readonly DnsRecord[]; additional: readonly DnsRecord[] }
  /** The name goes on elsewhere (ExternalName): the CNAME, then what is said of its target. */
  | { kind: 'elsewhere'; answers: readonly DnsRecord[]; target: string }
  | { kind: 'missing' }
  | { kind: 'outside' }

/** Seconds an answer may be kept (CoreDNS' default for the cluster). Also how long it may be remembered that there is none. */
export const TIME_TO_LIVE = 5

export function found(answers: readonly DnsRecord[], additional: readonly DnsRecord[] = []): ZoneAnswer {
  return { kind: 'found', answers, additional }
}

/** `A` or `AAAA` records of those addresses that are of the type asked for. `ANY` takes both (RFC 8482 lets us leave out the rest). */
export function addressRecords(name: string, addresses: Iterable<string>, type: string): DnsRecord[] {
  const records: DnsRecord[] = []
  for (const data of new Set(addresses)) {
    const own = data.includes(':') ? 'AAAA' : 'A'
    if (type === own || type === 'ANY') records.push({ type: own, name, data })
  }
  return records
}
