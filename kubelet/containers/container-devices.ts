import type { AnyContainer } from '../pods/pod-containers.ts'
import { type ContainerDevice, RuntimeError } from '../runtime/container-runtime.ts'
import type { PreparedVolume } from '../volumes/volume.ts'

/** The block devices that a container asks for. @throws RuntimeError */
export function containerDevices({ volumeDevices = [] }: AnyContainer, volumes: ReadonlyMap<string, PreparedVolume>): ContainerDevice[] {
  return volumeDevices.map(({ name, devicePath }) => {
    const volume = volumes.get(name)
    if (!volume) throw new RuntimeError('CreateContainerConfigError', `volume ${JSON.stringify(name)} is not part of the pod`)
    if (!volume.isDevice) {
      const message = `volume ${name} has volumeMode Filesystem, but is specified in volumeDevices`
      throw new RuntimeError('CreateContainerConfigError', message)
    }
    return { source: volume.hostPath, target: devicePath, readOnly: volume.readOnly }
  })
}
