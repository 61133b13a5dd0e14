import type { SchedulingPlugin } from '../framework.ts'

/** The node asked for by name. */
export const nodeName: SchedulingPlugin = {
  name: 'NodeName',
  freedBy: ['nodeAdded'],
  helps: ({ pod }, change) => change.what === 'nodeAdded' && change.node.name === pod.spec.nodeName,
  filter(info) {
    const wanted = info.pod.spec.nodeName
    return wanted ? (node) => (node.name === wanted ? undefined : "node(s) didn't match the requested node name") : undefined
  },
}
