/** A small web server: `httpd` of busybox that answers with its pod's name. */
const page = 'mkdir /www; hostname > /www/index.html; exec httpd -f -h /www'
const server = `containers: [{ name: web, image: 'busybox:1.36', command: [sh, -c, '${page}'], readinessProbe: { httpGet: { port: 80, path: / }, periodSeconds: 1 } }]`
/** One on each machine, as far as there are machines. */
const apart = (app: string) =>
  `topologySpreadConstraints: [{ maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: ${app} } } }]`

const service = (app: string, headless = false) => `
apiVersion: v1
kind: Service
metadata: { name: ${app} }
spec: { selector: { app: ${app} }, ports: [{ port: 80 }]${headless ? ', clusterIP: None' : ''} }
---`

export function webDeployment(app: string, replicas: number): string {
  return `${service(app)}
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${app} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${app} } }
  template:
    metadata: { labels: { app: ${app} } }
    spec: { terminationGracePeriodSeconds: 1, ${apart(app)}, ${server} }
`
}

export function webStatefulSet(app: string, replicas: number): string {
  return `${service(app, true)}
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: ${app} }
spec:
  replicas: ${replicas}
  serviceName: ${app}
  podManagementPolicy: Parallel
  selector: { matchLabels: { app: ${app} } }
  template:
    metadata: { labels: { app: ${app} } }
    spec: { terminationGracePeriodSeconds: 1, ${apart(app)}, ${server} }
`
}

/** A pod on a given machine to ask others from. */
export function asker(node: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: asker-${node}, labels: { app: asker } }
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 1
  tolerations: [{ operator: Exists }]
  containers: [{ name: asker, image: 'busybox:1.36', command: [sleep, '100000'] }]
`
}
