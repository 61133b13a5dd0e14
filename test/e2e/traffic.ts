import { request } from 'node:http'

/** A pod to ask from: a shell and wget. */
export function askerPod(name: string): string {
  return `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: { run: ${name} }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox:1.36
      command: [sleep, '3600']
`
}

/** Pods that do nothing and end soon. Not at once: with a grace of 0 the API forgets a pod before its containers have ended. */
export function idleDeployment(name: string, replicas: number): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: main, image: 'busybox:1.36', command: [sleep, '3600'] }]
`
}

/** The body of a 200 answer to one request on a connection of its own. */
export async function getText(url: string, timeoutMilliseconds = 5000): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, timeout: timeoutMilliseconds, headers: { connection: 'close' } }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.on('error', reject)
      response.on('end', () => (response.statusCode === 200 ? resolve(body) : reject(new Error(`${url} answered ${response.statusCode}`))))
    })
    sent.on('timeout', () => sent.destroy(new Error(`${url} did not answer within ${timeoutMilliseconds} ms`)))
    sent.on('error', reject)
    sent.end()
  })
}

/** Requests one after the other for as long as it runs, counted. */
export interface Traffic {
  /** Ends it and says how it went. */
  stop(): Promise<{ answered: number; failures: string[] }>
}

/** Sends steady requests from this machine. */
export function steadyTraffic(url: string): Traffic {
  let isOver = false
  let answered = 0
  const failures: string[] = []
  const running = (async () => {
    while (!isOver) {
      await getText(url).then(
        () => answered++,
        (error: Error) => failures.push(error.message),
      )
    }
  })()
  return {
    async stop() {
      isOver = true
      await running
      return { answered, failures }
    },
  }
}
