import { runLoad } from './load.ts'
import type { LoadTarget } from './load-connection.ts'
import { NAMESPACE } from './measured-server.ts'

export const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`

/** A pod of about 1.5 KB, as people write them; `{n}` is its number. */
export const POD = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'load-{n}',
    labels: { app: 'load', tier: 'backend', 'app.kubernetes.io/instance': 'load-{n}' },
    annotations: { 'example.com/revision': '{n}', 'example.com/notes': 'n'.repeat(200) },
  },
  spec: {
    containers: [
      {
        name: 'main',
        image: 'registry.example.test/app/server:v1.2.3',
        args: ['--port=8080', '--v=2'],
        ports: [{ name: 'http', containerPort: 8080 }],
        env: [
          { name: 'ORDINAL', value: '{n}' },
          { name: 'MODE', value: 'production' },
          { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        ],
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
        readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 10 },
        volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
      },
    ],
    volumes: [{ name: 'scratch', emptyDir: {} }],
    tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'load', effect: 'NoSchedule' }],
  },
})

let next = 0

/** Creates so many pods more. */
export async function createPods(target: LoadTarget, connections: number, count: number) {
  const first = next
  next += count
  return runLoad({ kind: 'requests', target, connections, count, path: PODS, method: 'POST', body: POD, first })
}

const figure = (value: number) => (value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en'))

/** One line of a table: what, how much, and beside what. */
export function printRow(what: string, value: number, unit: string, beside = ''): void {
  console.log(`${what.padEnd(46)} ${figure(value).padStart(10)} ${unit.padEnd(10)} ${beside}`)
}

export const ratio = (value: number, bare: number) => `${(value / bare).toFixed(2)} of bare (${figure(bare)})`
