import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { ANNOUNCED_BY } from '../../shared/addresses/announced-by.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { Lease } from '../../shared/openapi/generated/coordination-v1.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { HandSet } from '../../test/harness/hand-set.ts'
import { machineCommands, type RunCommand } from '../command.ts'
import { AddressHolder } from './address-holder.ts'
import { announcedAddresses } from './announced-addresses.ts'
import { Announcements } from './announcements.ts'

const balanced = (name: string, address: string, node: string | undefined, more: Partial<Service['spec']> = {}): Service => ({
  ...{ apiVersion: 'v1', kind: 'Service' },
  metadata: { name, namespace: 'default', ...(node === undefined ? {} : { annotations: { [ANNOUNCED_BY]: node } }) },
  spec: { type: 'LoadBalancer', ...more },
  status: { loadBalancer: { ingress: [{ ip: address }] } },
})

describe('which addresses a node announces', () => {
  it('those of balanced Services that name it, and no others', () => {
    const proxied = balanced('proxied', '192.0.2.4', 'a')
    proxied.status.loadBalancer.ingress = [{ ip: '192.0.2.4', ipMode: 'Proxy' }, { hostname: 'b.example' }, { ip: '2001:db8::1' }]
    const services = [
      balanced('mine', '192.0.2.1', 'a'),
      balanced('theirs', '192.0.2.2', 'b'),
      balanced('nobodys', '192.0.2.3', undefined),
      balanced('not-balanced', '192.0.2.5', 'a', { type: 'ClusterIP' }),
      proxied,
    ]
    assert.deepEqual([...announcedAddresses(services, 'a')], ['192.0.2.1'])
  })
})

/** Machines on one switch, each a network namespace. */
class Link {
  readonly #root = machineCommands()
  readonly #prefix: string
  readonly #names: string[] = []
  constructor(serial: number) {
    this.#prefix = `cxa${process.pid}x${serial}`
  }

  async open(): Promise<void> {
    const run = await this.#namespace('sw')
    await run(['ip', 'link', 'add', 'br0', 'type', 'bridge'])
    await run(['ip', 'link', 'set', 'br0', 'up'])
  }

