import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { settings as controllerSettings } from '../../controller-manager/config.ts'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import { outputOf } from '../../deploy/command.ts'
import { ownAddress } from '../../kubelet/node/node-settings.ts'
import { linuxMounter } from '../../kubelet/volumes/mounter.ts'
import { settings as schedulerSettings } from '../../scheduler/config.ts'
import { createScheduler } from '../../scheduler/create-scheduler.ts'
import type { Client } from '../../shared/client/client.ts'
import { connectClient } from '../../shared/client/connect.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { Node, ServiceAccount } from '../../shared/openapi/generated/core-v1.ts'
import { readConfig } from '../../shared/process/config.ts'
import type { Service } from '../../shared/process/run.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { eventually } from './eventually.ts'
import { findKubectl, type Kubectl, kubectlFor } from './kubectl.ts'
import { type ServedApi, serveApi } from './served-api.ts'

const CHECKOUT = resolve(import.meta.dirname, '../..')
const SOCKET = '/var/run/docker.sock'

/** A cluster of one real node: API server, controllers and scheduler in this process, the kubelet as a process of its own on this machine's engine. */
export interface RealNode {
  readonly api: ServedApi
  readonly client: Client
  readonly kubectl: Kubectl
  readonly nodeName: string
  readonly rootDir: string
  /** The kubelet's process; another one after each start. */
  readonly kubelet: ChildProcess
  /** @param flags more of them; the last of a name counts */
  startKubelet(...flags: string[]): void
  /** Starts the kubelet and waits until its node takes pods. @param within how long the node may take, milliseconds */
  joined(within?: number): Promise<void>
  /** Resolves when it has ended. */
  stopKubelet(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** What the kubelet has said so far. */
  kubeletLog(): string
  /** Ids of this node's containers, sandboxes included, sorted. */
  containers(options?: { running: boolean }): Promise<string[]>
  /** Removes everything that was made. */
  dispose(): Promise<void>
}

/**
 * @param podRange addresses that nothing else on this machine uses, a /24
 * @param controllerManagerFlags more of them
 * @param kubeletFlags more of them, at every start
 */
export async function startRealNode(
  podRange: string,
  controllerManagerFlags: readonly string[] = [],
  kubeletFlags: readonly string[] = [],
): Promise<RealNode> {
  if (!existsSync(SOCKET)) throw new Error(`no Docker Engine at ${SOCKET}: run deploy/engine.sh first`)
  const tools = { clock: realClock(), random: systemRandom(), log: silentLogger() }
  const nodeName = `node-${tools.random.nameSuffix(6)}`
  const api = await serveApi()
  const { directory } = api
  const credentials = (file: string) => join(directory, 'credentials', file)
  const rootDir = join(directory, 'kubelet')
  const logFile = join(directory, 'kubelet.log')
  // Not loopback: no node is found there.
  const address = ownAddress()
  const port = await freePort(address)
  let kubelet: ChildProcess | undefined

  const services: Service[] = [
    await createControllerManager(
      readConfig({ name: 'controller-manager', summary: '' }, controllerSettings, {
        args: [
          ...[`--kubeconfig=${credentials('controller-manager.kubeconfig')}`, '--leader-elect=false', '--health-port=0'],
          ...[`--cluster-cidr=${podRange}`, '--node-cidr-mask-size=24', `--root-ca-file=${credentials('ca.crt')}`],
          `--cluster-signing-cert-file=${credentials('signing/ca.crt')}`,
          `--cluster-signing-key-file=${credentials('signing/ca.key')}`,
          ...controllerManagerFlags,
        ],
        env: {},
      }),
      tools,
    ),
    createScheduler(
      readConfig({ name: 'scheduler', summary: '' }, schedulerSettings, {
        args: [`--kubeconfig=${credentials('scheduler.kubeconfig')}`, '--leader-elect=false', '--health-port=0'],
        env: {},
      }),
      tools,
    ),
  ]
  const { client, close } = connectClient({ kubeconfig: credentials('admin.kubeconfig'), clock: tools.clock, userAgent: 'test' })
  const containers = async ({ running } = { running: false }) => {
    const args = ['ps', '--quiet', '--no-trunc', '--filter', `label=coxswain.node=${nodeName}`, ...(running ? [] : ['--all'])]
    return (await outputOf('docker', args))
      .split('\n')
      .filter((id) => id !== '')
      .sort()
  }

  const node = {
    api,
    client,
    kubectl: kubectlFor(await findKubectl(), credentials('admin.kubeconfig')),
    nodeName,
    rootDir,
    get kubelet() {
      if (!kubelet) throw new Error('the kubelet was not started')
      return kubelet
    },
    startKubelet(...flags: string[]) {
      const args = [
        ...[`--bootstrap-kubeconfig=${credentials('join/bootstrap.kubeconfig')}`, `--kubeconfig=${join(rootDir, 'kubelet.kubeconfig')}`],
        ...[`--root-dir=${rootDir}`, `--node-name=${nodeName}`, `--node-ip=${address}`, `--address=${address}`, `--port=${port}`],
        ...['--health-port=0', `--network-state-dir=${join(directory, 'network')}`, `--cni-config-dir=${join(directory, 'cni')}`],
        ...[`--pod-logs-dir=${join(directory, 'pod-logs')}`, `--container-logs-dir=${join(directory, 'container-logs')}`],
        ...['--log-level=debug', '--node-status-update-frequency=1s'],
        ...kubeletFlags,
        ...flags,
      ]
      kubelet = spawn(process.execPath, [join(CHECKOUT, 'kubelet/main.ts'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      for (const output of [kubelet.stdout, kubelet.stderr]) output?.pipe(createWriteStream(logFile, { flags: 'a' }))
    },
    async joined(within?: number) {
      node.startKubelet()
      const isReady = (nodes: Node[]) => nodes.some(({ status }) => isTrue(status.conditions, 'Ready'))
      await eventually(client, ['v1', 'Node'], isReady, within === undefined ? {} : { withinMilliseconds: within })
      const isDefault = ({ metadata }: ServiceAccount) => metadata.name === 'default'
      await eventually(client, ['v1', 'ServiceAccount'], (all) => all.some(isDefault), { namespace: 'default' })
    },
    async stopKubelet(signal: 'SIGTERM' | 'SIGKILL') {
      if (!kubelet || kubelet.exitCode !== null || kubelet.signalCode !== null) return
      const ended = once(kubelet, 'exit')
      kubelet.kill(signal)
      await ended
    },
    kubeletLog: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
    containers,
    async dispose() {
      await node.stopKubelet('SIGTERM')
      for (const service of services.reverse()) await service.stop()
      close()
      const left = await containers()
      if (left.length > 0) await outputOf('docker', ['rm', '--force', ...left])
      const mounter = linuxMounter(realClock())
      const { signal } = new AbortController()
      for (const path of await mounter.mountsUnder(rootDir)) await mounter.unmount(path, signal)
      await api.stop({ keep: true })
      await rm(directory, { recursive: true, force: true })
    },
  }
  try {
    for (const service of services) await service.start()
  } catch (error) {
    await node.dispose()
    throw error
  }
  return node
}

async function freePort(at: string): Promise<number> {
  const server = createServer().listen(0, at)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
