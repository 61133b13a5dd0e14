import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { eventually } from '../harness/eventually.ts'
import { type RealNode, startRealNode } from '../harness/kubelet-process.ts'

/** One client of every kind: kubectl as it is today, and as it was when it spoke SPDY only. */
const transports = [
  { name: 'WebSocket', env: {} },
  { name: 'SPDY', env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' } },
]

const shell = `
apiVersion: v1
kind: Pod
metadata: { name: shell }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sh, -c, 'echo one; echo two; echo three; httpd -f -p 8080 -h /etc & while :; do sleep 0.2; [ -e /tmp/go ] && { cat /tmp/go; rm /tmp/go; }; done']
    - name: idle
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sleep, '1000']
`

describe('logs, exec, attach and port-forward through the API server to a real kubelet', () => {
  let node: RealNode
  before(async () => {
    node = await startRealNode('10.199.80.0/24')
    await node.joined()
    await node.kubectl.apply(shell)
    await node.kubectl.ok('wait pod/shell --for=condition=Ready --timeout=60s')
  })
  after(async () => {
    await node?.dispose()
  })

  it('logs: all, the last lines, with times, a byte limit, and in the words people know when there are none', async () => {
    const { kubectl } = node
    assert.equal(await kubectl.ok('logs shell -c main --tail=2'), 'two\nthree')
    assert.match(await kubectl.ok('logs shell -c main --timestamps --tail=1'), /^\d{4}-\d\d-\d\dT[\d:.]+Z three$/)
    assert.equal(await kubectl.ok('logs shell -c main --limit-bytes=5'), 'one\nt')
    assert.equal(await kubectl.ok('logs shell -c main --since-time=2099-01-01T00:00:00Z'), '')
    assert.equal(await kubectl.ok('logs shell -c idle'), '')
    assert.match(await kubectl.fails('logs shell -c nope'), /container nope is not valid for pod shell/)
    assert.match(await kubectl.fails('logs shell -c main --previous'), /previous terminated container "main" in pod "shell" not found/)
    assert.match(await kubectl.fails('logs nobody'), /pods "nobody" not found/)
  })

  it('hundreds of questions, one after another and at once, over connections that are kept', async () => {
    const { api } = node
    const ask = async (count: number) => {
      for (let number = 0; number < count; number++) {
        const path = `/api/v1/namespaces/default/pods/shell/log?container=main&tailLines=${number % 3}`
        const { code, body } = await api.call(api.admin, 'GET', path)
        assert.equal(code, 200, JSON.stringify(body))
        assert.equal(body, ['', 'three\n', 'two\nthree\n'][number % 3])
      }
    }
    await ask(200)
    await Promise.all([ask(50), ask(50), ask(50), ask(50)])
  })

  it('logs --follow gives each line as it is written and ends when the reader goes', async () => {
    const child = node.kubectl.start('logs -f shell -c main --tail=1')
    const late = AbortSignal.timeout(20_000)
    const lines: string[] = []
    child.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(text))
    await once(child.stdout!, 'data', { signal: late })
    await node.kubectl.ok(['exec', 'shell', '-c', 'main', '--', 'sh', '-c', 'echo fresh > /tmp/go'])
    while (!lines.join('').includes('fresh')) await once(child.stdout!, 'data', { signal: late })
    child.kill()
    await once(child, 'exit')
  })

  it('a container that cannot start yet says why', async () => {
    const { kubectl } = node
    const image = 'registry.invalid/nothing:1'
    await kubectl.ok(['run', 'stuck', `--image=${image}`])
    await eventually(
      node.client,
      ['v1', 'Pod'],
      ([pod]) => pod?.status.containerStatuses?.[0]?.state.waiting?.reason === 'ImagePullBackOff',
      {
        ...{ namespace: 'default', fieldSelector: 'metadata.name=stuck', withinMilliseconds: 60_000 },
      },
    )
    assert.match(
      await kubectl.fails('logs stuck'),
      /container "stuck" in pod "stuck" is waiting to start: (trying and failing to pull image|image can't be pulled)/,
    )
    assert.match(await kubectl.fails('exec stuck -- ls'), /container not found \("stuck"\)/)
    await kubectl.ok('delete pod stuck --now')
  })

  for (const { name, env } of transports) {
    const options = { env }

    it(`exec over ${name}: output apart, exit codes, input to its end, commands that are not there`, async () => {
      const { kubectl } = node
      const run = (args: readonly string[], input?: string) =>
        kubectl.run(['exec', ...args], input === undefined ? options : { ...options, input })
      const both = await run(['shell', '-c', 'main', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'])
      assert.deepEqual([both.stdout, both.code], ['out\n', 7])
      assert.match(both.stderr, /^err\n/)
      const large = 'x'.repeat(3_000_000)
      assert.equal((await run(['-i', 'shell', '-c', 'main', '--', 'cat'], large)).stdout, large)
      assert.notEqual((await run(['shell', '-c', 'main', '--', 'no-such-command'])).code, 0)
      assert.match((await run(['shell', '-c', 'nope', '--', 'ls'])).stderr, /container nope is not valid for pod shell/)
    })

    it(`port-forward over ${name}: several connections at once, and a port nobody listens on`, async () => {
      const forward = node.kubectl.start(['port-forward', 'shell', ':8080', ':9'], options)
      try {
        let said = ''
        forward.stdout?.setEncoding('utf8').on('data', (text: string) => {
          said += text
        })
        const portTo = async (target: number) => {
          const line = new RegExp(`127.0.0.1:(\\d+) -> ${target}\n`)
          while (!line.test(said)) await once(forward.stdout!, 'data', { signal: AbortSignal.timeout(20_000) })
          return Number(line.exec(said)?.[1])
        }
        const web = await portTo(8080)
        const answers = await Promise.all(
          Array.from({ length: 8 }, () => fetch(`http://127.0.0.1:${web}/hosts`).then((answer) => answer.text())),
        )
        for (const text of answers) assert.match(text, /Kubernetes-managed hosts file/)
        await assert.rejects(fetch(`http://127.0.0.1:${await portTo(9)}/`))
      } finally {
        forward.kill()
        await once(forward, 'exit')
      }
    })
  }

  it('attach and run --rm: a session with the container itself, whose end is the pod’s', async () => {
    const args = ['run', 'once', '--rm', '-i', '--image=busybox', '--image-pull-policy=IfNotPresent', '--restart=Never', '--', 'cat']
    const result = await node.kubectl.run(args, { input: 'through\n' })
    assert.match(result.stdout, /through/)
    assert.equal(result.code, 0, result.stderr)
  })

  it('cp in both directions', async () => {
    const file = `${node.api.directory}/copied`
    await node.kubectl.ok(['cp', 'shell:/etc/passwd', file, '-c', 'main'])
    await node.kubectl.ok(['cp', file, 'shell:/tmp/back', '-c', 'main'])
    const original = await node.kubectl.ok('exec shell -c main -- cat /etc/passwd')
    assert.equal(await node.kubectl.ok('exec shell -c main -- cat /tmp/back'), original)
  })

  it('port-forward as JavaScript clients do: ports in the query, two channels each', async () => {
    const { api } = node
    const path = '/api/v1/namespaces/default/pods/shell/portforward?ports=8080&ports=9'
    const tls = { ca: api.server.credentials.authority, cert: api.admin.cert, key: api.admin.key }
    const socket = new WebSocket(`${api.server.url.replace('https', 'wss')}${path}`, ['v4.channel.k8s.io'], tls)
    const got = new Map<number, string>()
    const grown = () => once(socket, 'message', { signal: AbortSignal.timeout(20_000) })
    socket.on(
      'message',
      (message: Buffer) => void got.set(message[0] ?? 0, (got.get(message[0] ?? 0) ?? '') + message.toString('latin1', 1)),
    )
    const closed = once(socket, 'close', { signal: AbortSignal.timeout(20_000) })
    await once(socket, 'open')
    socket.send(Buffer.concat([Buffer.of(0), Buffer.from('GET /hosts HTTP/1.0\r\n\r\n')]))
    while (!got.get(0)?.includes('Kubernetes-managed') || !got.get(3)?.includes('REFUSED')) await grown()
    assert.equal(got.get(0)?.slice(0, 2), '\x90\x1f')
    assert.match(got.get(3) ?? '', /^\t\0an error occurred forwarding 9 -> 9/)
    const [code] = await closed
    assert.equal(code, 1000, 'both ports have hung up')
  })

  it('proxies: the pod, the node’s API, and nobody without credentials at the node itself', async () => {
    const { api, kubectl, nodeName } = node
    const pod = await api.call(api.admin, 'GET', '/api/v1/namespaces/default/pods/shell:8080/proxy/hosts')
    assert.equal(pod.code, 200)
    assert.match(pod.body, /Kubernetes-managed hosts file/)
    assert.equal(await kubectl.ok(['get', '--raw', `/api/v1/nodes/${nodeName}/proxy/healthz`]), 'ok')
    const summary = JSON.parse(await kubectl.ok(['get', '--raw', `/api/v1/nodes/${nodeName}/proxy/stats/summary`]))
    assert.equal(summary.node.nodeName, nodeName)
    const shell = summary.pods.find((one: { podRef: { name: string } }) => one.podRef.name === 'shell')
    const [used] = shell.containers
    assert.ok(used.memory.usageBytes > 0 && used.memory.rssBytes > 0 && used.cpu.usageNanoCores >= 0, JSON.stringify(used))
    assert.ok(shell.network.name === 'eth0' && shell.network.rxBytes > 0 && shell['ephemeral-storage'].usedBytes > 0)
    assert.ok(summary.node.cpu.usageNanoCores > 0 && summary.node.fs.capacityBytes > 0 && summary.node.network.interfaces.length > 0)
    const resources = await kubectl.ok(['get', '--raw', `/api/v1/nodes/${nodeName}/proxy/metrics/resource`])
    assert.match(resources, /\nnode_cpu_usage_seconds_total \d+(\.\d+)? \d{13}\n/)
    assert.match(resources, /\ncontainer_memory_working_set_bytes\{container="\w+",namespace="default",pod="shell"\} [1-9]\d* \d{13}\n/)
    const cadvisor = await kubectl.ok(['get', '--raw', `/api/v1/nodes/${nodeName}/proxy/metrics/cadvisor`])
    assert.match(
      cadvisor,
      /\ncontainer_network_receive_bytes_total\{container="POD",interface="eth0",namespace="default",pod="shell"\} \d+/,
    )
    const [one] = (await node.client.list('v1', 'Node')).items
    const address = one?.status.addresses?.find(({ type }) => type === 'InternalIP')?.address
    const direct = `https://${address}:${one?.status.daemonEndpoints.kubeletEndpoint?.Port}/pods`
    const anonymous = await api.call({}, 'GET', direct)
    assert.equal(anonymous.code, 401)
    const pki = (file: string) => readFileSync(`${api.directory}/pki/${file}`, 'utf8')
    const stranger = await api.call({ cert: pki('scheduler.crt'), key: pki('scheduler.key') }, 'GET', direct)
    assert.equal(stranger.code, 403)
  })
})
