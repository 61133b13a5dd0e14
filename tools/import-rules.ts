/** The rooms of shared/, each of which may import only those before it; the order is that of docs/contracts.md. */
export const sharedOrder: readonly string[] = [
  'time',
  'random',
  'limits',
  'text',
  'errors',
  'schedules',
  'machine',
  'addresses',
  'logging',
  'metrics',
  'streams',
  'grpc',
  'quantity',
  'openapi',
  'selectors',
  'objects',
  'cel',
  'pods',
  'volumes',
  'ingress',
  'quota',
  'certificates',
  'client',
  'informer',
  'controller',
  'process',
]

/** Processes: none imports another. */
export const services: readonly string[] = [
  'apiserver',
  'controller-manager',
  'scheduler',
  'kubelet',
  'kube-proxy',
  'dns',
  'ingress',
  'cloud-controller-manager',
  'dashboard',
]

/**
 * Which rooms of the API server may import which at run time: the way of a request, top to bottom, with storage at the end of it.
 * Types may be imported against it where a contract lies in the lower room.
 */
export const apiServerRooms: Readonly<Record<string, readonly string[]>> = {
  http: ['authn', 'protobuf'],
  protobuf: ['http'],
  limits: ['http'],
  flowcontrol: ['authn', 'registry', 'http'],
  authn: ['certificates', 'registry'],
  audit: ['http', 'authn'],
  authz: ['authn', 'registry'],
  admission: ['authn', 'authz', 'registry', 'allocation', 'ownership', 'http', 'patch'],
  patch: [],
  allocation: ['registry'],
  storage: [],
  ownership: ['registry', 'patch'],
  registry: ['admission', 'ownership', 'patch', 'allocation', 'storage', 'authn', 'http', 'protobuf'],
  rules: ['registry', 'authn', 'authz', 'flowcontrol'],
  resources: ['registry', 'rules', 'flowcontrol', 'allocation', 'custom-resources'],
  'custom-resources': ['registry', 'rules', 'storage', 'authn'],
  watch: ['storage', 'registry', 'http', 'protobuf'],
  usage: ['registry'],
  verbs: ['http', 'protobuf', 'ownership', 'patch', 'registry', 'watch', 'authn'],
  connect: ['http', 'authn', 'registry', 'certificates', 'verbs'],
  discovery: ['http', 'protobuf', 'authn', 'registry', 'certificates', 'patch', 'aggregation'],
  aggregation: ['registry', 'rules', 'authn', 'http', 'connect', 'bootstrap', 'certificates', 'verbs'],
  hood: ['http', 'patch', 'registry', 'storage', 'rewind'],
  rewind: ['http', 'patch', 'registry', 'storage', 'verbs', 'discovery', 'custom-resources'],
  certificates: [],
  bootstrap: ['registry', 'authn', 'authz', 'certificates', 'flowcontrol', 'allocation'],
}

/** Words that may only be written where the real clock, chance and process are made. */
export const banned: readonly { pattern: RegExp; word: string; instead: string }[] = [
  {
    pattern: /(?<!\.)\bsetTimeout\s*\(/,
    word: 'setTimeout',
    instead: 'clock.after or clock.sleep: a simulated cluster must be able to move time',
  },
  { pattern: /(?<!\.)\bsetInterval\s*\(/, word: 'setInterval', instead: 'clock.every: a simulated cluster must be able to move time' },
  { pattern: /\bDate\.now\b/, word: 'Date.now', instead: 'clock.now(): time is a parameter' },
  { pattern: /\bnew Date\(\s*\)/, word: 'new Date()', instead: 'clock.now(): time is a parameter' },
  { pattern: /\bperformance\.now\b/, word: 'performance.now', instead: 'clock.monotonic(): time is a parameter' },
  { pattern: /\bMath\.random\b/, word: 'Math.random', instead: 'random.fraction(): a run must be repeatable from a seed' },
  { pattern: /\bprocess\.exit\s*\(/, word: 'process.exit', instead: 'ending the service: only main.ts ends the process' },
  { pattern: /'node:timers(\/promises)?'/, word: 'node:timers', instead: 'the clock that is handed in' },
]

/** Where the banned words are at home. Virtual time has to know when the loop has nothing more to do. */
export function mayTouchTheWorld(path: string): boolean {
  return ['shared/time/', 'shared/random/', 'simulation/time/'].some((room) => path.startsWith(room)) || path.endsWith('/main.ts')
}

/** Stands above the services: builds them by their front doors, all in one process. */
export const simulation = 'simulation'

/** What of a service others may build it by. */
export const frontDoor = /\/(create-[^/]+|config|load|local-transport)\.ts$/

/** Folders that are programs for people or tests: they run on real time. */
export const onRealTime: readonly string[] = ['tools', 'test', 'bench', 'deploy']
