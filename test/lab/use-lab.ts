import assert from 'node:assert/strict'
import { after } from 'node:test'
import { labCommand, labRun, machineOf } from '../../deploy/lab/namespaces/lab.ts'
import { type LabMachine, type LabState, readLab } from '../../deploy/lab/namespaces/lab-state.ts'
import type { Client } from '../../shared/client/client.ts'
import { connectClient } from '../../shared/client/connect.ts'
import type { Node, Pod, ServiceAccount } from '../../shared/openapi/generated/core-v1.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { eventually } from '../harness/eventually.ts'
import { findKubectl, type Kubectl, kubectlFor } from '../harness/kubectl.ts'
import { kubeconfig, LAB, SPARE } from './lab-of-tests.ts'

/** A container of a pod, on the machine where it runs. */
export interface RunningPod {
  readonly machine: string
  readonly pod: string
  readonly id: string
}

/** The lab of the tests, and what a person with hands on its machines can do. */
export interface LabUnderTest {
  readonly clock: Clock
  readonly client: Client
  readonly kubectl: Kubectl
  readonly namespace: string
  state(): LabState
  machine(name: string): LabMachine
  /** Runs a program on a machine and gives what it prints. */
  on(machine: string, ...command: string[]): Promise<string>
  /** `coxswain-lab` there. */
  lab(machine: string, ...args: string[]): Promise<string>
  /** Waits until exactly these nodes are Ready, by the server's word. */
  nodesReady(names: readonly string[], withinMilliseconds?: number): Promise<Node[]>
  /** Pods of this file's namespace, when there are `count` and all satisfy the condition. */
  pods(selector: string, count: number, condition?: (pod: Pod) => boolean, withinMilliseconds?: number): Promise<Pod[]>
  /** What the engines of the machines that are on say: containers of pods of this file's namespace, sandboxes left out. */
  running(): Promise<RunningPod[]>
  note(text: string): void
}

export function isReady(pod: Pod): boolean {
  if (pod.metadata.deletionTimestamp) return false
  return pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** Connects to the lab and makes a namespace, which goes when the file ends. Call it once, at the top of a test file. */
export async function useLab(namespace: string): Promise<LabUnderTest> {
  assert.ok(readLab(LAB), 'these tests need their lab: run them with make test ONLY=test/lab')
  const clock = realClock()
  const { client, close } = connectClient({ kubeconfig, clock, userAgent: 'lab-test' })
  const kubectl = kubectlFor(await findKubectl(), kubeconfig, namespace)
  await kubectl.ok(`create namespace ${namespace}`)
  const hasAccount = (accounts: ServiceAccount[]) => accounts.some(({ metadata }) => metadata.name === 'default')
  await eventually(client, ['v1', 'ServiceAccount'], hasAccount, { namespace })
  after(async () => {
    await kubectl.ok(`delete namespace ${namespace} --wait=true --timeout=90s`)
    close()
  })
  const state = () => {
    const present = readLab(LAB)
    assert.ok(present)
    return present
  }
  const machine = (name: string) => machineOf(state(), name)
  const on = async (name: string, ...command: string[]) => (await labRun(LAB, machine(name), command)).stdout.trimEnd()
  return {
    ...{ clock, client, kubectl, namespace, state, machine, on },
    lab: (name, ...args) => labCommand(LAB, machine(name), args),
    nodesReady: (names, withinMilliseconds = 60_000) =>
      eventually(
        client,
        ['v1', 'Node'],
        (nodes: Node[]) => {
          const isUp = ({ status }: Node) => status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')
          const ready = nodes.filter(isUp).map(({ metadata }) => metadata.name ?? '')
          return JSON.stringify(ready.sort()) === JSON.stringify([...names].sort())
        },
        { withinMilliseconds },
      ),
    async pods(labelSelector, count, condition = isReady, withinMilliseconds = 60_000) {
      const isThere = (pods: Pod[]) => pods.length === count && pods.every(condition)
      return eventually(client, ['v1', 'Pod'], isThere, { namespace, labelSelector, withinMilliseconds })
    },
    async running() {
      const nodes = state().machines.filter(({ name, first }) => name !== 'server' && name !== SPARE && first > 0)
      const all = await Promise.all(
        nodes.map(async ({ name }) => {
          const lines = (await on(name, 'docker', 'ps', '--no-trunc', '--format', '{{.ID}} {{.Names}}')).split('\n')
          return lines.flatMap((line): RunningPod[] => {
            const [id = '', full = ''] = line.split(' ')
            const [, container = '', pod = '', home] = full.split('_')
            return home === namespace && container !== 'POD' ? [{ machine: name, pod, id }] : []
          })
        }),
      )
      return all.flat()
    },
    note: (text) => void process.stdout.write(`# ${text}\n`),
  }
}
