// What people do with a pod by the official JavaScript client: start it, wait for it, read its log, run a program in it, go in through a port.
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { PassThrough, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { CoreV1Api, Exec, KubeConfig, Log, PortForward, Watch } from '@kubernetes/client-node'

const namespace = process.argv[2]
const config = new KubeConfig()
config.loadFromDefault()
const core = config.makeApiClient(CoreV1Api)
const say = (line) => process.stdout.write(`${line}\n`)

const page = 'echo from the pod >/tmp/index.html; echo started; exec httpd -f -p 8080 -h /tmp'
const container = { name: 'main', image: 'busybox:1.36', command: ['sh', '-c', page], readinessProbe: { tcpSocket: { port: 8080 } } }
const made = await core.createNamespacedPod({ namespace, body: { metadata: { name: 'web' }, spec: { containers: [container] } } })
await ready(made.metadata.resourceVersion)
say('ready')

const log = new PassThrough()
await new Log(config).log(namespace, 'web', 'main', log, { follow: false, tailLines: 1 })
say(`log: ${String(await buffer(log)).trim()}`)

const { output, status } = await run(['sh', '-c', 'read line; echo "heard $line"; echo loud >&2; exit 3'], 'a word\n')
say(`exec: ${output.trim()}; ${status.status} ${status.details?.causes?.[0]?.message}`)

const forward = new PortForward(config)
const door = createServer()
door.removeAllListeners('connection')
door.on('connection', (socket) => void forward.portForward(namespace, 'web', [8080], socket, null, socket))
door.listen(0, '127.0.0.1')
await once(door, 'listening')
const asked = request({ host: '127.0.0.1', port: door.address().port, path: '/', agent: false, headers: { connection: 'close' } }).end()
const [answer] = await once(asked, 'response')
say(`port: ${String(await buffer(answer)).trim()}`)
door.close()
await core.deleteNamespacedPod({ namespace, name: 'web', gracePeriodSeconds: 0 })
say('end')
process.exit(0)

function ready(resourceVersion) {
  return new Promise((resolve, reject) => {
    const isReady = ({ status }) => status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    let watch
    const onEvent = (_type, pod) => {
      if (!isReady(pod)) return
      watch.abort()
      resolve()
    }
    new Watch(config)
      .watch(`/api/v1/namespaces/${namespace}/pods`, { resourceVersion, fieldSelector: 'metadata.name=web' }, onEvent, (error) => {
        if (error && error.name !== 'AbortError') reject(error)
      })
      .then((controller) => (watch = controller), reject)
  })
}

async function run(command, input) {
  const parts = []
  const stdout = new Writable({ write: (part, _encoding, written) => written(void parts.push(part)) })
  const stdin = new PassThrough()
  const status = await new Promise((resolve, reject) => {
    new Exec(config).exec(namespace, 'web', 'main', command, stdout, null, stdin, false, resolve).catch(reject)
    stdin.end(input)
  })
  return { output: Buffer.concat(parts).toString(), status }
}
