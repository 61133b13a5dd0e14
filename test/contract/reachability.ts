import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { NftablesDataplane } from '../../kube-proxy/dataplane/nftables.ts'
import { PolicyPlan } from '../../kube-proxy/policies/policy-plan.ts'
import { PolicyPlane } from '../../kube-proxy/policies/policy-plane.ts'
import { policyPod } from '../../kube-proxy/policies/policy-pod.ts'
import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { packetWords } from '../../shared/addresses/packet-words.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { NetworkPolicy, NetworkPolicySpec } from '../../shared/openapi/generated/networking-v1.ts'
import { inFamily } from '../harness/family-addresses.ts'
import { type LabHost, NetworkLab } from '../harness/network-lab.ts'
import { networkPolicy, policyPodBody } from '../harness/policy-bodies.ts'
import { type End, lets } from '../harness/policy-oracle.ts'

const AGENT = fileURLToPath(new URL('../harness/policy-agent.ts', import.meta.url))
const TABLE = 'coxswain-policy'
const SPACES = ['x', 'y', 'z']
const NAMES = ['a', 'b', 'c']
/** Cases that each family has to itself. */
const OF_ADDRESSES = /no policy|both directions|some pods of some namespaces|range of ports|UDP|named port|addresses|outside|but a range/
const WAYS = [
  { protocol: 'TCP', port: 80 },
  { protocol: 'TCP', port: 81 },
  { protocol: 'UDP', port: 80 },
]
/** A host with an agent in it. */
interface Agent {
  readonly host: LabHost
  readonly end: End
  readonly address: string
  tell(command: object): Promise<unknown>
}

interface LabNode {
  readonly name: string
  readonly host: LabHost
  readonly plan: PolicyPlan
  readonly plane: PolicyPlane
}

