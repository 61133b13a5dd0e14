import { readFileSync } from 'node:fs'
import { connectClient } from '../../../shared/client/connect.ts'
import { boolean, list, port, text } from '../../../shared/process/setting.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import { CannotGoOn } from '../../step.ts'
import { joinCommand } from '../join-command.ts'
import { askServer } from '../joining/ask-server.ts'
import { LAB_KEY } from '../joining/discover.ts'
import { createToken, DAY } from '../joining/tokens.ts'
import { defineLabCommand, type LabContext } from '../lab-command.ts'
import { doorSettings, doorsOf } from '../machine/doors.ts'
import { requireFreePorts } from '../machine/free-ports.ts'
import { type MachineRecord, writeMachine } from '../machine/machine-record.ts'
import { adminKubeconfig, places } from '../machine/places.ts'
import { awaitHealthy, forwardingNow, ownAddress, prepareMachine } from '../machine/prepare-machine.ts'
import { installRelease } from '../machine/release.ts'
import { supervisorHere } from '../machine/supervisor.ts'

/** Makes this machine the server of a cluster. */
export const server = defineLabCommand({
  name: 'server',
  summary: 'makes this machine the server of a new cluster: API server, controllers, scheduler, ingress',
  settings: {
    address: text('where the other machines reach this one; default: the address of the interface that leads out'),
    port: port('port of the API', 6443),
    tlsSan: list('further names and addresses that the machine is reached by'),
    clusterCidr: text('all pods; a /24 a node', '10.244.0.0/16'),
    serviceCidr: text('all cluster IPs', '10.96.0.0/16'),
    clusterDns: text('address of cluster DNS, inside the range of cluster IPs', '10.96.0.10'),
    clusterDomain: text('domain of cluster DNS', 'cluster.local'),
    ...doorSettings,
    inPlace: boolean('run the program from where it lies, without a copy', false),
  },
  async act(config, context) {
    const { steps, print, clock } = context
    const { clusterCidr, serviceCidr, clusterDns, clusterDomain } = config
    const doors = doorsOf(config)
    await prepareMachine('server', context)
    await requireFreePorts({ '--port': config.port, '--http-port': doors.httpPort, '--https-port': doors.httpsPort })
    const address = config.address ?? (await ownAddress())
    const machine: MachineRecord = {
      ...{ role: 'server', server: `https://${address}:${config.port}`, nodeName: '', address, port: config.port },
      extraNames: config.tlsSan,
      ...{ doors, ranges: { clusterCidr, serviceCidr, clusterDns, clusterDomain } },
      ...{ forwardingBefore: forwardingNow(), imagesBrought: [] },
    }
    await steps.run('program', async (note) => note(await installRelease(config.inPlace, timestamp(clock.now()).replaceAll(/\D/g, ''))))
    writeMachine(machine)
    await steps.run('processes', async (note) => {
      const supervisor = supervisorHere()
      await supervisor.install(machine)
      await supervisor.start(machine)
      note(`by ${supervisor.name}`)
    })
    await steps.run('API server ready', () => awaitServer(machine, context))
    await steps.run('controllers, scheduler, ingress', () => awaitHealthy(machine, context))
    await publishRanges(machine, context)
    const token = await createToken({ description: 'made by coxswain-lab server', lifetime: DAY }, context)
    print(`\nThe server is up. On each machine that is to be a node, as root:\n\n  ${joinCommand(machine, token)}\n`)
    print('The token is good for a day; coxswain-lab token create makes another.')
    print(`\n  export KUBECONFIG=${adminKubeconfig}\n  kubectl get nodes\n`)
  },
})

const PATIENCE = 60_000

/** @throws CannotGoOn with the end of its log */
export async function awaitServer({ port }: MachineRecord, { clock }: LabContext): Promise<void> {
  const deadline = clock.monotonic() + PATIENCE
  let last = 'it has not written its credentials'
  while (clock.monotonic() < deadline) {
    try {
      const authority = readFileSync(`${places.config}/ca.crt`, 'utf8')
      const { status } = await askServer(new URL(`https://127.0.0.1:${port}`), '/readyz', { authority })
      if (status === 200) return
      last = `/readyz answers ${status}`
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    await clock.sleep(50)
  }
  const supervisor = supervisorHere()
  throw new CannotGoOn(
    `the API server is not ready: ${last}\n${await supervisor.lastLines('apiserver', 8)}`,
    `${supervisor.logOf('apiserver')} shows all of its log`,
  )
}

/** Tells machines that join which ranges to use: on the cluster's public card, which they read anyway. */
export async function publishRanges({ ranges }: MachineRecord, { clock }: LabContext): Promise<void> {
  const { client, close } = connectClient({ kubeconfig: adminKubeconfig, clock, userAgent: 'coxswain-lab' })
  try {
    const name = { namespace: 'kube-public', name: 'cluster-info' }
    const body = { data: { [LAB_KEY]: JSON.stringify(ranges) } }
    await client.patch('v1', 'ConfigMap', name, { type: 'merge', body })
  } finally {
    close()
  }
}
