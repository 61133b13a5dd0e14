import { hostname } from 'node:os'
import { writeFileAtomically } from '../../../shared/certificates/atomic-file.ts'
import { parseBootstrapToken } from '../../../shared/certificates/bootstrap-token.ts'
import { ConfigError } from '../../../shared/process/config.ts'
import { boolean, duration, list, required, text, url } from '../../../shared/process/setting.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import { awaitOwnNode } from '../await-own-node.ts'
import { isAuthorityHash } from '../joining/authority-hash.ts'
import { discover } from '../joining/discover.ts'
import { keepTrying } from '../joining/keep-trying.ts'
import { defineLabCommand } from '../lab-command.ts'
import { ensureEngine, ensureImages } from '../machine/engine.ts'
import { type MachineRecord, writeMachine } from '../machine/machine-record.ts'
import { bootstrapKubeconfig } from '../machine/places.ts'
import { awaitHealthy, forwardingNow, prepareMachine } from '../machine/prepare-machine.ts'
import { installRelease } from '../machine/release.ts'
import { supervisorHere } from '../machine/supervisor.ts'

/** Makes this machine a node of a cluster. */
export const join = defineLabCommand({
  name: 'join',
  summary: 'makes this machine a node of the cluster whose server made the token',
  settings: {
    server: required(url('the API server, https://HOST:6443', undefined, ['https'])),
    token: required(text('what lets this machine join; coxswain-lab token create')),
    discoveryTokenCaCertHash: list('the authority to believe, sha256:…; several while it is changed'),
    nodeName: text('the name of the node; default: the name of the machine'),
    address: text('where others reach this machine; default: the address of the interface that leads out, looked up at each start'),
    patience: duration('how long to go on trying while something heals by itself', 300_000),
    inPlace: boolean('run the program from where it lies, without a copy', false),
  },
  async act(config, context) {
    const { steps, print, clock } = context
    const wish = wishOf(config)
    await prepareMachine('node', context)
    const say = (line: string) => print(`    ${line}`)
    const card = await steps.run('the cluster', (note) => {
      note(wish.server.host)
      return keepTrying(() => discover(wish, () => clock.now()), { clock, within: config.patience, say })
    })
    await steps.run('Docker Engine', (note) => ensureEngine({ note, print }))
    const imagesBrought = await steps.run('images', () => ensureImages())
    const machine: MachineRecord = {
      ...{ role: 'node', server: wish.server.origin, nodeName: wish.nodeName, address: config.address ?? '', port: 0, extraNames: [] },
      ...{ ranges: card.ranges, forwardingBefore: forwardingNow(), imagesBrought },
    }
    await steps.run('program', async (note) => note(await installRelease(config.inPlace, timestamp(clock.now()).replaceAll(/\D/g, ''))))
    writeMachine(machine)
    writeFileAtomically(bootstrapKubeconfig, joinFile(wish.server.origin, card.authority, wish.token))
    await steps.run('processes', async (note) => {
      const supervisor = supervisorHere()
      await supervisor.install(machine)
      await supervisor.start(machine)
      note(`by ${supervisor.name}`)
    })
    await steps.run('kubelet, kube-proxy, dns', () => awaitHealthy(machine, context))
    await steps.run('node ready', async (note) => {
      note(wish.nodeName)
      await awaitOwnNode(machine, context)
    })
  },
})

interface JoinConfig {
  readonly server: string
  readonly token: string
  readonly discoveryTokenCaCertHash: readonly string[]
  readonly nodeName: string | undefined
}

/** RFC 1123 subdomain, as names of nodes are. */
const NODE_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** @throws ConfigError */
function wishOf({ server, token, discoveryTokenCaCertHash: hashes, nodeName = hostname().toLowerCase() }: JoinConfig) {
  const problems: string[] = []
  if (!parseBootstrapToken(token)) {
    problems.push('--token is not <6 characters>.<16 characters>, small letters and digits; coxswain-lab token create prints one')
  }
  if (hashes.length === 0) {
    problems.push(
      '--discovery-token-ca-cert-hash is required: without it anybody in between could be the server; coxswain-lab token create prints it',
    )
  }
  for (const hash of hashes) {
    if (!isAuthorityHash(hash))
      problems.push(`--discovery-token-ca-cert-hash: ${JSON.stringify(hash)} is not sha256: and 64 hexadecimal digits`)
  }
  if (nodeName.length > 253 || !NODE_NAME.test(nodeName)) {
    problems.push(
      `${JSON.stringify(nodeName)} cannot be the name of a node (small letters, digits, '-' and '.'); give one with --node-name`,
    )
  }
  if (problems.length > 0) throw new ConfigError(problems.join('\n'))
  return { server: new URL(server), token, authorityHashes: hashes, nodeName }
}

/** What the kubelet shows until it has a certificate of its own. */
function joinFile(server: string, authority: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'coxswain', cluster: { server, 'certificate-authority-data': Buffer.from(authority).toString('base64') } }],
    users: [{ name: 'joining', user: { token } }],
    contexts: [{ name: 'coxswain', context: { cluster: 'coxswain', user: 'joining' } }],
    'current-context': 'coxswain',
  })
}