/** Policies of one family on real kernels: three namespaces of three pods on two nodes, and a machine outside. Needs root. */
export function reachability(family: IpFamily): void {
  const at = inFamily(family)
  const { single } = packetWords(family)
  /** One machine that is neither node nor pod, which is the router between the nodes. */
  const OUTSIDE = at('172.31.81.254')
  const lab = new NetworkLab(11)
  const nodes: LabNode[] = []
  const pods = new Map<string, Pod>()
  const agents = new Map<string, Agent>()
  const namespaces = new Map<string, Record<string, string>>()
  const policies = new Map<string, NetworkPolicy>()
  let outside: Agent
  const nodeAgents = new Map<string, Agent>()

  const tellAll = (each: (plan: PolicyPlan) => void) => {
    for (const { plan } of nodes) each(plan)
  }
  const apply = async () => void (await Promise.all(nodes.map(({ plan, plane }) => plane.update(plan.changes()))))

  async function agentIn(host: LabHost, end: End, address: string, ...ports: number[]): Promise<Agent> {
    const child = host.start(AGENT, host.name, address, ...ports.map(String))
    const lines = createInterface({ input: child.stdout })
    const answers = lines[Symbol.asyncIterator]()
    assert.equal((await answers.next()).value, 'READY')
    return {
      ...{ host, end, address },
      async tell(command) {
        child.stdin.write(`${JSON.stringify(command)}\n`)
        return JSON.parse(String((await answers.next()).value))
      },
    }
  }

  function setPod(space: string, name: string, labels: Record<string, string> = { pod: name }): void {
    const [node, number] = [(SPACES.indexOf(space) + NAMES.indexOf(name)) % 2, 2 + 3 * SPACES.indexOf(space) + NAMES.indexOf(name)]
    // Pods of one namespace mean different ports by one name.
    const ports = [{ name: 'web', containerPort: name === 'a' ? 80 : 81 }]
    const pod = policyPodBody(space, name, { labels, address: at(`10.77.${node + 1}.${number}`), node: `node-${node + 1}`, ports })
    pods.set(objectKey(pod), pod)
    tellAll((plan) => plan.setPod(objectKey(pod), policyPod(pod)))
  }

  function setNamespace(name: string, labels: Record<string, string> = { ns: name }): void {
    namespaces.set(name, labels)
    tellAll((plan) => plan.setNamespace(name, labels))
  }

  function setPolicy(space: string, name: string, spec: Partial<NetworkPolicySpec> | undefined): void {
    const policy = spec && networkPolicy(space, name, spec)
    if (policy) policies.set(`${space}/${name}`, policy)
    else policies.delete(`${space}/${name}`)
    tellAll((plan) => plan.setPolicy(`${space}/${name}`, policy))
  }

  /** Every pod, the machine outside and both nodes ask every pod, and each other, in every way, all at once. */
  async function check(): Promise<void> {
    await apply()
    // A UDP port that chance gives again would go on with the connection that the kernel remembers of an earlier case.
    await Promise.all(nodes.map(({ host }) => host.run(['conntrack', '-F', '-f', family.toLowerCase()])))
    const world = { policies: [...policies.values()], pods: [...pods.values()], namespaces }
    const ends = [...agents.values()].map((agent) => ({ ...agent, end: agent.end === '' ? '' : (pods.get(String(agent.end)) ?? '') }))
    const everybody = [...ends, outside, ...nodeAgents.values()]
    const wrong: string[] = []
    let blocked = 0
    const passes = (from: Agent, to: Agent, way: (typeof WAYS)[number]) => {
      const isOwnNode = typeof to.end !== 'string' && to.end.spec.nodeName === from.host.name
      return isOwnNode || lets(world, from.end, to.end, way)
    }
    /** What answered. What should pass is asked again before it counts as blocked: a busy machine may be slow. */
    const asked = async (from: Agent, tries: readonly { to: Agent; way: (typeof WAYS)[number] }[]) => {
      const answered = new Set<string>()
      let left = tries
      for (let round = 0; round < 6 && left.length > 0; round += 1) {
        const names = (await from.tell({ probe: left.map(({ to, way }) => [way.protocol, to.address, way.port]) })) as string[]
        for (const [index, { to, way }] of left.entries()) answered.add(`${to.address} ${way.protocol} ${way.port} ${names[index]}`)
        left = left.filter(({ to, way }, index) => names[index] === '' && passes(from, to, way))
      }
      return answered
    }
    await Promise.all(
      everybody.map(async (from) => {
        const tries = [...ends, outside].flatMap((to) => WAYS.map((way) => ({ to, way })))
        const answers = await asked(from, tries)
        for (const { to, way } of tries) {
          const should = passes(from, to, way)
          blocked += should ? 0 : 1
          const is = answers.has(`${to.address} ${way.protocol} ${way.port} ${to.host.name}`)
          if (is !== should) wrong.push(`${from.host.name} → ${to.host.name} ${way.protocol} ${way.port}: ${is ? 'passes' : 'is blocked'}`)
        }
      }),
    )
    assert.deepEqual(wrong.slice(0, 20), [])
    assert.equal(blocked > 0, policies.size > 0, 'the case blocks something, and without policies nothing is blocked')
  }

  async function clear(): Promise<void> {
    for (const key of [...policies.keys()]) setPolicy(key.split('/')[0] ?? '', key.split('/')[1] ?? '', undefined)
    await apply()
  }

  before(async () => {
    assert.equal(process.getuid?.(), 0, 'network tests make namespaces and need root')
    const router = await lab.node(OUTSIDE, 'out')
    for (const number of [1, 2]) {
      const host = await lab.node(at(`172.31.8${number}.1`), `node-${number}`)
      const gateway = at(`172.31.8${number}.254`)
      const onLink = (address: string) => `${address}/${family === 'IPv4' ? 24 : 112}`
      await lab.link(host, onLink(host.address), router, onLink(gateway))
      await host.run(['ip', 'route', 'add', 'default', 'via', gateway])
      await router.run(['ip', 'route', 'add', at(`10.77.${number}.0/24`), 'via', host.address])
      const plan = new PolicyPlan(host.name, family)
      plan.setRange(at(`10.77.${number}.0/24`))
      const plane = new PolicyPlane({ table: TABLE, family }, async (text) => void (await host.run(['nft', '-f', '-'], text)))
      nodes.push({ name: host.name, host, plan, plane })
    }
    for (const space of SPACES) {
      setNamespace(space)
      for (const name of NAMES) setPod(space, name)
    }
    const hosts: [key: string, host: LabHost, address: string][] = []
    for (const [key, pod] of pods) {
      const node = nodes.find(({ name }) => name === pod.spec.nodeName)
      const address = pod.status.podIP ?? ''
      if (node) hosts.push([key, await lab.pod(node.host, key.replace('/', ''), address), address])
    }
    await Promise.all(hosts.map(async ([key, host, address]) => agents.set(key, await agentIn(host, key, address, 80, 81))))
    outside = await agentIn(router, OUTSIDE, OUTSIDE, 80, 81)
    for (const { name, host } of nodes) nodeAgents.set(name, await agentIn(host, host.address, host.address))
    await Promise.all(nodes.map(({ plan, plane }) => plane.replace(plan.whole())))
  })
  after(() => lab.close())

  const onlyA = { podSelector: { matchLabels: { pod: 'a' } } }
  const cases: Record<string, [space: string, spec: Partial<NetworkPolicySpec>][]> = {
    'no policy: everybody everybody': [],
    'deny all ingress of a namespace': [['x', {}]],
    'deny all egress of a namespace': [['x', { policyTypes: ['Egress'] }]],
    'deny all in both directions': [['y', { policyTypes: ['Ingress', 'Egress'] }]],
    'from pods of the same namespace': [['x', { ingress: [{ from: [{ podSelector: {} }] }] }]],
    'from some pods of the same namespace, to one': [['x', { podSelector: { matchLabels: { pod: 'b' } }, ingress: [{ from: [onlyA] }] }]],
    'from a namespace': [['x', { ingress: [{ from: [{ namespaceSelector: { matchLabels: { ns: 'y' } } }] }] }]],
    'from some pods of some namespaces': [
      [
        'x',
        {
          ingress: [{ from: [{ ...onlyA, namespaceSelector: { matchExpressions: [{ key: 'ns', operator: 'In', values: ['y', 'z'] }] } }] }],
        },
      ],
    ],
    'from either of two peers': [['x', { ingress: [{ from: [onlyA, { namespaceSelector: { matchLabels: { ns: 'z' } } }] }] }]],
    'from everywhere, to one port': [['x', { ingress: [{ ports: [{ port: 81, protocol: 'TCP' }] }] }]],
    'to a range of ports': [['x', { ingress: [{ ports: [{ port: 81, endPort: 90, protocol: 'TCP' }] }] }]],
    'UDP only': [['x', { ingress: [{ ports: [{ port: 80, protocol: 'UDP' }] }] }]],
    'all of TCP': [['x', { ingress: [{ ports: [{ protocol: 'TCP' }] }] }]],
    'to a named port, which is another number on each pod': [['x', { ingress: [{ ports: [{ port: 'web', protocol: 'TCP' }] }] }]],
    'out to a named port': [
      ['x', { policyTypes: ['Egress'], egress: [{ to: [{ namespaceSelector: {} }], ports: [{ port: 'web', protocol: 'TCP' }] }] }],
    ],
    'from a range of addresses, with an exception': [
      ['x', { ingress: [{ from: [{ ipBlock: { cidr: at('10.77.0.0/16'), except: [at('10.77.2.0/24')] } }] }] }],
    ],
    'from the machine outside': [['x', { ingress: [{ from: [{ ipBlock: { cidr: `${OUTSIDE}/${single}` } }] }] }]],
    'out to one namespace, and in from another': [
      ['x', { egress: [{ to: [{ namespaceSelector: { matchLabels: { ns: 'y' } } }] }], policyTypes: ['Egress'] }],
      ['y', { ingress: [{ from: [{ namespaceSelector: { matchLabels: { ns: 'z' } } }] }] }],
    ],
    'out to everywhere but a range': [
      ['x', { policyTypes: ['Egress'], egress: [{ to: [{ ipBlock: { cidr: at('0.0.0.0/0'), except: [at('10.77.1.0/24')] } }] }] }],
    ],
    'policies add up': [
      ['x', {}],
      ['x', { podSelector: { matchLabels: { pod: 'a' } }, ingress: [{ ports: [{ port: 80, protocol: 'TCP' }] }] }],
      ['x', { podSelector: { matchExpressions: [{ key: 'pod', operator: 'NotIn', values: ['c'] }] }, ingress: [{ from: [onlyA] }] }],
    ],
    'deny all, and a policy that lets everybody': [
      ['x', {}],
      ['x', { podSelector: { matchLabels: { pod: 'a' } }, ingress: [{}] }],
    ],
  }
  for (const [title, specs] of Object.entries(cases)) {
    // What has nothing to do with addresses is told once.
    if (family === 'IPv6' && !OF_ADDRESSES.test(title)) continue
    it(title, async () => {
      await clear()
      for (const [index, [space, spec]] of specs.entries()) setPolicy(space, `p${index}`, spec)
      await check()
    })
  }

  it('what is changed holds at once: rules, labels of pods and of namespaces, pods that go and come', async () => {
    await clear()
    setPolicy('x', 'p', {
      ingress: [{ from: [{ podSelector: { matchLabels: { team: 'one' } }, namespaceSelector: { matchLabels: { in: 'yes' } } }] }],
    })
    await check()
    setPod('y', 'a', { team: 'one' })
    await check()
    setNamespace('y', { ns: 'y', in: 'yes' })
    await check()
    setPolicy('x', 'p', { ingress: [{ from: [{ namespaceSelector: { matchLabels: { ns: 'z' } } }] }] })
    await check()
    setPod('x', 'c', { other: 'label' })
    setPolicy('x', 'p', { podSelector: { matchLabels: { other: 'label' } } })
    await check()
    setPod('y', 'a')
    setNamespace('y')
    setPod('x', 'c')
    await clear()
    await check()
  })

  it('established connections go on, new ones are judged', async () => {
    await clear()
    const [from, to] = [agents.get('y/b'), agents.get('x/a')]
    await from?.tell({ open: [to?.address, 80] })
    setPolicy('x', 'p', {})
    await apply()
    assert.equal(await from?.tell({ say: 'still there?' }), 'xa')
    assert.deepEqual(await from?.tell({ probe: [['TCP', to?.address, 80]] }), [''])
  })

  it('nobody reaches, or is reached from, an address that is not known yet on a node that restricts somebody', async () => {
    await clear()
    const node = nodes[0] ?? assert.fail()
    const stranger = await lab.pod(node.host, 'new', at('10.77.1.77'))
    const agent = await agentIn(stranger, '', stranger.address, 80)
    const [near, far] = [agents.get('x/a'), agents.get('x/b')]
    /** Who answers; where somebody should, again before nobody counts: a busy machine may be slow. */
    const inAndOut = async (expected: string[]) => {
      const to = (address = '') => ({ probe: [['TCP', address, 80]] })
      const ways = [() => near?.tell(to(stranger.address)), () => far?.tell(to(stranger.address)), () => agent.tell(to(far?.address))]
      let answers: string[] = []
      for (let round = 0; round < 6 && answers.join() !== expected.join(); round += 1) {
        answers = (await Promise.all(ways.map((ask) => ask()))).flatMap((names) => names as string[])
      }
      assert.deepEqual(answers, expected)
    }
    await inAndOut(['new', 'new', 'xb'])
    setPolicy('y', 'p', { policyTypes: ['Ingress', 'Egress'] })
    await apply()
    await inAndOut(['', '', ''])
    assert.deepEqual(await nodeAgents.get('node-1')?.tell({ probe: [['TCP', stranger.address, 80]] }), ['new'], 'its kubelet does')
    const pod = policyPodBody('x', 'new', { address: stranger.address })
    tellAll((plan) => plan.setPod('x/new', policyPod(pod)))
    await apply()
    await inAndOut(['new', 'new', 'xb'])
    tellAll((plan) => plan.setPod('x/new', undefined))
  })

  it('Services are judged by the pod behind them, and a pod reaches itself through its own', async () => {
    await clear()
    const settings = { table: 'coxswain', family, clusterCidr: at('10.77.0.0/16'), serviceCidr: at('10.78.0.0/16') }
    const host = nodes[0]?.host ?? assert.fail()
    const services = new NftablesDataplane(settings, (args, input) => host.run(['nft', ...args], input))
    const lead = (address: string, to: string) => {
      const backends = [{ address: agents.get(to)?.address ?? '', port: 80 }]
      const ways = {
        addresses: [address],
        externalAddresses: [],
        nodePort: undefined,
        keepsClientAddress: false,
        affinitySeconds: undefined,
      }
      return [
        {
          ...ways,
          name: to,
          protocol: 'tcp',
          port: 8080,
          backends,
          clusterBackends: backends,
          externalBackends: backends,
          restricted: undefined,
        },
      ] as const
    }
    await services.replace(
      new Map([
        ['x/a', [...lead(at('10.78.0.1'), 'x/a')]],
        ['x/b', [...lead(at('10.78.0.2'), 'x/b')]],
      ]),
      { podRanges: [at('10.77.1.0/24')], nodePortRanges: [] },
    )
    setPolicy('x', 'p', {
      ingress: [{ from: [{ namespaceSelector: { matchLabels: { ns: 'y' } } }], ports: [{ port: 80, protocol: 'TCP' }] }],
    })
    await apply()
    const ask = async (from: string) => agents.get(from)?.tell({ probe: [1, 2].map((number) => ['TCP', at(`10.78.0.${number}`), 8080]) })
    assert.deepEqual(await ask('y/b'), ['xa', 'xb'], 'from the namespace that may')
    assert.deepEqual(await ask('z/a'), ['', ''], 'from one that may not')
    assert.deepEqual(await ask('x/a'), ['xa', ''], 'itself, and its neighbour')
    await services.remove()
  })

  it('replaces what a predecessor left, refuses nothing for it, and leaves nothing behind', async () => {
    const { plan, plane, host } = nodes[0] ?? assert.fail()
    await clear()
    setPolicy('x', 'p', {})
    await plane.replace(plan.whole())
    await assert.rejects(plane.update({ ...plan.changes(), goneSets: ['pods_unknown'] }), /pods_unknown/)
    await check()
    await plane.remove()
    assert.equal((await host.run(['nft', 'list', 'tables'])).trim(), '')
  })
}
