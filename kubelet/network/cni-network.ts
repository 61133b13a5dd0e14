import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { type Attachment, attachmentStore } from './attachment-store.ts'
import { limitBandwidth, type RunTool, runTool } from './bandwidth.ts'
import { type CniNetwork, type CniPlugin, configuredNetwork, defaultNetwork } from './cni-config.ts'
import { type CniCall, CniError, type CniResult, findPlugin, MissingPluginError, runPlugin } from './cni-plugin.ts'
import type { Bandwidth, NetworkSandbox, PodNetwork } from './pod-network.ts'

export interface CniNetworkOptions {
  /** Looked at first; whoever wants another network puts a configuration here. e.g. `/etc/cni/net.d` */
  configDir: string
  /** Searched in order, e.g. `/opt/cni/bin`, `/usr/lib/cni`. */
  pluginDirs: readonly string[]
  /** On tmpfs, e.g. `/run/coxswain/network`: attachments and addresses in use. */
  stateDir: string
  /** One a family; none until the controller manager has given this node its ranges. */
  podRanges: () => readonly string[]
  mtu: number
  /** Default: programs of this machine. */
  run?: RunTool
  clock: Clock
  log: Logger
}

const INTERFACE = 'eth0'

/** Undoing must happen even when what asked for it was aborted. */
const UNDO_TIMEOUT_MILLISECONDS = 30_000

