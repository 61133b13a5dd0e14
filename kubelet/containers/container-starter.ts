import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { ImagePuller } from '../images/image-puller.ts'
import type { StartStep } from '../pods/plan-step.ts'
import { type AnyContainer, graceSecondsOf } from '../pods/pod-containers.ts'
import { type ContainerConfig, type ContainerRuntime, RuntimeError, type SandboxStatus } from '../runtime/container-runtime.ts'
import type { PreparedVolume } from '../volumes/volume.ts'
import { containerDevices } from './container-devices.ts'
import { containerLabel } from './container-labels.ts'
import type { MountInput } from './container-mounts.ts'
import { containerResources } from './container-resources.ts'
import { type EnvironmentSources, environment } from './environment.ts'
import { runHook } from './lifecycle-hook.ts'
import { containerSecurity } from './security-context.ts'
import { expand, programBudget } from './variable-expansion.ts'

export interface ContainerStarterOptions {
  runtime: ContainerRuntime
  images: ImagePuller
  environment: EnvironmentSources
  /** Files and folders of the node to mount; simulated nodes have none. */
  mounts: (input: MountInput, signal: AbortSignal) => Promise<{ mounts: ContainerConfig['mounts']; messageFile: string }>
  nodeMemoryBytes: () => number
  events: EventRecorder
  clock: Clock
}

export interface StartInput {
  pod: Pod
  sandbox: SandboxStatus
  step: StartStep
  podIPs: readonly string[]
  hostIPs: readonly string[]
  volumes: ReadonlyMap<string, PreparedVolume>
  /** The container whose processes an ephemeral container wants to see. */
  targetContainerId?: string | undefined
}

/** Takes one container from its spec to running, postStart included. @throws RuntimeError whose reason the status shows */
export type ContainerStarter = (input: StartInput, signal: AbortSignal) => Promise<void>

export function containerStarter(options: ContainerStarterOptions): ContainerStarter {
  const { runtime, events } = options

  return async (input, signal) => {
    const { pod, sandbox, step } = input
    const image = await options.images.ensure(pod, step.container, signal)
    let id: string
    try {
      const config = await configOf(options, input, image.user, signal)
      id = await runtime.createContainer(sandbox.id, config, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw told(pod, error, 'CreateContainerError')
    }
    events.record(pod, 'Normal', 'Created', `Created container: ${step.container.name}`)
    try {
      await runtime.startContainer(id, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw told(pod, error, 'RunContainerError')
    }
    events.record(pod, 'Normal', 'Started', `Started container ${step.container.name}`)
    await postStart(input, id, signal)
  }

  function told(pod: Pod, error: unknown, fallback: string): RuntimeError {
    const message = error instanceof Error ? error.message : String(error)
    const known = error instanceof RuntimeError ? error : new RuntimeError(fallback, message, { cause: error })
    events.record(pod, 'Warning', 'Failed', `Error: ${message}`)
    return known
  }

  /** The container counts as started only when its hook has ended; a hook that fails takes the container down. */
  async function postStart({ pod, step, podIPs }: StartInput, containerId: string, signal: AbortSignal): Promise<void> {
    const handler = step.container.lifecycle?.postStart
    if (!handler) return
    const subject = { container: step.container, containerId, podIP: podIPs[0] }
    const problem = await runHook(handler, subject, runtime, options.clock, signal)
    if (problem === undefined) return
    events.record(pod, 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${problem}`)
    events.record(pod, 'Normal', 'Killing', 'FailedPostStartHook')
    await runtime.stopContainer(containerId, graceSecondsOf(pod), signal)
    throw new RuntimeError('PostStartHookError', problem)
  }
}

async function configOf(
  options: ContainerStarterOptions,
  { pod, step, podIPs, hostIPs, volumes, targetContainerId }: StartInput,
  imageUser: string | undefined,
  signal: AbortSignal,
): Promise<ContainerConfig> {
  const { container, attempt } = step
  const security = containerSecurity(pod, container, imageUser)
  const variables = await environment(pod, container, { podIPs, hostIPs }, options.environment, signal)
  const { mounts, messageFile } = await options.mounts({ pod, container, attempt, podIPs, volumes, environment: variables }, signal)
  const spend = programBudget('arguments')
  const expanded = (texts: string[] | undefined) =>
    texts?.map((text) => {
      const argument = expand(text, (name) => variables.get(name))
      spend(argument.length)
      return argument
    })
  return {
    name: container.name,
    attempt,
    image: container.image ?? '',
    command: expanded(container.command),
    args: expanded(container.args),
    workingDir: container.workingDir,
    env: [...variables].map(([name, value]) => ({ name, value })),
    mounts,
    devices: containerDevices(container, volumes),
    tty: container.tty ?? false,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    resources: containerResources(pod, container, options.nodeMemoryBytes()),
    security,
    pidNamespaceOf: pidNamespace(pod, container, targetContainerId),
    hostIPC: pod.spec.hostIPC ?? false,
    stopSignal: container.lifecycle?.stopSignal,
    labels: {
      [containerLabel.grace]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
      [containerLabel.messageFile]: messageFile,
      [containerLabel.messagePolicy]: container.terminationMessagePolicy ?? 'File',
    },
  }
}

function pidNamespace(pod: Pod, container: AnyContainer, targetContainerId: string | undefined): ContainerConfig['pidNamespaceOf'] {
  if (pod.spec.hostPID) return 'host'
  if (pod.spec.shareProcessNamespace) return 'sandbox'
  return container.targetContainerName && targetContainerId ? { containerId: targetContainerId } : undefined
}
