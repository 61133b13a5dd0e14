import { DEFAULT_DOORS, type MachineRecord, type MachineRole } from './machine-record.ts'
import { adminKubeconfig, bootstrapKubeconfig, nodeKubeconfig, places, proxyKubeconfig } from './places.ts'

/** One process of a machine. */
export interface MachineProcess {
  /** Of the folder with its `main.ts`; its unit is `coxswain-<name>`. */
  readonly name: string
  readonly role: MachineRole
  readonly summary: string
  /** A file that another process makes, without which this one waits. */
  readonly awaits?: string
  /** Its `/healthz` on loopback; the API server's is asked over TLS. */
  readonly healthPort?: number
  /** Whether it needs the machine's Docker Engine. */
  readonly needsEngine?: boolean
  /** A script of this folder that prepares the machine, run before each start. */
  readonly prepare?: (machine: MachineRecord) => string
  readonly flags: (machine: MachineRecord) => readonly string[]
  /** Lines of the unit that take from it what it does not need. */
  readonly confinement: readonly string[]
}

/** For processes that only talk to the API server. */
const client = [
  'ProtectSystem=strict',
  'ProtectHome=yes',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'NoNewPrivileges=yes',
  'RestrictSUIDSGID=yes',
  'ProtectKernelModules=yes',
  'ProtectControlGroups=yes',
  'LockPersonality=yes',
]
/** For processes that also set routes, rules and addresses of the machine. */
const network = ['ProtectSystem=full', 'ProtectHome=yes', 'PrivateTmp=yes', 'RestrictSUIDSGID=yes', 'LockPersonality=yes']
const noRights = 'CapabilityBoundingSet='

/** What runs on which machine: a process more is a row more. */
export const machineProcesses: readonly MachineProcess[] = [
  {
    name: 'apiserver',
    role: 'server',
    summary: 'the API, and the store behind it',
    flags: ({ address, port, extraNames, ranges }) => [
      `--data-dir=${places.data}/apiserver`,
      `--credentials-dir=${places.config}`,
      '--bind-address=0.0.0.0',
      `--secure-port=${port}`,
      `--advertise-url=https://${address}:${port}`,
      `--advertise-address=${address}`,
      ...(extraNames.length > 0 ? [`--tls-san=${extraNames.join(',')}`] : []),
      `--service-cluster-ip-range=${ranges.serviceCidr}`,
      `--dns-address=${ranges.clusterDns}`,
      `--cluster-domain=${ranges.clusterDomain}`,
      // 'kubectl get --raw …/proxy/' reaches pods.
      `--pod-routes=${ranges.clusterCidr}`,
    ],
    confinement: [...network, `ReadWritePaths=${places.data} ${places.config}`, 'CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BIND_SERVICE'],
  },
  {
    name: 'controller-manager',
    role: 'server',
    summary: 'the control loops',
    awaits: `${places.config}/controller-manager.kubeconfig`,
    healthPort: 10_257,
    flags: ({ ranges }) => [
      `--kubeconfig=${places.config}/controller-manager.kubeconfig`,
      `--cluster-cidr=${ranges.clusterCidr}`,
      `--root-ca-file=${places.config}/ca.crt`,
      `--cluster-signing-cert-file=${places.config}/signing/ca.crt`,
      `--cluster-signing-key-file=${places.config}/signing/ca.key`,
      '--leader-elect',
    ],
    confinement: [...client, noRights],
  },
  {
    name: 'scheduler',
    role: 'server',
    summary: 'gives pods their nodes',
    awaits: `${places.config}/scheduler.kubeconfig`,
    healthPort: 10_259,
    flags: () => [`--kubeconfig=${places.config}/scheduler.kubeconfig`, '--leader-elect'],
    confinement: [...client, noRights],
  },
  {
    name: 'cloud-controller-manager',
    role: 'server',
    summary: 'gives Services of type LoadBalancer their addresses',
    awaits: `${places.config}/cloud-controller-manager.kubeconfig`,
    healthPort: 10_258,
    flags: ({ doors = DEFAULT_DOORS }) => [
      `--kubeconfig=${places.config}/cloud-controller-manager.kubeconfig`,
      '--cloud-provider=lab',
      ...(doors.pool.length > 0 ? [`--load-balancer-pool=${doors.pool.join(',')}`] : []),
      '--leader-elect',
    ],
    confinement: [...client, noRights],
  },
  {
    name: 'ingress',
    role: 'server',
    summary: 'serves Ingresses',
    awaits: `${places.config}/edge/ingress.kubeconfig`,
    healthPort: 10_254,
    // The way to the pods is the API server's on this machine.
    flags: ({ address, doors = DEFAULT_DOORS }) => [
      `--kubeconfig=${places.config}/edge/ingress.kubeconfig`,
      `--http-port=${doors.httpPort}`,
      `--https-port=${doors.httpsPort}`,
      `--publish-address=${address}`,
    ],
    confinement: [...client, 'CapabilityBoundingSet=CAP_NET_BIND_SERVICE'],
  },
  {
    name: 'kubelet',
    role: 'node',
    summary: "runs this node's pods on its Docker Engine",
    healthPort: 10_248,
    needsEngine: true,
    flags: ({ nodeName, address, ranges }) => [
      `--bootstrap-kubeconfig=${bootstrapKubeconfig}`,
      `--kubeconfig=${nodeKubeconfig}`,
      `--root-dir=${places.kubelet}`,
      `--network-state-dir=${places.runtime}/network`,
      '--docker-socket=/var/run/docker.sock',
      `--node-name=${nodeName}`,
      ...(address === '' ? [] : [`--node-ip=${address}`]),
      `--cluster-dns=${ranges.clusterDns}`,
      `--cluster-domain=${ranges.clusterDomain}`,
    ],
    // It mounts volumes where the engine must see them, reaches into pods and makes control groups: it is the machine's root.
    confinement: ['LockPersonality=yes'],
  },
  {
    name: 'kube-proxy',
    role: 'node',
    summary: "Services' rules and routes to other nodes' pods",
    awaits: proxyKubeconfig,
    healthPort: 10_256,
    prepare: ({ ranges }) => `allow-forwarding.sh ${ranges.clusterCidr}`,
    flags: ({ nodeName, ranges }) => [
      `--kubeconfig=${proxyKubeconfig}`,
      `--node-name=${nodeName}`,
      `--cluster-cidr=${ranges.clusterCidr}`,
      `--service-cluster-ip-range=${ranges.serviceCidr}`,
      `--node-local-addresses=${ranges.clusterDns}`,
    ],
    confinement: [...network, 'CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_MODULE'],
  },
  {
    name: 'dns',
    role: 'node',
    summary: "names of Services, for this node's pods",
    awaits: proxyKubeconfig,
    healthPort: 10_258,
    flags: ({ nodeName, ranges }) => [
      `--kubeconfig=${proxyKubeconfig}`,
      `--node-name=${nodeName}`,
      `--cluster-dns=${ranges.clusterDns}`,
      `--cluster-domain=${ranges.clusterDomain}`,
    ],
    confinement: [...network, 'CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BIND_SERVICE'],
  },
]

export function processesOf({ role }: Pick<MachineRecord, 'role'>): MachineProcess[] {
  return machineProcesses.filter((process) => process.role === role)
}

/** The kubeconfig that this machine's commands act with. */
export function ownKubeconfig({ role }: Pick<MachineRecord, 'role'>): string {
  return role === 'server' ? adminKubeconfig : nodeKubeconfig
}
