import { connectClient } from '../../../shared/client/connect.ts'
import { duration } from '../../../shared/process/setting.ts'
import { drainNode } from '../drain-node.ts'
import { defineLabCommand } from '../lab-command.ts'
import { leaveNoTrace } from '../machine/leave-no-trace.ts'
import { requireMachine } from '../machine/machine-record.ts'
import { nodeKubeconfig } from '../machine/places.ts'
import { supervisorHere } from '../machine/supervisor.ts'

/** A node goes, and its pods before it. */
export const leave = defineLabCommand({
  name: 'leave',
  summary: "moves this node's pods elsewhere, then uninstalls",
  settings: { timeout: duration('how long pods may take to go', 300_000) },
  async act(config, context) {
    const { steps, print, clock } = context
    const machine = requireMachine('node')
    const { client, close } = connectClient({ kubeconfig: nodeKubeconfig, clock, userAgent: 'coxswain-lab' })
    try {
      await steps.run('drain', async (note) => {
        const gone = await drainNode(machine.nodeName, { client, clock, within: config.timeout, say: (line) => print(`    ${line}`) })
        note(`${gone} ${gone === 1 ? 'pod' : 'pods'}`)
      })
    } finally {
      close()
    }
    await steps.run('remove', () => leaveNoTrace(machine, supervisorHere()))
    // A node may not delete itself: it could come back without its taints.
    print(`\nThis machine has left. The last word is the server's: kubectl delete node ${machine.nodeName}`)
  },
})
