import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { machineCommands, type RunCommand } from '../../kube-proxy/command.ts'

const NODE = fileURLToPath(new URL('../../tools/node', import.meta.url))
const SERVER = fileURLToPath(new URL('./echo-server.ts', import.meta.url))
const CLIENT = fileURLToPath(new URL('./echo-client.ts', import.meta.url))

/** A host of the lab: a network namespace of this test alone. */
export interface LabHost {
  readonly name: string
  readonly address: string
  readonly run: RunCommand
  /** Answers of `count` connections, or error codes; TCP may come `from` another address of the host. */
  ask(protocol: 'tcp' | 'udp', address: string, port: number, count?: number, from?: string): Promise<string[]>
  /** Answers of TCP connections begun at a rate, as `ask` gives them. */
  load(address: string, port: number, load: { count: number; perSecond: number }): Promise<string[]>
  /** One UDP flow, kept: each call sends a datagram from the same port. */
  flow(address: string, port: number): { ask(): Promise<string> }
  serve(port?: number): Promise<void>
  /** A program of the harness, run by Node there; it is ended by `close`. */
  start(script: string, ...args: string[]): ChildProcessByStdio<Writable, Readable, null>
}

/**
 * Real kernels' networking on one machine: a node that forwards, pods behind it wired as CNI's `ptp` does, and a
 * machine outside. Needs root and `ip`; everything is removed by `close`.
 */
export class NetworkLab {
  readonly #prefix: string
  readonly #children: ChildProcess[] = []
  readonly #namespaces: string[] = []
  readonly #root = machineCommands()

  constructor(serial: number) {
    this.#prefix = `cx${process.pid}x${serial}`
  }

  /** A host that forwards: a node, or a router. */
  async node(address: string, name = 'node'): Promise<LabHost> {
    const host = await this.#host(name, address)
    await host.run(['sysctl', '-qw', isSix(address) ? 'net.ipv6.conf.all.forwarding=1' : 'net.ipv4.ip_forward=1'])
    return host
  }

  /** A pod of the node: one veth pair, a route for its one address on the node's side, everything else through the node. */
  async pod(node: LabHost, name: string, address: string): Promise<LabHost> {
    const pod = await this.#host(name, address)
    const [outer, inner] = [`v${name}`, 'eth0']
    await node.run(['ip', 'link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', this.#namespaceOf(pod)])
    await node.run(['ip', 'addr', 'add', ...only(node.address), 'dev', outer])
    await node.run(['ip', 'link', 'set', outer, 'up'])
    await node.run(['ip', 'route', 'add', address, 'dev', outer])
    await pod.run(['ip', 'addr', 'add', ...only(address), 'dev', inner])
    await pod.run(['ip', 'link', 'set', inner, 'up'])
    await pod.run(['ip', 'route', 'add', node.address, 'dev', inner])
    await pod.run(['ip', 'route', 'add', 'default', 'via', node.address, 'dev', inner])
    return pod
  }

  /** A machine on the node's link, its default gateway, that knows nothing of pods and Services. */
  async outsider(node: LabHost, name: string, address: string): Promise<LabHost> {
    const host = await this.#host(name, address)
    await node.run(['ip', 'link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#namespaceOf(host)])
    await node.run(['ip', 'addr', 'add', ...onLink(node.address), 'dev', 'uplink'])
    await node.run(['ip', 'link', 'set', 'uplink', 'up'])
    await node.run(['ip', 'route', 'add', 'default', 'via', address])
    await host.run(['ip', 'addr', 'add', ...onLink(address), 'dev', 'eth0'])
    await host.run(['ip', 'link', 'set', 'eth0', 'up'])
    return host
  }

  /** A cable between two hosts, with an address (and prefix) for each end; its interfaces are named after the other end. */
  async link(one: LabHost, address: string, other: LabHost, otherAddress: string): Promise<void> {
    const peer = ['peer', 'name', one.name, 'netns', this.#namespaceOf(other)]
    await one.run(['ip', 'link', 'add', other.name, 'type', 'veth', ...peer])
    await one.run(['ip', 'addr', 'add', address, ...atOnce(address), 'dev', other.name])
    await one.run(['ip', 'link', 'set', other.name, 'up'])
    await other.run(['ip', 'addr', 'add', otherAddress, ...atOnce(otherAddress), 'dev', one.name])
    await other.run(['ip', 'link', 'set', one.name, 'up'])
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    for (const namespace of this.#namespaces) await this.#root(['ip', 'netns', 'del', namespace])
  }

  #namespaceOf(host: LabHost): string {
    return `${this.#prefix}${host.name}`
  }

  async #host(name: string, address: string): Promise<LabHost> {
    const namespace = `${this.#prefix}${name}`
    await this.#root(['ip', 'netns', 'add', namespace])
    this.#namespaces.push(namespace)
    const inside = ['ip', 'netns', 'exec', namespace]
    const run = machineCommands(inside)
    // Nobody else is on these links: link-local addresses, which neighbours are asked from, are good at once too.
    await run(['sysctl', '-qw', 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0'])
    await run(['ip', 'link', 'set', 'lo', 'up'])
    const start = (...args: string[]) => {
      const child = spawn('ip', [...inside.slice(1), NODE, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
      this.#children.push(child)
      return child
    }
    let client: Asker | undefined
    const asker = () => (client ??= new Asker(start(CLIENT)))
    let flows = 0
    return {
      name,
      address,
      run,
      start,
      ask: (protocol, target, port, count = 1, from) => asker().ask({ protocol, address: target, port, count, from }),
      load: (target, port, load) => asker().ask({ protocol: 'tcp', address: target, port, ...load }),
      flow: (target, port) => {
        const flow = `flow ${(flows += 1)}`
        return { ask: async () => (await asker().ask({ protocol: 'udp', address: target, port, count: 1, flow }))[0] ?? '' }
      },
      serve: async (port = 8080) => {
        const child = start(SERVER, name, String(port), isSix(address) ? '::' : '0.0.0.0')
        await once(child.stdout, 'data')
      },
    }
  }
}

const isSix = (address: string) => address.includes(':')
/** Without looking first whether somebody else has it, which takes a second. */
const atOnce = (address: string) => (isSix(address) ? ['nodad'] : [])
const only = (address: string) => [`${address}/${isSix(address) ? 128 : 32}`, ...atOnce(address)]
const onLink = (address: string) => [`${address}/${isSix(address) ? 112 : 24}`, ...atOnce(address)]

/** One process of a host that asks whatever it is told to: starting one for each question would take longer than the answers. */
class Asker {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answers: string[]) => void>()
  #asked = 0

  constructor(child: ChildProcess) {
    this.#child = child
    if (!child.stdout) throw new Error('the asking process has no output')
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { id, answers }: { id: number; answers: string[] } = JSON.parse(line)
      this.#waiting.get(id)?.(answers)
      this.#waiting.delete(id)
    })
  }

  ask(question: object): Promise<string[]> {
    const id = (this.#asked += 1)
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#child.stdin?.write(`${JSON.stringify({ id, ...question })}\n`)
    })
  }
}
