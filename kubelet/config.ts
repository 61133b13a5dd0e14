import { OVERLAYS } from '../shared/pods/overlay.ts'
import type { ConfigOf, SettingsTable } from '../shared/process/config.ts'
import { boolean, choice, duration, integer, list, path, port, required, text, url } from '../shared/process/setting.ts'

/** Flags of the kubelet; `--x-y`, or COXSWAIN_X_Y in the environment. */
export const settings = {
  config: path('a file of kind KubeletConfiguration (kubelet.config.k8s.io/v1beta1); flags win over it'),
  kubeconfig: path('credentials for the API server; written here when the node has joined', '/var/lib/kubelet/kubelet.kubeconfig'),
  bootstrapKubeconfig: path('a kubeconfig with a join token, used until the node has a certificate of its own'),
  rootDir: path('where pods keep their files, and the node its certificates', '/var/lib/kubelet'),
  nodeName: required(text('the name of this node')),
  nodeIp: text(
    'the address of this node; default: the one it reaches the API server with; when that changes, the kubelet ends, to be started again',
  ),
  containerRuntimeEndpoint: text('a CRI runtime, e.g. unix:///run/containerd/containerd.sock; without one, the Docker Engine'),
  podLogsDir: path('where a CRI runtime writes logs of containers, for log agents; links to Docker’s', '/var/log/pods'),
  containerLogsDir: path('links to all of those, in one folder', '/var/log/containers'),
  dockerSocket: path('where the Docker Engine listens', '/var/run/docker.sock'),
  pauseImage: text('the image that holds a pod’s namespaces; a CRI runtime has its own setting', 'registry.k8s.io/pause:3.10'),
  address: text('address on which logs, exec and the like are served to the API server', '0.0.0.0'),
  port: port('port of the same', 10_250),
  bindAddress: text('where health is served', '127.0.0.1'),
  healthPort: port('port of health; 0 is off', 10_248),
  clusterDns: list('addresses of cluster DNS', ['10.96.0.10']),
  clusterDomain: text('domain of cluster DNS', 'cluster.local'),
  resolvConf: path('the resolver configuration of the node', '/etc/resolv.conf'),
  cniConfigDir: path('where a network other than ours is configured; a CRI runtime must look there too', '/etc/cni/net.d'),
  cniBinDirs: list('where network plugins are looked for', ['/opt/cni/bin', '/usr/lib/cni']),
  networkStateDir: path('addresses in use; must be empty after a reboot', '/run/coxswain/network'),
  podMtu: integer('largest packet of pods; 0: what the node’s own network takes, wrapped if --overlay says so', 0),
  overlay: choice(
    'how kube-proxy reaches other nodes; but for `direct` packets of pods are smaller, so that they fit when they are wrapped',
    OVERLAYS,
    'auto',
  ),
  maxPods: integer('how many pods may run here', 110, 1),
  podManifestPath: path('a folder (or file) of pods that this node runs by itself, with or without an API server'),
  fileCheckFrequency: duration('how often it is looked at, besides when the system says that it changed', 20_000),
  manifestUrl: url('where more such pods are asked for: a Pod or a PodList', undefined),
  manifestUrlHeader: list('headers of that request: name:value,…'),
  httpCheckFrequency: duration('how often that is asked', 20_000),
  evictionHard: list('pods have to go at once when less than this is there: memory.available<100Mi,nodefs.available<10%,…', [
    ...['memory.available<100Mi', 'nodefs.available<1Gi', 'nodefs.inodesFree<2%', 'imagefs.available<1Gi', 'imagefs.inodesFree<2%'],
    'pid.available<256',
  ]),
  evictionSoft: list('pods have to go when it stays like this for the grace period: memory.available<300Mi,…'),
  evictionSoftGracePeriod: list('how long a soft threshold may be crossed: memory.available=1m30s,…'),
  evictionMinimumReclaim: list('what must be there beyond a threshold before that is over: nodefs.available=500Mi,…'),
  evictionMaxPodGracePeriod: integer('seconds that a pod gets at most when a soft threshold ends it', 0),
  evictionPressureTransitionPeriod: duration('how long the node says that it is short after it was', 300_000),
  shutdownGracePeriod: duration('how long a machine that goes down waits for its pods; 0: not at all', 0),
  shutdownGracePeriodCriticalPods: duration('the last part of that, which critical pods have', 0),
  shutdownGracePeriodByPodPriority: list('in place of both: seconds for pods from a priority on: priority=seconds,…'),
  systemReserved: list('amounts that pods do not get, e.g. cpu=100m,memory=200Mi', ['memory=100Mi']),
  nodeLabels: list('labels to register with: name=value,…'),
  registerWithTaints: list('taints to register with: key=value:Effect,…'),
  cloudProvider: choice(
    'external: a cloud controller manager says what this machine is; until then the node takes no pods, and from then on its addresses are the cloud’s',
    ['', 'external'],
    '',
  ),
  providerId: text('what the cloud calls this machine, where the cloud controller manager is not to find out'),
  registerSchedulable: boolean('whether the node takes pods from the beginning', true),
  nodeStatusUpdateFrequency: duration('how often the node is looked at', 10_000),
  nodeStatusReportFrequency: duration('how often its status is written when nothing changed', 300_000),
  nodeLeaseRenewInterval: duration('how often the node says that it lives', 10_000),
  nodeLeaseDurationSeconds: integer('how long that is believed', 40, 1),
} satisfies SettingsTable

/** The settings as values. */
export type KubeletConfig = ConfigOf<typeof settings>
