import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Server, ServerCredentials, type ServiceDefinition, type sendUnaryData, status } from '@grpc/grpc-js'
import { loadProto } from '../../shared/grpc/grpc-client.ts'

/**
 * A storage driver for tests, as a process of its own: `csi-driver-process.ts <name> <root-dir of the kubelet> <folder>`. A volume is the folder
 * `<folder>/data/<handle>`, really mounted (bind); one written in a pod is a file system in memory, a device is what its attribute `device` names. It registers as drivers do and writes what it is
 * asked, as a line of JSON each, to `<folder>/calls`. It plays no provisioner and no attacher.
 */
const [name = '', rootDir = '', folder = ''] = process.argv.slice(2)
const protos = resolve(import.meta.dirname, '../../kubelet/csi')
const socket = join(rootDir, 'plugins', name, 'csi.sock')
const registration = join(rootDir, 'plugins_registry', `${name}-reg.sock`)
const data = (handle: string) => join(folder, 'data', handle)

interface Asked {
  volumeId: string
  stagingTargetPath: string
  targetPath: string
  volumePath: string
  volumeContext: Record<string, string>
  volumeCapability: { block?: object } | null
}

const isMounted = (path: string) => {
  try {
    execFileSync('mountpoint', ['-q', path])
    return true
  } catch {
    return false
  }
}
const mount = (...args: string[]) => execFileSync('mount', args)
const unmount = (path: string) => {
  if (isMounted(path)) execFileSync('umount', [path])
  rmSync(path, { recursive: true, force: true })
}

const rpc = (type: string) => ({ rpc: { type } })
const answers: Record<string, (asked: Asked) => object> = {
  NodeGetInfo: () => ({
    nodeId: `id-of-${name}`,
    maxVolumesPerNode: 3,
    accessibleTopology: { segments: { [`topology.${name}/rack`]: 'r1' } },
  }),
  NodeGetCapabilities: () => ({ capabilities: [rpc('STAGE_UNSTAGE_VOLUME'), rpc('GET_VOLUME_STATS'), rpc('EXPAND_VOLUME')] }),
  NodeStageVolume({ volumeId, stagingTargetPath, volumeCapability }) {
    if (volumeCapability?.block) return {}
    mkdirSync(data(volumeId), { recursive: true })
    if (!isMounted(stagingTargetPath)) mount('--bind', data(volumeId), stagingTargetPath)
    return {}
  },
  NodeUnstageVolume({ stagingTargetPath }) {
    if (isMounted(stagingTargetPath)) execFileSync('umount', [stagingTargetPath])
    return {}
  },
  NodePublishVolume({ stagingTargetPath, targetPath, volumeCapability, volumeContext }) {
    if (isMounted(targetPath)) return {}
    if (volumeCapability?.block) {
      writeFileSync(targetPath, '')
      mount('--bind', volumeContext['device'] ?? '', targetPath)
      return {}
    }
    mkdirSync(targetPath, { recursive: true })
    if (stagingTargetPath) mount('--bind', stagingTargetPath, targetPath)
    else mount('-t', 'tmpfs', 'tmpfs', targetPath)
    return {}
  },
  NodeUnpublishVolume({ targetPath }) {
    unmount(targetPath)
    return {}
  },
  NodeGetVolumeStats({ volumePath }) {
    const { blocks, bsize, bavail } = statfsSync(volumePath)
    return {
      usage: [
        { unit: 'BYTES', total: blocks * bsize, available: bavail * bsize, used: 4096 },
        { unit: 'INODES', total: 9, used: 2, available: 7 },
      ],
    }
  },
  NodeExpandVolume: () => ({ capacityBytes: '0' }),
}

function serve(file: string, definition: ServiceDefinition, named: typeof answers, at: string): void {
  mkdirSync(resolve(at, '..'), { recursive: true })
  rmSync(at, { force: true })
  const server = new Server()
  const handle = (call: string) => (asked: { request: Asked }, reply: sendUnaryData<object>) => {
    appendFileSync(join(folder, 'calls'), `${JSON.stringify({ call, ...asked.request })}\n`)
    try {
      const act = named[call]
      if (act) reply(null, act(asked.request))
      else reply({ code: status.UNIMPLEMENTED, details: call })
    } catch (error) {
      reply({ code: status.INTERNAL, details: String(error) })
    }
  }
  server.addService(definition, Object.fromEntries(Object.keys(definition).map((call) => [call, handle(call)])))
  server.bindAsync(`unix://${at}`, ServerCredentials.createInsecure(), (error) => {
    if (error) throw new Error(`${file}: ${error.message}`, { cause: error })
  })
}

function serviceOf(file: string, called: string): ServiceDefinition {
  const service = loadProto(join(protos, file))[called]
  if (!service || typeof service.format === 'string') throw new Error(`${file} has no service ${called}`)
  return service as ServiceDefinition
}

serve('csi.proto', serviceOf('csi.proto', 'csi.v1.Node'), answers, socket)
serve(
  'plugin-registration.proto',
  serviceOf('plugin-registration.proto', 'pluginregistration.Registration'),
  {
    GetInfo: () => ({ type: 'CSIPlugin', name, endpoint: socket, supportedVersions: ['1.0.0'] }),
    NotifyRegistrationStatus: () => ({}),
  },
  registration,
)
process.once('SIGTERM', () => {
  for (const path of [registration, socket]) rmSync(path, { force: true })
  process.exit(0)
})
