import type { Client } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node, Taint } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { FOLDERS_OF_NODE } from '../../shared/volumes/annotations.ts'
import type { NodeReport } from './node-report.ts'
import { withoutRefusedAddresses } from './refused-addresses.ts'

/** What the node says of itself besides its status. */
export interface NodeIdentity {
  name: string
  /** Kubernetes architecture name. */
  architecture: string
  /** `--node-labels`. */
  labels: Readonly<Record<string, string>>
  /** `--register-with-taints`; only for a node that is new. */
  taints: readonly Taint[]
  /** The folder for PersistentVolumes; provisioners read it. */
  volumeFolders: string
  unschedulable: boolean
  /** `--provider-id`; only for a node that is new. */
  providerID?: string | undefined
}

interface RegistrationTools {
  client: Client
  clock: Clock
  log: Logger
}

const RETRY = { first: 200, most: 7_000 }

/**
 * Creates the Node, or adopts the one of that name: its labels that are ours are set right, all else on it stays.
 * Tries until it succeeds; rejects only when the signal aborts.
 * @param report asked before each attempt, for the status that a new Node starts with
 */
export async function registerNode(
  identity: NodeIdentity,
  report: () => Promise<NodeReport>,
  { client, clock, log }: RegistrationTools,
  signal: AbortSignal,
): Promise<Node> {
  for (let wait = RETRY.first; ; wait = Math.min(wait * 2, RETRY.most)) {
    try {
      return await registerOnce(identity, report, client, log, signal)
    } catch (error) {
      signal.throwIfAborted()
      log.warn('the node cannot be registered yet', { node: identity.name, error, retryMilliseconds: wait })
      await clock.sleep(wait, signal)
    }
  }
}

async function registerOnce(
  identity: NodeIdentity,
  report: () => Promise<NodeReport>,
  client: Client,
  log: Logger,
  signal: AbortSignal,
): Promise<Node> {
  const labels = ownLabels(identity)
  const annotations = { [FOLDERS_OF_NODE]: identity.volumeFolders }
  const metadata = { name: identity.name, labels, annotations }
  const spec = {
    taints: [...identity.taints],
    ...(identity.unschedulable ? { unschedulable: true } : {}),
    ...(identity.providerID ? { providerID: identity.providerID } : {}),
  }
  const create = (status: NodeReport) => client.create('v1', 'Node', { metadata, spec, status }, { signal })
  try {
    const status = await report()
    const node = await create(status).catch((error) => {
      const rest = withoutRefusedAddresses(status, error)
      if (!rest) throw error
      log.warn('the node has an address that it may not have; it is registered without it', { node: identity.name, error })
      return create(rest)
    })
    log.info('registered the node', { node: identity.name })
    return node
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error
  }
  const present = await client.get('v1', 'Node', { name: identity.name }, { signal })
  const wrong = Object.entries(labels).filter(([name, value]) => present.metadata.labels?.[name] !== value)
  const isToldWhere = present.metadata.annotations?.[FOLDERS_OF_NODE] === identity.volumeFolders
  log.info('the node is registered already', { node: identity.name, labelsToSet: wrong.map(([name]) => name) })
  if (wrong.length === 0 && isToldWhere) return present
  const patch = { type: 'merge', body: { metadata: { labels: Object.fromEntries(wrong), annotations } } } as const
  return client.patch('v1', 'Node', { name: identity.name }, patch, { signal })
}

/** The labels every node carries, and those it was told to carry. */
export function ownLabels({ name, architecture, labels }: NodeIdentity): Record<string, string> {
  return {
    ...labels,
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': 'linux',
    'beta.kubernetes.io/arch': architecture,
  }
}
