import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { labDown, labKubeconfig, labUp } from '../../deploy/lab/namespaces/lab.ts'
import { printedSteps } from '../../deploy/step.ts'
import { realClock } from '../../shared/time/clock.ts'

const CHECKOUT = resolve(import.meta.dirname, '../..')

/** The lab that the tests of this folder share. Its name follows from the checkout's place, so that the next run finds what an interrupted one left. */
export const LAB = `test-${createHash('sha256').update(CHECKOUT).digest('hex').slice(0, 6)}`
/** Machines besides the server. */
export const NODES = Number(process.env['NODES'] ?? 3)

/** A machine that belongs to no cluster until a test makes it join. */
export const SPARE = `n${NODES + 1}`

/** How long a node may be silent before it is not ready, and how long its pods then stay. Short, and far above what a loaded machine makes of a heartbeat. */
export const GRACE = { node: 20_000, pods: 2_000 }

const context = () => {
  const print = (line: string) => void process.stdout.write(`# ${line}\n`)
  const clock = realClock()
  return { steps: printedSteps(clock, print), clock, print }
}

export async function bringUpLab(): Promise<void> {
  // What an interrupted run left would not be the machines that the tests expect.
  await labDown(LAB)
  const settings = {
    'controller-manager': [`COXSWAIN_NODE_MONITOR_GRACE_PERIOD=${GRACE.node / 1000}s`, 'COXSWAIN_NODE_MONITOR_PERIOD=1s'],
    apiserver: [`COXSWAIN_DEFAULT_TOLERATION_SECONDS=${GRACE.pods / 1000}`],
    kubelet: ['COXSWAIN_NODE_LEASE_RENEW_INTERVAL=2s'],
  }
  const images = ['registry.k8s.io/pause:3.10', 'busybox:1.36']
  await labUp({ name: LAB, nodes: NODES, spares: 1, images, settings }, context())
}

export async function takeDownLab(): Promise<void> {
  await labDown(LAB)
}

export const kubeconfig = labKubeconfig(LAB)
