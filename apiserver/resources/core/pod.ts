import { invalid } from '../../../shared/errors/status-error.ts'
import { defaultPodOnly, defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { bindingAction } from '../../rules/pod/binding.ts'
import { evictionAction } from '../../rules/pod/eviction.ts'
import { foldLabelKeys } from '../../rules/pod/label-keys.ts'
import { podResizeProblems, restrictToResize } from '../../rules/pod/pod-resize.ts'
import { podCreationProblems, podProblems } from '../../rules/pod/pod-spec.ts'
import { podCells } from '../../rules/pod/pod-status-cells.ts'
import { ephemeralContainersUpdateProblems, podStatusUpdateProblems, podUpdateProblems } from '../../rules/pod/pod-update.ts'
import { qualityOfService } from '../../rules/pod/quality-of-service.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { NONE } from '../../rules/table-cells.ts'

export default defineResource('v1', 'Pod', {
  shortNames: ['po'],
  categories: ['all'],
  // Owners are kept: old kubelets used to spoil them.
  statusMetadata: ['labels', 'annotations', 'finalizers'],
  answersDeletedObject: true,
  connects: ['log', 'exec', 'attach', 'portforward', 'proxy'],
  columns: [
    { name: 'Ready', description: 'Ready containers of all containers', value: (pod, now) => podCells(pod, now).ready },
    { name: 'Status', description: 'What the pod is doing', value: (pod, now) => podCells(pod, now).status },
    {
      name: 'Restarts',
      description: 'Restarts of its containers, and when the last one was',
      value: (pod, now) => podCells(pod, now).restarts,
    },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    { name: 'IP', priority: 1, description: 'Address of the pod', value: ({ status }) => status.podIPs?.[0]?.ip || status.podIP || NONE },
    { name: 'Node', priority: 1, description: 'Where it runs', value: ({ spec }) => spec.nodeName || NONE },
    {
      name: 'Nominated Node',
      priority: 1,
      description: 'Where room is being made',
      value: ({ status }) => status.nominatedNodeName || NONE,
    },
    {
      name: 'Readiness Gates',
      priority: 1,
      description: 'Further conditions of readiness',
      value({ spec, status }) {
        const gates = spec.readinessGates ?? []
        const isMet = (type: string) => status.conditions?.some((each) => each.type === type && each.status === 'True')
        return gates.length === 0 ? NONE : `${gates.filter((gate) => isMet(gate.conditionType)).length}/${gates.length}`
      },
    },
  ],
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => `${spec.hostNetwork ?? false}`,
    'status.phase': ({ status }) => status.phase ?? '',
    'status.podIP': ({ status }) => status.podIPs?.[0]?.ip ?? status.podIP ?? '',
    'status.podIPs': ({ status }) => status.podIPs?.[0]?.ip ?? status.podIP ?? '',
    'status.nominatedNodeName': ({ status }) => status.nominatedNodeName ?? '',
  },

  applyDefaults({ spec, status }) {
    defaultPodSpec(spec)
    defaultPodOnly(spec)
    if (status.podIP && !status.podIPs?.length) status.podIPs = [{ ip: status.podIP }]
    if (status.podIPs?.length) status.podIP = status.podIPs[0]?.ip
    if (status.hostIP && !status.hostIPs?.length) status.hostIPs = [{ ip: status.hostIP }]
  },
  prepareForCreate(pod) {
    const problems = [...podCreationProblems(pod)]
    if (problems.length > 0) throw invalid({ group: '', kind: 'Pod' }, pod.metadata.name ?? '', problems)
    foldLabelKeys(pod)
    pod.status = { phase: 'Pending', qosClass: qualityOfService(pod.spec) }
    if (!pod.spec.schedulingGates?.length) return
    pod.status.conditions = [
      {
        ...{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' },
        ...{ message: 'Scheduling is blocked due to non-empty scheduling gates', lastProbeTime: null, lastTransitionTime: null },
      },
    ]
  },
  validate: podProblems,
  warnings: ({ spec }) => podSpecWarnings(spec, 'spec'),
  validateUpdate: podUpdateProblems,
  validateStatusUpdate: podStatusUpdateProblems,

  /** Nobody has to wait for a pod that never reached a node or has finished. */
  gracePeriodSeconds({ spec, status }, asked) {
    if (!spec.nodeName || status.phase === 'Succeeded' || status.phase === 'Failed') return 0
    const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 30
    return seconds < 0 ? 1 : seconds
  },

  views: {
    ephemeralcontainers: {
      restrict(next, previous) {
        const { ephemeralContainers } = next.spec
        const { spec, status, metadata } = structuredClone(previous)
        next.metadata = { ...metadata, resourceVersion: next.metadata.resourceVersion }
        next.spec = { ...spec, ephemeralContainers }
        next.status = status
      },
      validate: ephemeralContainersUpdateProblems,
    },
    resize: { restrict: restrictToResize, validate: podResizeProblems },
  },
  actions: { binding: bindingAction, eviction: evictionAction },
})
