import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { AnyContainer } from '../pods/pod-containers.ts'
import { Backoff } from '../pods/restart-backoff.ts'
import { type ContainerRuntime, type ImageStatus, type RegistryCredentials, RuntimeError } from '../runtime/container-runtime.ts'
import type { ReferencedObjects } from '../volumes/referenced-objects.ts'
import { parseImageReference } from './image-reference.ts'
import { loginsFor, loginsOf } from './pull-secrets.ts'

/** A refusal for now: the pod worker shows `reason` and comes back at `retryAt`. */
export class ImageError extends RuntimeError {
  /** Milliseconds since the epoch; undefined: only a change can help. */
  readonly retryAt: number | undefined
  constructor(reason: string, message: string, retryAt: number | undefined, options?: { cause?: unknown }) {
    super(reason, message, options)
    this.retryAt = retryAt
  }
}

export interface ImagePuller {
  /** Has the container's image on the node, by its pull policy. @throws ImageError */
  ensure(pod: Pod, container: AnyContainer, signal: AbortSignal): Promise<ImageStatus>
  /** The pod is gone: its back-off with it. */
  forget(podUid: string): void
}

export interface ImagePullerOptions {
  runtime: Pick<ContainerRuntime, 'imageStatus' | 'pullImage'>
  objects: ReferencedObjects
  events: EventRecorder
  clock: Clock
  /** Pulls that may run side by side; further ones wait their turn. */
  parallelPulls?: number | undefined
}

/** How soon what is not a failed pull (a missing image under `Never`, a name that is none) is looked at again. */
const LOOK_AGAIN_MILLISECONDS = 10_000
const SHOW_FAILURE_MILLISECONDS = 2000

export function imagePuller(options: ImagePullerOptions): ImagePuller {
  const { runtime, objects, events, clock } = options
  const backoff = new Backoff(clock)
  const failures = new Map<string, { at: number; message: string }>()
  const lane = lanes(options.parallelPulls ?? 3)
  /** A pull under way serves everybody who wants that image with the same login. */
  const underWay = new Map<string, Promise<ImageStatus>>()

  async function ensure(pod: Pod, container: AnyContainer, signal: AbortSignal): Promise<ImageStatus> {
    const image = container.image ?? ''
    if (!parseImageReference(image)) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`
      events.record(pod, 'Warning', 'InspectFailed', message)
      throw new ImageError('InvalidImageName', message, clock.now() + LOOK_AGAIN_MILLISECONDS)
    }
    const present = await runtime.imageStatus(image, signal)
    const policy = container.imagePullPolicy ?? (/:latest$|^[^:@]+$/.test(image) ? 'Always' : 'IfNotPresent')
    if (present && policy !== 'Always') {
      events.record(pod, 'Normal', 'Pulled', `Container image "${image}" already present on machine and can be accessed by the pod`)
      return present
    }
    if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`
      events.record(pod, 'Warning', 'ErrImageNeverPull', message)
      throw new ImageError('ErrImageNeverPull', message, clock.now() + LOOK_AGAIN_MILLISECONDS)
    }
    return pull(pod, image, signal)
  }

  async function pull(pod: Pod, image: string, signal: AbortSignal): Promise<ImageStatus> {
    const key = `${pod.metadata.uid}/${image}`
    const failure = failures.get(key)
    const delay = failure ? backoff.delay(key, failure.at) : 0
    if (failure && failure.at + delay > clock.now()) {
      const message = `Back-off pulling image "${image}"`
      events.record(pod, 'Normal', 'BackOff', message)
      events.record(pod, 'Warning', 'Failed', 'Error: ImagePullBackOff')
      throw new ImageError('ImagePullBackOff', `${message}: ErrImagePull: ${failure.message}`, failure.at + delay)
    }
    const asked = clock.monotonic()
    events.record(pod, 'Normal', 'Pulling', `Pulling image "${image}"`)
    try {
      const { status, milliseconds } = await lane(async () => {
        const begun = clock.monotonic()
        return { status: await pullWithLogins(pod, image, signal), milliseconds: clock.monotonic() - begun }
      }, signal)
      failures.delete(key)
      const waited = seconds(clock.monotonic() - asked)
      const took = `${seconds(milliseconds)} (${waited} including waiting)`
      events.record(pod, 'Normal', 'Pulled', `Successfully pulled image "${image}" in ${took}. Image size: ${status.sizeBytes} bytes.`)
      return status
    } catch (error) {
      signal.throwIfAborted()
      const message = error instanceof Error ? error.message : String(error)
      const reason = error instanceof RuntimeError ? error.reason : 'ErrImagePull'
      failures.set(key, { at: clock.now(), message })
      backoff.raise(key, clock.now())
      events.record(pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${message}`)
      events.record(pod, 'Warning', 'Failed', `Error: ${reason}`)
      // The status shows the failure itself for a moment, then the back-off: kubectl users know both words.
      throw new ImageError(reason, message, clock.now() + SHOW_FAILURE_MILLISECONDS, { cause: error })
    }
  }

  /** Tries each login that fits, then none. The first failure is the one worth telling. */
  async function pullWithLogins(pod: Pod, image: string, signal: AbortSignal): Promise<ImageStatus> {
    const attempts: (RegistryCredentials | undefined)[] = [...(await credentials(pod, image, signal)), undefined]
    let first: unknown
    for (const login of attempts) {
      try {
        return await sharedPull(image, login, signal)
      } catch (error) {
        signal.throwIfAborted()
        first ??= error
      }
    }
    throw first
  }

  async function sharedPull(image: string, login: RegistryCredentials | undefined, signal: AbortSignal): Promise<ImageStatus> {
    const key = JSON.stringify([image, login])
    const running = underWay.get(key)
    if (running) {
      try {
        return await running
      } catch {
        // Whoever started it may have been aborted; its failure is not ours. Try ourselves.
        signal.throwIfAborted()
      }
    }
    const own = runtime.pullImage(image, login, signal)
    underWay.set(key, own)
    try {
      return await own
    } finally {
      if (underWay.get(key) === own) underWay.delete(key)
    }
  }

  async function credentials(pod: Pod, image: string, signal: AbortSignal): Promise<RegistryCredentials[]> {
    const secrets = await Promise.all(
      (pod.spec.imagePullSecrets ?? []).map(({ name = '' }) => objects.secret(pod.metadata.namespace ?? '', name, 'recent', signal)),
    )
    return loginsFor(
      image,
      secrets.flatMap((secret) => (secret ? loginsOf(secret) : [])),
    )
  }

  return {
    ensure,
    forget(podUid) {
      backoff.forget(`${podUid}/`)
      for (const key of failures.keys()) if (key.startsWith(`${podUid}/`)) failures.delete(key)
    },
  }
}

/** Lets at most `width` jobs run at a time, in order of arrival. */
function lanes(width: number): <T>(job: () => Promise<T>, signal: AbortSignal) => Promise<T> {
  let free = width
  const queue: (() => void)[] = []
  return async (job, signal) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => queue.push(resolve))
    try {
      signal.throwIfAborted()
      return await job()
    } finally {
      const next = queue.shift()
      if (next) next()
      else free++
    }
  }
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)}ms` : `${(milliseconds / 1000).toFixed(3)}s`
}
