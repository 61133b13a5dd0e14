import { connectClient } from '../../shared/client/connect.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import { CannotGoOn } from '../step.ts'
import type { LabContext } from './lab-command.ts'
import type { MachineRecord } from './machine/machine-record.ts'
import { nodeKubeconfig } from './machine/places.ts'
import { supervisorHere } from './machine/supervisor.ts'

const PATIENCE = 120_000

/** Waits, with the node's own credentials, until the node of this machine is Ready. @throws CannotGoOn saying what is missing */
export async function awaitOwnNode({ nodeName }: MachineRecord, { clock }: LabContext): Promise<void> {
  const deadline = clock.monotonic() + PATIENCE
  let last = 'it has not joined yet'
  while (clock.monotonic() < deadline) {
    try {
      const { client, close } = connectClient({ kubeconfig: nodeKubeconfig, clock, userAgent: 'coxswain-lab' })
      try {
        const { status } = await client.get('v1', 'Node', { name: nodeName })
        if (isTrue(status.conditions, 'Ready')) return
        last = status.conditions?.find(({ type }) => type === 'Ready')?.message ?? 'the node has no status yet'
      } finally {
        close()
      }
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    await clock.sleep(200)
  }
  const supervisor = supervisorHere()
  throw new CannotGoOn(
    `the node ${nodeName} is not ready: ${last}\n${await supervisor.lastLines('kubelet', 8)}`,
    `${supervisor.logOf('kubelet')} shows all of its log`,
  )
}
