import type { Draft, ObjectOf } from '../../shared/client/client.ts'

type DeploymentDraft = Draft<ObjectOf<'apps/v1', 'Deployment'>>

/** The smallest valid pod template that carries the label `app`. */
export function podTemplate(app: string, image = 'nginx:1.27') {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image }] } }
}

/** The smallest valid Deployment; `spec` is laid over it. */
export function deployment(name: string, replicas: number, spec: DeploymentDraft['spec'] = {}): DeploymentDraft {
  return {
    metadata: { name, namespace: 'default' },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: podTemplate(name), ...spec },
  }
}

/** The smallest valid Job; `spec` is laid over it. Its pods have the label `app`. */
export function job(name: string, spec: Draft<ObjectOf<'batch/v1', 'Job'>>['spec'] = {}): Draft<ObjectOf<'batch/v1', 'Job'>> {
  const { metadata, spec: pod } = podTemplate(name)
  return { metadata: { name, namespace: 'default' }, spec: { template: { metadata, spec: { ...pod, restartPolicy: 'Never' } }, ...spec } }
}

/** The smallest valid CronJob; `spec` is laid over it, and `jobSpec` over that of its jobs. */
export function cronJob(
  name: string,
  schedule: string,
  spec: Draft<ObjectOf<'batch/v1', 'CronJob'>>['spec'] = {},
  jobSpec: Draft<ObjectOf<'batch/v1', 'Job'>>['spec'] = {},
): Draft<ObjectOf<'batch/v1', 'CronJob'>> {
  return { metadata: { name, namespace: 'default' }, spec: { schedule, jobTemplate: { spec: { ...job(name).spec, ...jobSpec } }, ...spec } }
}

/** The smallest valid ReplicaSet. */
export function replicaSet(name: string, replicas: number): Draft<ObjectOf<'apps/v1', 'ReplicaSet'>> {
  const template = podTemplate(name)
  return { metadata: { name, namespace: 'default' }, spec: { replicas, selector: { matchLabels: { app: name } }, template } }
}

/** The smallest valid Service, for pods labelled `app`. */
export function service(name: string, port = 80): Draft<ObjectOf<'v1', 'Service'>> {
  return { metadata: { name, namespace: 'default' }, spec: { selector: { app: name }, ports: [{ port }] } }
}

/** A pod of its own, labelled `app` with its name. */
export function pod(name: string, spec: Draft<ObjectOf<'v1', 'Pod'>>['spec'] = {}): Draft<ObjectOf<'v1', 'Pod'>> {
  const { metadata, spec: template } = podTemplate(name)
  return { metadata: { ...metadata, name, namespace: 'default' }, spec: { ...template, ...spec } }
}

type DaemonSetDraft = Draft<ObjectOf<'apps/v1', 'DaemonSet'>>

/** The smallest valid DaemonSet; `spec` is laid over it. */
export function daemonSet(name: string, spec: DaemonSetDraft['spec'] = {}): DaemonSetDraft {
  return {
    metadata: { name, namespace: 'default' },
    spec: { selector: { matchLabels: { app: name } }, template: podTemplate(name), ...spec },
  }
}

type StatefulSetDraft = Draft<ObjectOf<'apps/v1', 'StatefulSet'>>

/** The smallest valid StatefulSet; `spec` is laid over it. */
export function statefulSet(name: string, replicas: number, spec: StatefulSetDraft['spec'] = {}): StatefulSetDraft {
  return {
    metadata: { name, namespace: 'default' },
    spec: { replicas, serviceName: name, selector: { matchLabels: { app: name } }, template: podTemplate(name), ...spec },
  }
}
