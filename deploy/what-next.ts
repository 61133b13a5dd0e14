import { relative } from 'node:path'
import { runningWorkers } from './await-cluster.ts'
import { runCommand } from './command.ts'
import { curlFolder } from './curl-files.ts'
import type { Settings } from './settings.ts'

/** What to try in a cluster that has just come up, with this cluster's own addresses. */
export async function whatNext(settings: Settings): Promise<string> {
  const file = relative(process.cwd(), settings.kubeconfig)
  const kubectl = (await runCommand('sh', ['-c', 'command -v kubectl'])).code === 0
  const [worker] = await runningWorkers(settings)
  const dialled = settings.ingressAddress === '0.0.0.0' ? '127.0.0.1' : settings.ingressAddress
  return [
    `  export KUBECONFIG=$PWD/${file}`,
    ...(kubectl ? [] : ['  # kubectl is not installed here; any version from 1.31 on will do: https://kubernetes.io/docs/tasks/tools/']),
    '  kubectl get nodes -o wide',
    '  kubectl create deployment web --image=nginx --replicas=2',
    '  kubectl expose deployment web --port=80 --type=NodePort',
    '  kubectl get pods -o wide --watch',
    ...(worker
      ? [
          `  curl http://${worker.address}:$(kubectl get service web -o jsonpath='{.spec.ports[0].nodePort}')   # a NodePort, on any worker (Linux)`,
        ]
      : []),
    `  kubectl create ingress web --rule='web.example.com/*=web:80'`,
    `  curl --resolve web.example.com:${settings.httpPort}:${dialled} http://web.example.com:${settings.httpPort}/   # an Ingress, on this machine`,
    `  curl -K ${relative(process.cwd(), curlFolder(settings.kubeconfig))}/config https://127.0.0.1:${settings.apiPort}/api/v1/nodes   # the same API, bare`,
    '',
    '  make load IMAGE=name      an image of this machine for the cluster',
    '  make down                 removes the cluster; with KEEP=1 it only stops',
  ].join('\n')
}
