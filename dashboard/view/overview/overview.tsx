import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useCluster, useTable } from '../cluster/cluster.ts'
import type { Row } from '../cluster/format.ts'
import type { LiveList } from '../cluster/live-list.ts'
import { kindPlace, objectPlace } from '../page/places.ts'
import { StateLine } from '../page/state-line.tsx'
import { cellOf, countsOf, unready } from './counts.ts'
import { Warnings } from './warnings.tsx'

/** The cluster at a glance: what there is, and what is not as it should be. */
export function Overview() {
  const nodes = useTable('/api/v1/nodes')
  const pods = useTable('/api/v1/pods')
  return (
    <section class="overview">
      <h1>Overview</h1>
      <Version />
      <div class="cards">
        <CountCard title="Nodes" list={nodes} column="Status" place={kindPlace({ group: '', resource: 'nodes' })} />
        <CountCard title="Pods" list={pods} column="Status" place={kindPlace({ group: '', resource: 'pods' })} />
        {WORKLOADS.map((workload) => (
          <WorkloadCard key={workload.resource} {...workload} />
        ))}
      </div>
      <Warnings />
    </section>
  )
}

const WORKLOADS = [
  { title: 'Deployments', resource: 'deployments' },
  { title: 'Stateful sets', resource: 'statefulsets' },
  { title: 'Daemon sets', resource: 'daemonsets' },
]

interface CountCardProps {
  readonly title: string
  readonly list: LiveList<Row>
  readonly column: string
  readonly place: string
}

/** How many objects say what in a column. */
function CountCard({ title, list, column, place }: CountCardProps) {
  void list.version.value
  return (
    <section class="card" aria-label={title}>
      <h2>
        <a href={place}>{title}</a> <strong>{list.items.size}</strong>
      </h2>
      <StateLine list={list} />
      <ul>
        {countsOf(list.items.values(), list.columns.value, column).map(([text, count]) => (
          <li key={text}>
            <a href={`${place}?filter=${encodeURIComponent(text)}`}>{text || 'nothing said'}</a> {count}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Workloads of a kind that have fewer ready pods than they want. */
function WorkloadCard({ title, resource }: { readonly title: string; readonly resource: string }) {
  const list = useTable(`/apis/apps/v1/${resource}`)
  void list.version.value
  const names = { group: 'apps', resource }
  const waiting = unready(list.items.values(), list.columns.value)
  return (
    <section class="card" aria-label={title}>
      <h2>
        <a href={kindPlace(names)}>{title}</a> <strong>{list.items.size}</strong>
      </h2>
      <StateLine list={list} />
      {list.state.value.phase === 'live' && waiting.length === 0 && list.items.size > 0 && <p class="good">all are ready</p>}
      <ul>
        {waiting.slice(0, 8).map((row) => (
          <li key={row.object.metadata.uid}>
            <a href={objectPlace(names, row.object.metadata)}>{row.object.metadata.name}</a>{' '}
            <span class="bad">{cellOf(row, list.columns.value, 'Ready')}</span>
          </li>
        ))}
      </ul>
      {waiting.length > 8 && <p>{`and ${waiting.length - 8} more`}</p>}
    </section>
  )
}

function Version() {
  const { ask } = useCluster()
  const version = useSignal('')
  useEffect(() => {
    ask<{ gitVersion?: string }>('/version').then(
      ({ gitVersion = '' }) => (version.value = gitVersion),
      () => undefined, // the lists say what is wrong
    )
  }, [ask, version])
  return version.value === '' ? null : <p>{`Kubernetes ${version.value}`}</p>
}
