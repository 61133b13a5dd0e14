import { mkdirSync, readFileSync } from 'node:fs'
import { alternativeNames } from '../shared/certificates/alternative-names.ts'
import { connectClient } from '../shared/client/connect.ts'
import { lateClient } from '../shared/client/late-client.ts'
import type { Informer } from '../shared/informer/informer.ts'
import { Metrics } from '../shared/metrics/metrics.ts'
import { addProcessMetrics } from '../shared/metrics/process-metrics.ts'
import type { Node } from '../shared/openapi/generated/core-v1.ts'
import { createHealthServer } from '../shared/process/health-server.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { KubeletConfig } from './config.ts'
import { kubeletConfigurationOf } from './configz.ts'
import { collectImages, type ImageLimits, imageLimits } from './images/image-collector.ts'
import { addressChange, addressTowards } from './node/address-watch.ts'
import { measureHeadroom } from './node/capacity.ts'
import { type ClientCertificateOptions, ensureClientCertificate, rotateClientCertificate } from './node/client-certificate.ts'
import { checkNodeIps, givenAddresses, needsSearch } from './node/given-addresses.ts'
import { readCluster } from './node/kubeconfig-file.ts'
import { type Enforcement, enforceAllocatable, enforcementOf, podLimits } from './node/node-allocatable.ts'
import { architectureName, readNodeFacts } from './node/node-facts.ts'
import { keepNode } from './node/node-keeper.ts'
import { keptBackOf, ownAddress, pairsOf, registrationTaints, reservedOf } from './node/node-settings.ts'
import { nodeObserver } from './node/observe-node.ts'
import { keepServingCertificate, servingCertificate } from './node/serving-certificate.ts'
import { createPodAgent, type PodAgent } from './pods/create-pod-agent.ts'
import { runtimeEndpoint } from './runtime/node-runtime.ts'
import { createKubeletServer } from './server/server.ts'
import { createNodeStats } from './stats/node-stats.ts'
import { foldersOfNode } from './volumes/node-folders.ts'

/** The release whose behaviour this is. */
const VERSION = 'v1.36.0+coxswain'

/**
 * Builds the kubelet of one node. Its static pods run at once; `start` resolves when the node has joined and all its pods are looked after,
 * and until then it says what it waits for. `stop` leaves every container as it is.
 */
export function createKubelet(config: KubeletConfig, tools: ProcessTools): Service {
  const { clock, random } = tools
  const stopping = new AbortController()
  const { signal } = stopping
  const settings = {
    taints: registrationTaints(config),
    labels: pairsOf('node-labels', config.nodeLabels),
    images: imageLimits(config),
    reserved: reservedOf(config),
    keptBack: keptBackOf(config),
    enforcement: enforcementOf(config),
  }
  // Refused now rather than when the node has joined.
  runtimeEndpoint(config.containerRuntimeEndpoint)
  checkNodeIps(config.nodeIp)
  const metrics = new Metrics()
  addProcessMetrics(metrics)
  let joined = false
  const health = createHealthServer(
    { host: config.bindAddress, port: config.healthPort },
    { ready: { joined: () => (joined ? undefined : 'the node has not joined the cluster yet') }, metrics },
  )
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => undefined)
  let agent: PodAgent | undefined
  let connection: ReturnType<typeof connectClient> | undefined
  let work: RunningKubelet | undefined

  return {
    ended: ended.promise,
    async start() {
      mkdirSync(config.rootDir, { recursive: true, mode: 0o755 })
      if (config.healthPort !== 0) await health.start()
      const connect = (kubeconfig: string) => (tools.connect ?? connectClient)({ kubeconfig, clock, random, userAgent: 'kubelet' })
      const late = lateClient(signal)
      // The way to the API server decides; before there is one, the machine's own idea has to do.
      let hostAddresses = givenAddresses(config.nodeIp, anyAddress())
      const hostIPs = () => hostAddresses
      try {
        agent = await createPodAgent({ config, hostIPs, client: late.client, onPowerFailure: ended.resolve, tools, signal })
      } catch (error) {
        if (signal.aborted) return
        throw error
      }
      agent.workers.start()
      // Static pods run before the node has joined, and without: that is what they are for.
      agent.statics.run(signal).catch(ended.reject)
      agent.shutdown.run(signal).catch(ended.reject)
      agent.eviction.run(signal).catch(ended.reject)
      const certificate = certificateOptions(config, tools, (file) => connect(file).client)
      try {
        await ensureClientCertificate(certificate, signal)
      } catch (error) {
        if (signal.aborted) return
        throw error
      }
      joined = true
      const { server: apiServer } = readCluster(readFileSync(config.kubeconfig, 'utf8'))
      const address = needsSearch(config.nodeIp) ? ((await addressTowards(apiServer)) ?? anyAddress()) : undefined
      hostAddresses = givenAddresses(config.nodeIp, address)
      if (hostAddresses.length === 0) ownAddress()
      connection = connect(config.kubeconfig)
      late.connect(connection.client)
      try {
        work = await startWork({
          config,
          settings,
          nodeIps: hostAddresses,
          apiServer,
          tools,
          metrics,
          certificate,
          connection,
          agent,
          signal,
        })
      } catch (error) {
        if (signal.aborted) return
        throw error
      }
      work.finished.then(() => ended.resolve(), ended.reject)
    },
    async stop() {
      stopping.abort(new Error('the kubelet is stopping'))
      await work?.stop()
      await agent?.workers.idle()
      await agent?.events.flush()
      connection?.close()
      if (config.healthPort !== 0) await health.stop()
    },
  }
}

