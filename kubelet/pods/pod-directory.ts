import { join } from 'node:path'

/** Where a pod keeps its files on the node: `<root>/pods/<uid>`. The tree is upstream's, so that people find their way. */
export function podDirectory(rootDir: string, podUid: string): string {
  return join(rootDir, 'pods', podUid)
}

/** The folder of one volume; `/` in a plugin's name becomes `~`, as on any Kubernetes node. */
export function volumeDirectory(rootDir: string, podUid: string, pluginName: string, volumeName: string): string {
  return join(podDirectory(rootDir, podUid), 'volumes', pluginName.replaceAll('/', '~'), volumeName)
}

/** What the kubelet keeps for one container: termination messages, one file an attempt. */
export function containerDirectory(rootDir: string, podUid: string, containerName: string): string {
  return join(podDirectory(rootDir, podUid), 'containers', containerName)
}
