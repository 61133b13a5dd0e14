import type { SchedulingPlugin } from '../framework.ts'

/** Not before `spec.schedulingGates` is empty (KEP-3521). */
export const schedulingGates: SchedulingPlugin = {
  name: 'SchedulingGates',
  freedBy: [],
  gate(info) {
    const gates = info.pod.spec.schedulingGates ?? []
    return gates.length === 0 ? undefined : `waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`
  },
}
