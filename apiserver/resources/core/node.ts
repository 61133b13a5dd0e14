import type { Node } from '../../../shared/openapi/generated/core-v1.ts'
import { nodeClaims } from '../../allocation/node-holdings.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { nodeProblems, nodeUpdateProblems } from '../../rules/node.ts'
import { NONE } from '../../rules/table-cells.ts'

const UNKNOWN = '<unknown>'
const ROLE_PREFIX = 'node-role.kubernetes.io/'

export default defineResource('v1', 'Node', {
  shortNames: ['no'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  generation: false,
  keepsStatusOnCreate: true,
  connects: ['proxy'],
  columns: [
    { name: 'Status', description: 'Ready or not, and whether new pods may come', value: statusCell },
    { name: 'Roles', description: 'Roles given by labels', value: rolesCell },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    { name: 'Version', description: 'Version of the kubelet', value: ({ status }) => status.nodeInfo.kubeletVersion },
    { name: 'Internal-IP', priority: 1, description: 'Address inside the cluster', value: (node) => addressCell(node, 'InternalIP') },
    { name: 'External-IP', priority: 1, description: 'Address outside the cluster', value: (node) => addressCell(node, 'ExternalIP') },
    { name: 'OS-Image', priority: 1, description: 'Operating system', value: ({ status }) => status.nodeInfo.osImage || UNKNOWN },
    { name: 'Kernel-Version', priority: 1, description: 'Kernel', value: ({ status }) => status.nodeInfo.kernelVersion || UNKNOWN },
    {
      name: 'Container-Runtime',
      priority: 1,
      description: 'Container runtime and its version',
      value: ({ status }) => status.nodeInfo.containerRuntimeVersion || UNKNOWN,
    },
  ],
  selectableFields: { 'spec.unschedulable': ({ spec }) => `${spec.unschedulable ?? false}` },

  applyDefaults({ spec, status }) {
    if (spec.podCIDR && !spec.podCIDRs?.length) spec.podCIDRs = [spec.podCIDR]
    if (spec.podCIDRs?.length) spec.podCIDR = spec.podCIDRs[0]
    if (status.capacity && !status.allocatable) status.allocatable = { ...status.capacity }
  },
  claims: nodeClaims,
  yieldsClaims: true,
  validate: nodeProblems,
  validateUpdate: nodeUpdateProblems,
  *validateStatusUpdate(next, previous) {
    yield* nodeProblems(next)
    yield* nodeUpdateProblems(next, previous)
  },
})

function statusCell({ spec, status }: Node): string {
  const ready = status.conditions?.find((condition) => condition.type === 'Ready')
  const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec.unschedulable ? `${word},SchedulingDisabled` : word
}

function rolesCell({ metadata }: Node): string {
  const roles = new Set<string>()
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) roles.add(key.slice(ROLE_PREFIX.length))
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value)
  }
  return roles.size === 0 ? NONE : [...roles].sort().join(',')
}

function addressCell({ status }: Node, type: string): string {
  return status.addresses?.find((address) => address.type === type)?.address || NONE
}
