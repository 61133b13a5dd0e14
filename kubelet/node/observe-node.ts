import type { NodeAddress, NodeSystemInfo } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { PodNetwork } from '../network/pod-network.ts'
import type { ContainerRuntime, ImageStatus } from '../runtime/container-runtime.ts'
import { type Capacity, type MachinePlaces, measureCapacity } from './capacity.ts'
import type { Observation } from './node-report.ts'

export interface ObserveOptions {
  places: MachinePlaces
  /** What is kept back of so much. */
  reserved(capacity: Capacity): Observation['reserved']
  maxPods: number
  addresses: readonly NodeAddress[]
  keepsAddresses: boolean
  /** Of the kubelet's API. */
  port(): number
  facts: Omit<NodeSystemInfo, 'containerRuntimeVersion'>
  runtime: Pick<ContainerRuntime, 'version' | 'listImages'>
  isShuttingDown(): boolean
  /** What is short. */
  pressure(): Observation['pressure']
  network: Pick<PodNetwork, 'problem'>
  /** Of attachable volumes. Undefined when it cannot be told now: never a reason to say nothing else. */
  volumesInUse(): Promise<readonly string[] | undefined>
  clock: Clock
}

/** An engine that takes longer to answer than this is as good as down. */
const PATIENCE = 10_000
/** An engine that is only being restarted does not cost the node its good name (upstream's figure); its containers run on meanwhile. */
const ENGINE_MAY_BE_AWAY = 30_000

/** Looks at machine, engine and network. What is wrong with engine or network is a finding, not an error. */
export function nodeObserver(options: ObserveOptions): (signal: AbortSignal) => Promise<Observation> {
  const { places, maxPods, addresses, facts, runtime, network, clock } = options
  // What was known last stays in the status while the engine is away.
  let version = ''
  let images: ImageStatus[] = []
  let answered = Number.NEGATIVE_INFINITY

  const askEngine = async (signal: AbortSignal): Promise<string | undefined> => {
    const limit = new AbortController()
    const timer = clock.after(PATIENCE, () => limit.abort(new Error(`no answer within ${PATIENCE / 1000} s`)))
    const until = AbortSignal.any([signal, limit.signal])
    try {
      const answer = await runtime.version(until)
      version = `${answer.name}://${answer.version}`
      images = await runtime.listImages(until)
      answered = clock.monotonic()
      return undefined
    } catch (error) {
      signal.throwIfAborted()
      if (clock.monotonic() - answered < ENGINE_MAY_BE_AWAY) return undefined
      return `container runtime is down: ${error instanceof Error ? error.message : String(error)}`
    } finally {
      timer.cancel()
    }
  }

  return async (signal) => {
    const [capacity, engineProblem, networkProblem, volumesInUse] = await Promise.all([
      measureCapacity(places),
      askEngine(signal),
      network.problem(),
      options.volumesInUse(),
    ])
    const problems: string[] = options.isShuttingDown() ? ['node is shutting down'] : []
    if (engineProblem !== undefined) problems.push(engineProblem)
    if (networkProblem !== undefined) problems.push(`container runtime network not ready: ${networkProblem}`)
    return {
      ...{
        capacity,
        reserved: options.reserved(capacity),
        maxPods,
        addresses,
        problems,
        images,
        port: options.port(),
        keepsAddresses: options.keepsAddresses,
      },
      info: { ...facts, containerRuntimeVersion: version },
      pressure: options.pressure(),
      volumesInUse,
    }
  }
}
