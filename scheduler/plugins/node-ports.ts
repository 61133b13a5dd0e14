import { hostPortsClash } from '../../shared/pods/host-ports.ts'
import type { SchedulingPlugin } from '../framework.ts'

/** Host ports must be free on the node. */
export const nodePorts: SchedulingPlugin = {
  name: 'NodePorts',
  helpedByRemoval: true,
  freedBy: ['nodeAdded', 'podRemoved'],
  helps({ hostPorts }, change) {
    if (change.what !== 'podRemoved') return true
    return change.pod.hostPorts.some((held) => hostPorts.some((wanted) => hostPortsClash(held, wanted)))
  },
  filter(info) {
    if (info.hostPorts.length === 0) return undefined
    return (node) =>
      info.hostPorts.some((port) => node.portTaken(port)) ? "node(s) didn't have free ports for the requested pod ports" : undefined
  },
}