/** The pod network by CNI plugins, as the CNI specification has a runtime call them. */
export function cniNetwork(options: CniNetworkOptions): PodNetwork {
  const { pluginDirs, log } = options
  const store = attachmentStore(join(options.stateDir, 'attachments'))
  const ipamDir = join(options.stateDir, 'addresses')

  async function currentNetwork(): Promise<CniNetwork> {
    const configured = await configuredNetwork(options.configDir)
    if (configured) return configured
    const podRanges = options.podRanges()
    if (podRanges.length === 0) throw new CniError('network is not ready: this node has no pod range yet', undefined)
    return defaultNetwork({ podRanges, mtu: options.mtu, ipamDir })
  }

  async function attach(sandbox: NetworkSandbox, netns: string, signal: AbortSignal): Promise<string[]> {
    const { id, pod, hostPorts, bandwidth } = sandbox
    const attachment: Attachment = { sandbox: { id, pod, hostPorts, bandwidth }, network: await currentNetwork() }
    // Before the first plugin runs: a crash in between leaves a record to undo by.
    await store.save(attachment)
    try {
      let result: CniResult | undefined
      for (const plugin of pluginsFor(attachment)) {
        result = await runPlugin(pluginDirs, configFor(attachment, plugin, result), callFor(attachment, 'ADD', netns), signal)
      }
      const addresses = (result?.ips ?? []).map(({ address }) => address.replace(/\/\d+$/, ''))
      if (addresses.length === 0) throw new CniError('the network plugins gave no address', undefined)
      // A plugin that says it can does it itself.
      if (bandwidth && !attachment.network.plugins.some(limitsBandwidth))
        await limitBandwidth(bandwidth, { netns, name: INTERFACE }, options.run ?? runTool, signal)
      await store.save({ ...attachment, result })
      return addresses
    } catch (error) {
      await detach(id, netns).catch((undo) =>
        log.warn('a failed network attachment could not be undone', { sandbox: id, error: String(undo) }),
      )
      throw error
    }
  }

  async function detach(id: string, netns: string | undefined): Promise<void> {
    const attachment = await store.load(id)
    if (attachment) await undo(attachment, netns)
    await store.forget(id)
  }

  async function undo(attachment: Attachment, netns: string | undefined): Promise<void> {
    const patience = new AbortController()
    const timer = options.clock.after(UNDO_TIMEOUT_MILLISECONDS, () => patience.abort(new Error('a network plugin does not end')))
    try {
      for (const plugin of pluginsFor(attachment).reverse()) {
        const config = configFor(attachment, plugin, attachment.result)
        try {
          await runPlugin(pluginDirs, config, callFor(attachment, 'DEL', netns ?? ''), patience.signal)
        } catch (error) {
          if (!(error instanceof MissingPluginError)) throw error
          log.warn('a network plugin is not there to undo anything', { plugin: plugin.type, sandbox: attachment.sandbox.id })
        }
      }
    } finally {
      timer.cancel()
    }
  }

  async function reclaim(living: ReadonlySet<string>): Promise<void> {
    for (const id of await store.ids()) {
      if (living.has(id)) continue
      await detach(id, undefined).catch((error) =>
        log.warn('a dead sandbox keeps its address for now', { sandbox: id, error: String(error) }),
      )
    }
    // Addresses whose record was lost: host-local writes the owner's id on a file's first line.
    for (const network of await readdir(ipamDir).catch(() => [])) {
      for (const name of await readdir(join(ipamDir, network))) {
        if (!/^[\d.:a-f]+$/.test(name)) continue
        const path = join(ipamDir, network, name)
        const owner = (await readFile(path, 'utf8')).split(/\r?\n/)[0]?.trim() ?? ''
        if (living.has(owner)) continue
        log.info('took back the address of a sandbox that is gone', { address: name, sandbox: owner })
        await rm(path, { force: true })
      }
    }
  }

  return {
    async problem() {
      try {
        const { plugins } = await currentNetwork()
        for (const { type } of plugins) await findPlugin(type, pluginDirs)
        return undefined
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    },
    attach,
    detach,
    reclaim,
    async addresses(id) {
      const result = (await store.load(id))?.result
      return result?.ips?.map(({ address }) => address.replace(/\/\d+$/, ''))
    },
  }
}

/** The plugins that have something to do: one that only maps ports is left out where there are none, which saves a process a pod. */
function pluginsFor({ network, sandbox }: Attachment): CniPlugin[] {
  return network.plugins.filter((plugin) => plugin.type !== 'portmap' || sandbox.hostPorts.length > 0)
}

function configFor(attachment: Attachment, plugin: CniPlugin, previous: CniResult | undefined): CniPlugin {
  const { network, sandbox } = attachment
  const { capabilities, ...own } = plugin
  const wantsPorts = capabilities?.['portMappings'] === true && sandbox.hostPorts.length > 0
  const bandwidth = limitsBandwidth(plugin) ? sandbox.bandwidth : undefined
  const portMappings = sandbox.hostPorts.map((port) => ({
    hostPort: port.hostPort,
    containerPort: port.containerPort,
    protocol: port.protocol.toLowerCase(),
    ...(port.hostIP ? { hostIP: port.hostIP } : {}),
  }))
  return {
    ...own,
    type: plugin.type,
    name: network.name,
    cniVersion: network.cniVersion,
    ...(wantsPorts || bandwidth
      ? { runtimeConfig: { ...(wantsPorts ? { portMappings } : {}), ...(bandwidth ? { bandwidth: cniBandwidth(bandwidth) } : {}) } }
      : {}),
    ...(previous ? { prevResult: previous } : {}),
  }
}

const limitsBandwidth = ({ capabilities }: CniPlugin) => capabilities?.['bandwidth'] === true

/** As the convention for capabilities of CNI has it. Bits; no bound on bursts, as upstream asks for. */
function cniBandwidth({ ingress, egress }: Bandwidth): Record<string, number> {
  const burst = 2 ** 31 - 1
  return {
    ...(ingress === undefined ? {} : { ingressRate: ingress, ingressBurst: burst }),
    ...(egress === undefined ? {} : { egressRate: egress, egressBurst: burst }),
  }
}

function callFor({ sandbox }: Attachment, command: CniCall['command'], netns: string): CniCall {
  const { name, namespace, uid } = sandbox.pod
  const args = {
    IgnoreUnknown: '1',
    K8S_POD_NAMESPACE: namespace,
    K8S_POD_NAME: name,
    K8S_POD_INFRA_CONTAINER_ID: sandbox.id,
    K8S_POD_UID: uid,
  }
  return { command, containerId: sandbox.id, netns, ifName: INTERFACE, args }
}
