import { CommandError, type RunCommand } from '../command.ts'
import { linkAddresses, linkOf } from './links.ts'

/** Our mark on addresses, so that only ours are ever removed. */
const LABEL = 'lo:announced'
/** How often neighbours are told, a second apart: each time may be lost. */
const TIMES = '3'

/**
 * Puts addresses where the kernel answers ARP for them, and tells the neighbours. They lie on the loopback interface: the kernel answers for an
 * address of any interface on every link, and on that one nobody takes it for an address of the machine. What arrives for such an address and
 * is no Service's port is refused, for else it would reach what listens on the node.
 */
export class AddressHolder {
  readonly #run: RunCommand
  readonly #table: string
  #held: ReadonlySet<string> = new Set()

  /** @param table the nftables table of these rules; ours alone */
  constructor(run: RunCommand, table: string) {
    this.#run = run
    this.#table = table
  }

  get held(): ReadonlySet<string> {
    return this.#held
  }

  /**
   * Takes over what an earlier process left; the next `hold` removes what is not wanted.
   * @returns what may keep the kernel from answering, in a sentence
   */
  async begin(): Promise<string | undefined> {
    const left = (await linkAddresses(this.#run)).filter(({ label }) => label === LABEL)
    this.#held = new Set(left.map(({ address }) => address))
    await this.#run(['nft', '-f', '-'], guard(this.#table, this.#held))
    const ignores = Number((await this.#run(['sysctl', '-n', 'net.ipv4.conf.all.arp_ignore'])).trim())
    return ignores > 0 ? `net.ipv4.conf.all.arp_ignore is ${ignores}: neighbours get no answer; set it to 0` : undefined
  }

  /**
   * Holds these addresses and no others; those that are on no link of this machine are left out.
   * @returns what was added, with its link, and what was left out
   */
  async hold(wanted: ReadonlySet<string>): Promise<{ added: Map<string, string>; unreachable: string[] }> {
    const links = await linkAddresses(this.#run)
    // Looked up, not remembered: somebody may have taken one away.
    this.#held = new Set(links.filter(({ label }) => label === LABEL).map(({ address }) => address))
    const places = new Map([...wanted].map((address) => [address, linkOf(address, links)] as const))
    const unreachable = [...wanted].filter((address) => places.get(address) === undefined)
    const added = new Map<string, string>()
    for (const address of this.#held) if (places.get(address) === undefined) await this.#remove(address)
    for (const [address, link] of places) {
      if (link === undefined || this.#held.has(address)) continue
      await this.#run(['nft', 'add', 'element', 'ip', this.#table, 'addresses', `{ ${address} }`])
      await this.#run(['ip', 'addr', 'replace', `${address}/32`, 'dev', 'lo', 'label', LABEL])
      this.#held = new Set([...this.#held, address])
      added.set(address, link)
    }
    return { added, unreachable }
  }

  /** Tells everybody on the link that the address is here now (gratuitous ARP, RFC 5227 section 3). */
  async tell(address: string, link: string): Promise<void> {
    await this.#run(['arping', '-q', '-U', '-c', TIMES, '-I', link, address])
  }

  /** Whether somebody else on its link answers for an address of ours (a probe, RFC 5227 section 2.1.1). Takes up to a second. */
  async isElsewhere(address: string): Promise<boolean> {
    const link = linkOf(address, await linkAddresses(this.#run))
    if (link === undefined) return false
    try {
      await this.#run(['arping', '-q', '-D', '-c', '1', '-w', '1', '-I', link, address])
      return false
    } catch (error) {
      if (error instanceof CommandError && error.exitCode === 1) return true
      throw error
    }
  }

  /** Leaves nothing behind. */
  async end(): Promise<void> {
    await this.hold(new Set())
    await this.#run(['nft', '-f', '-'], `table ip ${this.#table} {}\ndelete table ip ${this.#table}\n`)
  }

  async #remove(address: string): Promise<void> {
    await this.#run(['ip', 'addr', 'del', `${address}/32`, 'dev', 'lo'])
    this.#held = new Set([...this.#held].filter((each) => each !== address))
    // Adding what is there already is no error, deleting what is not there is one.
    const element = `element ip ${this.#table} addresses { ${address} }\n`
    await this.#run(['nft', '-f', '-'], `add ${element}delete ${element}`)
  }
}

/** What reaches the node under one of these addresses was led to no Pod: only a ping is answered. */
function guard(table: string, addresses: ReadonlySet<string>): string {
  const elements = addresses.size > 0 ? `elements = { ${[...addresses].join(', ')} };` : ''
  return `table ip ${table} {}
delete table ip ${table}
table ip ${table} {
  set addresses { type ipv4_addr; ${elements} }
  chain input {
    type filter hook input priority filter; policy accept;
    ip daddr != @addresses accept
    icmp type echo-request accept
    meta l4proto tcp reject with tcp reset
    reject
  }
}
`
}
