import { useObjects } from '../cluster/cluster.ts'
import { type AnyObject, listAt, textAt } from '../cluster/object.ts'
import { podSelectorOf } from '../objects/references.ts'
import { StateLine } from '../page/state-line.tsx'
import { type LogSource, LogsView } from './logs-view.tsx'

/** Containers whose logs are followed together. */
const MOST = 20

/** Whether there are logs: of a pod, or of the pods that are chosen. */
export function hasLogs(object: AnyObject): boolean {
  return object.kind === 'Pod' || podSelectorOf(object) !== ''
}

/** The logs of a pod, or of all pods of a workload or Service. */
export function ObjectLogs({ object }: { readonly object: AnyObject }) {
  if (object.kind === 'Pod') return <LogsView sources={sourcesOf(object)} />
  return <ChosenPods namespace={object.metadata.namespace ?? ''} labels={podSelectorOf(object)} />
}

function ChosenPods({ namespace, labels }: { readonly namespace: string; readonly labels: string }) {
  const list = useObjects(`/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(labels)}`)
  void list.version.value
  const sources = [...list.items.values()].flatMap(sourcesOf)
  return (
    <>
      <StateLine list={list} />
      {sources.length > MOST && <p role="status">{`The first ${MOST} of ${sources.length} containers.`}</p>}
      <LogsView sources={sources.slice(0, MOST)} />
    </>
  )
}

function sourcesOf(pod: AnyObject): readonly LogSource[] {
  const { namespace = '', name } = pod.metadata
  return listAt(pod, 'spec', 'containers').map((container) => ({ namespace, pod: name, container: textAt(container, 'name') }))
}
