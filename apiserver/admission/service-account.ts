import type { Container, Pod, ServiceAccount, Volume } from '../../shared/openapi/generated/core-v1.ts'
import { asKind } from '../registry/as-kind.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import { refusal } from './refuse.ts'

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const VOLUME_PREFIX = 'kube-api-access-'
const MIRROR = 'kubernetes.io/config.mirror'
/** An hour and seven seconds: the odd number lets the server tell these tokens from others. */
const TOKEN_SECONDS = 3607
/** A new namespace gets its default account from a controller; a Pod that comes right behind it waits for that. */
const WAIT = { attempts: 20, milliseconds: 50 } as const

/** Every Pod runs as a service account that exists, with that account's pull secrets and a volume with its token. */
export const serviceAccount: AdmissionRule = {
  name: 'ServiceAccount',
  mutate(request) {
    const pod = request.operation === 'CREATE' ? asKind(request.object, 'v1', 'Pod') : undefined
    if (!pod) return
    if (pod.metadata.annotations?.[MIRROR] !== undefined) return checkMirrorPod(request, pod)
    const name = pod.spec.serviceAccountName || pod.spec.serviceAccount || 'default'
    pod.spec.serviceAccountName = name
    pod.spec.serviceAccount = name
    const account = find(request, name)
    if (account) return give(request, pod, account)
    if (name !== 'default') throw missing(request, name)
    return awaitDefault(request, name).then((found) => give(request, pod, found))
  },
}

/** The kubelet compares a mirror Pod with its file, so nothing may be added to it; and it may not borrow an identity. */
function checkMirrorPod(request: AdmissionRequest, pod: Pod): void {
  if (pod.spec.serviceAccountName) throw refusal(request, 'a mirror pod may not reference service accounts')
  for (const { secret, projected } of pod.spec.volumes ?? []) {
    if (secret) throw refusal(request, 'a mirror pod may not reference secrets')
    if (projected?.sources?.some((source) => source.serviceAccountToken)) {
      throw refusal(request, 'a mirror pod may not use ServiceAccountToken volume projections')
    }
  }
}

function find({ context, namespace }: AdmissionRequest, name: string): ServiceAccount | undefined {
  return context.reader.get('v1', 'ServiceAccount', { namespace, name })
}

function missing(request: AdmissionRequest, name: string) {
  return refusal(request, `error looking up service account ${request.namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`)
}

async function awaitDefault(request: AdmissionRequest, name: string): Promise<ServiceAccount> {
  for (let attempt = 0; attempt < WAIT.attempts; attempt++) {
    await request.context.clock.sleep(WAIT.milliseconds)
    const account = find(request, name)
    if (account) return account
  }
  throw missing(request, name)
}

function give(request: AdmissionRequest, pod: Pod, account: ServiceAccount): void {
  const mounts = pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true
  if (mounts) mountToken(pod, () => VOLUME_PREFIX + request.context.random.nameSuffix(5))
  if (!pod.spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
    pod.spec.imagePullSecrets = account.imagePullSecrets.map((reference) => ({ ...reference }))
  }
}

/** A container that mounts something of its own at that path keeps it. */
function mountToken(pod: Pod, newName: () => string): void {
  const { spec } = pod
  const needy = [...(spec.initContainers ?? []), ...spec.containers].filter(
    ({ volumeMounts }) => !volumeMounts?.some((mount) => mount.mountPath === MOUNT_PATH),
  )
  if (needy.length === 0) return
  const existing = spec.volumes?.find(({ name }) => name.startsWith(VOLUME_PREFIX))?.name
  const name = existing ?? newName()
  for (const container of needy) addMount(container, name)
  if (existing === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

function addMount(container: Container, name: string): void {
  container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }]
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
      defaultMode: 0o644,
    },
  }
}
