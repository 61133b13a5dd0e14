import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { NetworkPolicy, NetworkPolicySpec } from '../../shared/openapi/generated/networking-v1.ts'

interface PodParts {
  labels?: Record<string, string>
  address?: string | undefined
  node?: string
  hostNetwork?: boolean
  phase?: string
  created?: string
  ports?: { name: string; containerPort: number; protocol?: string }[]
}

/** A pod as far as policies look at it. */
export function policyPodBody(namespace: string, name: string, parts: PodParts = {}): Pod {
  const { labels = {}, address, node = 'node-1', hostNetwork, phase = 'Running', created = '2026-01-01T00:00:00Z', ports = [] } = parts
  const version = JSON.stringify(parts)
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name, namespace, uid: `${namespace}-${name}`, resourceVersion: version, creationTimestamp: created, labels },
    spec: { nodeName: node, ...(hostNetwork ? { hostNetwork } : {}), containers: [{ name: 'main', image: 'x', resources: {}, ports }] },
    status: { phase, ...(address ? { podIP: address, podIPs: [{ ip: address }] } : {}) },
  }
}

/** A policy as it is stored: with its types and protocols filled in. */
export function networkPolicy(namespace: string, name: string, spec: Partial<NetworkPolicySpec>): NetworkPolicy {
  const types = spec.policyTypes ?? (spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'])
  return {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace } },
    spec: { podSelector: {}, ...spec, policyTypes: types },
  }
}
