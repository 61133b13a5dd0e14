import { boolean, list } from '../../../shared/process/setting.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import { awaitOwnNode } from '../await-own-node.ts'
import { defineLabCommand } from '../lab-command.ts'
import { doorSettings, doorsOf, newPorts } from '../machine/doors.ts'
import { requireFreePorts } from '../machine/free-ports.ts'
import { leaveNoTrace } from '../machine/leave-no-trace.ts'
import { readMachine, requireMachine, writeMachine } from '../machine/machine-record.ts'
import { awaitHealthy } from '../machine/prepare-machine.ts'
import { processesOf } from '../machine/processes.ts'
import { installRelease } from '../machine/release.ts'
import { supervisorHere } from '../machine/supervisor.ts'
import { awaitServer, publishRanges } from './server.ts'

/** Starts what belongs here. */
export const start = defineLabCommand({
  name: 'start',
  summary: 'starts the processes of this machine; without systemd also after a reboot',
  settings: {},
  async act(_config, context) {
    const machine = requireMachine()
    await context.steps.run('processes', () => supervisorHere().start(machine))
  },
})

/** Ends what runs here; pods run on. */
export const stop = defineLabCommand({
  name: 'stop',
  summary: 'ends the processes of this machine; pods run on',
  settings: {},
  async act(_config, context) {
    const machine = requireMachine()
    await context.steps.run('processes', () => supervisorHere().stop(machine))
  },
})

/** Another release on a machine that runs. */
export const upgrade = defineLabCommand({
  name: 'upgrade',
  summary: 'brings the release that this program is part of to the machine and restarts its processes; pods run on',
  settings: {
    tlsSan: list('the server: further names and addresses that it is reached by from now on'),
    ...doorSettings,
    inPlace: boolean('run the program from where it lies, without a copy', false),
  },
  async act(config, context) {
    const { steps, clock } = context
    const before = requireMachine()
    const extraNames = [...new Set([...before.extraNames, ...config.tlsSan])]
    const doors = before.role === 'server' ? doorsOf(config, before.doors) : undefined
    if (doors) await requireFreePorts(newPorts(doors, before.doors))
    const machine = { ...before, extraNames, ...(doors ? { doors } : {}) }
    await steps.run('program', async (note) => note(await installRelease(config.inPlace, timestamp(clock.now()).replaceAll(/\D/g, ''))))
    writeMachine(machine)
    const supervisor = supervisorHere()
    await supervisor.install(machine)
    await supervisor.start(machine)
    // One after the other: what the next one needs is there again.
    for (const process of processesOf(machine)) {
      await steps.run(`restart ${process.name}`, async () => {
        await supervisor.restart(process.name)
        await awaitHealthy(machine, context, ({ name }) => name === process.name)
        if (process.name === 'apiserver') await awaitServer(machine, context)
      })
    }
    if (machine.role === 'server') await publishRanges(machine, context)
    else await steps.run('node ready', () => awaitOwnNode(machine, context))
  },
})

/** Takes everything away. */
export const uninstall = defineLabCommand({
  name: 'uninstall',
  summary: 'ends the cluster on this machine and leaves the machine as it was; on the server, the cluster with all its data',
  settings: {},
  async act(_config, context) {
    const machine = readMachine()
    if (!machine) return context.print('This machine belongs to no cluster.')
    await context.steps.run('remove', () => leaveNoTrace(machine, supervisorHere()))
    if (machine.role === 'node') {
      context.print(`\nThe cluster still knows the node ${machine.nodeName}: kubectl delete node ${machine.nodeName}`)
      context.print('Images that pods brought stay in the engine: docker image prune --all')
    }
  },
})
