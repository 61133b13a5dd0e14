import type { Container, EphemeralContainer } from '../../../../shared/openapi/generated/core-v1.ts'
import { type Check, containersOf } from '../check.ts'
import { named, plural, quotedList, sortedSet } from '../wording.ts'

/** Kubelets ask nobody but the pod itself: a probe of another host is a request from inside the node's network. */
export const hostProbesAndHostLifecycle: Check = {
  id: 'hostProbesAndHostLifecycle',
  level: 'baseline',
  versions: [
    {
      since: 34,
      find(_metadata, spec) {
        const bad: string[] = []
        const hosts: string[] = []
        for (const container of containersOf(spec)) {
          const found = hostsOf(container)
          if (found.length > 0) bad.push(container.name)
          for (const host of found) hosts.push(host)
        }
        if (bad.length === 0) return undefined
        const all = sortedSet(hosts)
        const uses = `${bad.length === 1 ? 'uses' : 'use'} ${plural('probe or lifecycle host', all.length)} ${quotedList(all)}`
        return { reason: 'probe or lifecycle host', detail: `${named('container', sortedSet(bad))} ${uses}` }
      },
    },
  ],
}

function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container | EphemeralContainer): string[] {
  const handlers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
  return handlers.flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host]).flatMap((host) => host || [])
}