  async host(name: string, address: string): Promise<RunCommand> {
    const run = await this.#namespace(name)
    const onSwitch = machineCommands(['ip', 'netns', 'exec', `${this.#prefix}sw`])
    await onSwitch(['ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `${this.#prefix}${name}`])
    await onSwitch(['ip', 'link', 'set', name, 'master', 'br0', 'up'])
    await run(['ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0'])
    await run(['ip', 'link', 'set', 'eth0', 'up'])
    return run
  }

  namespaceOf(name: string): string {
    return `${this.#prefix}${name}`
  }

  async close(): Promise<void> {
    for (const name of this.#names) await this.#root(['ip', 'netns', 'del', name])
  }

  async #namespace(name: string): Promise<RunCommand> {
    await this.#root(['ip', 'netns', 'add', `${this.#prefix}${name}`])
    this.#names.push(`${this.#prefix}${name}`)
    const run = machineCommands(['ip', 'netns', 'exec', `${this.#prefix}${name}`])
    await run(['ip', 'link', 'set', 'lo', 'up'])
    return run
  }
}

const ADDRESS = '172.31.75.200'

describe('announcing an address on a link, with real packets', () => {
  const link = new Link(1)
  let [one, two, client]: RunCommand[] = []
  let holders: AddressHolder[] = []
  const macOf = async (run: RunCommand) => (await run(['cat', '/sys/class/net/eth0/address'])).trim()
  const seen = async () => JSON.parse(await client!(['ip', '-j', 'neigh', 'show', ADDRESS]))[0]?.lladdr
  /** Whether somebody answers for the address: then a port that leads nowhere is refused, else there is no way there. */
  const answers = async () => {
    const knock = ['bash', '-c', `timeout 8 bash -c '</dev/tcp/${ADDRESS}/9' 2>&1 || true`]
    return (await client!(knock)).includes('refused')
  }
  const addresses = async (run: RunCommand) =>
    JSON.parse(await run(['ip', '-4', '-j', 'addr', 'show', 'dev', 'lo']))[0].addr_info.map((each: { local: string }) => each.local)
  const tables = (run: RunCommand) => run(['nft', 'list', 'tables'])

  before(async () => {
    assert.equal(process.getuid?.(), 0, 'network tests make namespaces and need root')
    await link.open()
    one = await link.host('one', '172.31.75.1')
    two = await link.host('two', '172.31.75.2')
    client = await link.host('client', '172.31.75.9')
  })
  after(() => link.close())
  beforeEach(async () => {
    holders = [new AddressHolder(one!, 'cx_announced'), new AddressHolder(two!, 'cx_announced')]
    for (const holder of holders) assert.equal(await holder.begin(), undefined)
  })
  afterEach(async () => {
    for (const holder of holders) await holder.end()
    await client!(['ip', 'neigh', 'flush', 'all'])
  })

  it('is answered for by the holder alone, and by nobody afterwards; nothing is left', async () => {
    const [first] = holders
    assert.equal(await answers(), false)
    assert.deepEqual(await first!.hold(new Set([ADDRESS])), { added: new Map([[ADDRESS, 'eth0']]), unreachable: [] })
    assert.equal(await answers(), true)
    assert.equal(await seen(), await macOf(one!))
    await first!.end()
    assert.equal(await answers(), false)
    assert.deepEqual(await addresses(one!), ['127.0.0.1'])
    assert.equal(await tables(one!), '')
  })

  it('a takeover is known to neighbours at once by gratuitous ARP, also when the old holder goes on', async () => {
    const [first, second] = holders
    await first!.hold(new Set([ADDRESS]))
    await answers()
    await second!.hold(new Set([ADDRESS]))
    assert.equal(await second!.isElsewhere(ADDRESS), true, 'two hold it')
    // A neighbour believes an answer for a second (locktime) before it believes another.
    await second!.tell(ADDRESS, 'eth0')
    assert.equal(await seen(), await macOf(two!))
    await first!.end()
    assert.equal(await second!.isElsewhere(ADDRESS), false)
    assert.equal(await answers(), true)
  })

  it('what is no Service’s port is refused, not led to what listens on the node', async () => {
    await holders[0]!.hold(new Set([ADDRESS]))
    const script = `require('node:net').createServer().listen(7, '0.0.0.0', () => console.log('listening'))`
    const server = spawn('ip', ['netns', 'exec', link.namespaceOf('one'), process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await new Promise((resolve) => server.stdout.once('data', resolve))
      const connect = (address: string) =>
        client!([
          ...[process.execPath, '-e'],
          `const s=require('node:net').connect(7,'${address}');s.on('connect',()=>{console.log('connected');s.destroy()});s.on('error',e=>console.log(e.code))`,
        ])
      assert.equal((await connect('172.31.75.1')).trim(), 'connected', 'the node itself is reached')
      assert.equal((await connect(ADDRESS)).trim(), 'ECONNREFUSED')
    } finally {
      server.kill('SIGKILL')
    }
  })

  it('a new process takes over what the last one left, and removes what is not wanted any more', async () => {
    const kept = '172.31.75.201'
    await holders[0]!.hold(new Set([ADDRESS, kept]))
    const next = new AddressHolder(one!, 'cx_announced')
    await next.begin()
    const { added } = await next.hold(new Set([kept]))
    assert.equal(added.size, 0, 'it was never away')
    assert.deepEqual(await addresses(one!), ['127.0.0.1', kept])
    await one!(['ip', 'addr', 'del', `${kept}/32`, 'dev', 'lo'])
    assert.deepEqual([...(await next.hold(new Set([kept]))).added.keys()], [kept], 'put back when somebody took it away')
  })

  it('an address of no link of the machine is not held', async () => {
    assert.deepEqual((await holders[0]!.hold(new Set(['198.51.100.7']))).unreachable, ['198.51.100.7'])
    assert.deepEqual(await addresses(one!), ['127.0.0.1'])
  })

  it('follows the API; a node that is unheard goes on until another answers, and has its addresses again when it is heard', async () => {
    const clock = manualClock()
    const services = new HandSet<Service>()
    const lease = new HandSet<Lease>()
    const ending = new AbortController()
    // Programs of the machine take real time: the clock waits for them.
    let inFlight = 0
    clock.whileBusy(() => inFlight > 0)
    const counted: RunCommand = (command, input) => {
      inFlight++
      return one!(command, input).finally(() => inFlight--)
    }
    const holder = new AddressHolder(counted, 'cx_announced')
    const announcements = new Announcements({ services, lease, holder, nodeName: 'one', clock, log: silentLogger() })
    const heard = (at: string) =>
      lease.set('kube-node-lease/one', {
        ...{
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: 'one', namespace: 'kube-node-lease' },
          spec: { renewTime: at },
        },
      })
    const holds = async () => (await addresses(one!)).includes(ADDRESS)
    heard('1')
    const running = announcements.run(ending.signal)
    await clock.settle()
    services.set('default/web', balanced('web', ADDRESS, 'one'))
    await clock.settle()
    assert.equal(await holds(), true)
    services.set('default/web', balanced('web', ADDRESS, 'two'))
    await clock.settle()
    assert.equal(await holds(), false, 'let go')
    services.set('default/web', balanced('web', ADDRESS, 'one'))
    await clock.settle()
    assert.equal(await holds(), true, 'held again')

    await clock.advance(25_000)
    assert.equal(await holds(), true, 'goes on when nobody hears it')
    await holders[1]!.hold(new Set([ADDRESS]))
    await clock.advance(5_000)
    assert.equal(await holds(), false, 'given up for the other')
    await holders[1]!.hold(new Set())
    heard('2')
    await clock.settle()
    assert.equal(await holds(), true, 'held when it is heard again')
    ending.abort()
    await running
    assert.equal(await holds(), false, 'nothing is left at the end')
    assert.equal(announcements.problem, undefined)
  })
})