function certificateOptions(
  { nodeName, rootDir, kubeconfig, bootstrapKubeconfig }: KubeletConfig,
  { clock, random, log }: ProcessTools,
  connect: ClientCertificateOptions['connect'],
): ClientCertificateOptions {
  return { nodeName, rootDir, kubeconfig, bootstrapKubeconfig, connect, clock, random, log }
}

interface RunningKubelet {
  /** Rejects when a loop cannot go on. */
  finished: Promise<void>
  stop(): Promise<void>
}

interface WorkOptions {
  config: KubeletConfig
  settings: {
    taints: ReturnType<typeof registrationTaints>
    labels: Record<string, string>
    reserved: ReturnType<typeof reservedOf>
    keptBack: ReturnType<typeof keptBackOf>
    enforcement: Enforcement
    images: ImageLimits
  }
  /** Of the node, one a family at most, the primary one first. */
  nodeIps: readonly string[]
  /** Its URL. */
  apiServer: string
  tools: ProcessTools
  metrics: Metrics
  certificate: ClientCertificateOptions
  connection: ReturnType<typeof connectClient>
  agent: PodAgent
  signal: AbortSignal
}

/** Everything that needs the node's identity, in the order in which one builds on the other. */
async function startWork({
  config,
  settings,
  nodeIps,
  apiServer,
  tools,
  metrics,
  certificate,
  connection,
  agent,
  signal,
}: WorkOptions): Promise<RunningKubelet> {
  const { clock, log } = tools
  const { nodeName, rootDir } = config
  const { client } = connection
  const { informers, events, nodes, network, runtime, folders, csi, workers, eviction, shutdown, imagesSeen } = agent
  const places = { rootDir }
  const facts = await readNodeFacts(VERSION)
  metrics.gaugeFrom('kubelet_running_pods', 'Pods that are looked after.', () => workers.list().length)

  const serving = servingOptions(config, nodeIps, tools)
  const server = createKubeletServer({
    ...{ host: config.address, port: config.port, clientAuthority: serving.authority, certificate: await servingCertificate(serving) },
    pods: { list: () => workers.list() },
    stats: createNodeStats({ nodeName, places, runtime, pods: () => workers.list(), volumes: agent.volumes, clock }),
    ...{ runtime, metrics, clock, log, health: () => undefined, configuration: kubeletConfigurationOf(config) },
  })
  const port = await server.start()
  informers.start(signal)
  csi.run(signal).catch((error: unknown) => log.error('CSI drivers are not followed any more', { error }))
  folders.run(signal).catch((error: unknown) => log.error('folders of volumes are not looked after any more', { error }))
  reclaimAddresses().catch((error: unknown) => {
    if (!signal.aborted) log.warn('addresses of dead sandboxes were not taken back', { error })
  })

  const observe = nodeObserver({
    ...{ places, facts, runtime, network, clock, port: () => port, reserved: settings.keptBack, maxPods: config.maxPods },
    ...{ pressure: () => eviction.pressure, isShuttingDown: () => shutdown.isShuttingDown },
    volumesInUse: () =>
      csi.inUse.list().catch((error: unknown) => {
        log.warn('which volumes are in use could not be read; the node status says what it said', { error })
        return undefined
      }),
    keepsAddresses: config.cloudProvider === 'external',
    addresses: [...nodeIps.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: nodeName }],
  })
  const identity = {
    volumeFolders: foldersOfNode(rootDir),
    ...{ name: nodeName, architecture: architectureName(process.arch), labels: settings.labels, taints: settings.taints },
    ...{ unschedulable: !config.registerSchedulable, providerID: config.providerId },
  }
  const disk = async () => {
    const { storageTotal, storageBytes } = await measureHeadroom(places)
    return { capacity: storageTotal, available: storageBytes }
  }
  const loops = [
    keepNode(
      {
        ...{ identity, client, nodes, observe, events, clock, log },
        onStrain: (listener) => {
          eviction.onChange(listener)
          shutdown.onChange(listener)
          csi.inUse.onChange(listener)
        },
        lookEvery: config.nodeStatusUpdateFrequency,
        reportEvery: config.nodeStatusReportFrequency,
        renewEvery: config.nodeLeaseRenewInterval,
        leaseSeconds: config.nodeLeaseDurationSeconds,
      },
      signal,
    ),
    known(nodes, nodeName, signal).then(() => keepServingCertificate(serving, client, (pair) => server.setCertificate(pair), signal)),
    known(nodes, nodeName, signal).then((node) =>
      enforceAllocatable(
        {
          ...{ enforcement: settings.enforcement, limits: podLimits(places, settings.reserved) },
          ...{ limitPods: runtime.limitPods, node, events, clock, log },
        },
        signal,
      ),
    ),
    rotateClientCertificate(certificate, client, signal),
    agent.housekeeping(signal),
    agent.links.run(signal),
    collectImages({ runtime, disk, limits: settings.images, kept: [config.pauseImage], clock, log }, signal, imagesSeen),
  ]
  // Each of them runs until we stop; whichever ends sooner does so with the error that must end the process.
  const finished = Promise.race([Promise.all(loops).then(() => undefined), ...(config.nodeIp.length === 0 ? [moved()] : [])])

  /** Resolves when this machine has another address: whoever keeps us running starts us again, and then we are found there. */
  async function moved(): Promise<void> {
    const [before = ''] = nodeIps
    const address = await addressChange(before, () => addressTowards(apiServer), clock, signal)
    log.info('the address of this machine has changed; starting again with it', { before, address })
  }

  /** Sandboxes that died while nobody looked, with their addresses. */
  async function reclaimAddresses(): Promise<void> {
    for (;;) {
      try {
        const living = await runtime.listSandboxes({}, signal)
        return await network.reclaim(new Set(living.map((sandbox) => sandbox.id)))
      } catch (error) {
        signal.throwIfAborted()
        log.debug('the engine does not answer yet', { error })
        await clock.sleep(2_000, signal)
      }
    }
  }

  return {
    finished: finished.catch((error: unknown) => {
      if (!signal.aborted) throw error
    }),
    async stop() {
      await server.stop()
      await Promise.allSettled(loops)
    },
  }
}

/** Resolves when the Node exists: a serving certificate is only given for addresses that are known to be the node's. */
function known(nodes: Informer<Node>, name: string, signal: AbortSignal): Promise<Node> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    const unsubscribe = nodes.onChange((_key, current) => {
      if (current?.metadata.name === name && current.status.addresses?.length) resolve(current)
    })
    signal.addEventListener('abort', unsubscribe, { once: true })
  })
}

/** An address of this machine, if it has one already. */
function anyAddress(): string | undefined {
  try {
    return ownAddress()
  } catch {
    return undefined // asked again when the node has joined; then it is an error
  }
}

function servingOptions(config: KubeletConfig, nodeIps: readonly string[], { clock, random, log }: ProcessTools) {
  const { authority } = readCluster(readFileSync(config.kubeconfig, 'utf8'))
  const names = alternativeNames([config.nodeName, ...nodeIps])
  return { nodeName: config.nodeName, rootDir: config.rootDir, names, authority, clock, random, log }
}
