import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import { outputOf } from '../../deploy/command.ts'
import { realClock } from '../../shared/time/clock.ts'
import { type RealNode, startRealNode } from '../harness/kubelet-process.ts'

const subject = `
apiVersion: v1
kind: Pod
metadata: { name: subject }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sh, -c, 'yes large | head -c 20000000 > /tmp/large; mv /tmp/large /etc/large; httpd -p 8080 -h /etc; while :; do echo line; sleep 0.1; done']
    - name: listener
      image: busybox
      imagePullPolicy: IfNotPresent
      stdin: true
      command: [sh, -c, 'while :; do echo first; sleep 0.1; done']
`

/** A pod that runs a script and is over. */
const runOnce = (name: string, script: string, stdin = false) =>
  JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
    spec: {
      ...{ restartPolicy: 'Never', terminationGracePeriodSeconds: 0 },
      containers: [{ name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', stdin, command: ['sh', '-c', script] }],
    },
  })

/** One open session, and what a client can do to it. */
interface Client {
  readonly socket: WebSocket
  readonly tcp: Socket
  /** Resolves with the first message that is not empty. */
  readonly talking: Promise<void>
}

/** The ways in which clients leave, tidy and not. */
const ways: Readonly<Record<string, (client: Client) => void>> = {
  'a farewell': ({ socket }) => socket.close(1000),
  'a closed connection': ({ socket }) => socket.terminate(),
  'a reset': ({ tcp }) => tcp.resetAndDestroy(),
  'half a close': ({ tcp }) => tcp.end(),
  'input after its end, then nothing more': ({ socket }) => {
    socket.send(Buffer.of(255, 0))
    socket.send(Buffer.from('\0more'))
    socket.send(Buffer.of(255, 0))
    socket.send(Buffer.from('\u0004{"Width":1,"Height":1}'))
    socket.close()
  },
  'bytes that are no frame': ({ tcp, socket }) => {
    socket.send(Buffer.alloc(10, 0xff), { fin: false })
    socket.send(Buffer.from('\0x'))
    tcp.destroy()
  },
  'no more reading': ({ socket, tcp }) => {
    socket.pause()
    realClock().after(300, () => tcp.destroy())
  },
}

const base = '/api/v1/namespaces/default/pods/subject'
const command = (...words: string[]) => words.map((word) => `&command=${encodeURIComponent(word)}`).join('')
/** What is open when the client leaves. */
const sessions: Readonly<Record<string, string>> = {
  'exec that prints without end': `${base}/exec?container=main&stdin=1&stdout=1&stderr=1${command('yes')}`,
  'exec that is silent': `${base}/exec?container=main&stdin=1&stdout=1&stderr=1${command('sleep', '7654')}`,
  'exec with children': `${base}/exec?container=main&stdout=1&stderr=1${command('sh', '-c', 'echo; sleep 7651 & sleep 7652; sleep 7653')}`,
  'exec that ignores a hang-up': `${base}/exec?container=main&stdout=1${command('sh', '-c', 'trap "" HUP; echo; while :; do sleep 0.05; done')}`,
  'exec on a terminal': `${base}/exec?container=main&stdin=1&stdout=1&tty=1${command('sh', '-c', 'echo; exec sleep 7655')}`,
  attach: `${base}/attach?container=listener&stdin=1&stdout=1&stderr=1`,
  'log that is followed': `${base}/log?container=main&follow=true`,
  'port-forward': `${base}/portforward?ports=8080&ports=9`,
}
const SILENT = 'exec that is silent'
/** What clients leave that have only just come: nothing may be started for them afterwards. */
const hasty = new Set([SILENT, 'attach', 'exec on a terminal'])
/** Ways whose end is hidden from us behind input that the command does not read; upstream's too. The client lives on and waits. */
const behindInput = new Set(['a farewell', 'half a close', 'input after its end, then nothing more'])

describe('clients that go away', () => {
  let node: RealNode
  let witness: Client
  let mainContainer: string
  const clock = realClock()

  before(async () => {
    node = await startRealNode('10.199.84.0/24')
    await node.joined()
    await node.kubectl.apply(subject)
    await node.kubectl.ok('wait pod/subject --for=condition=Ready --timeout=60s')
    await node.kubectl.ok([
      'exec',
      'subject',
      '-c',
      'main',
      '--',
      'sh',
      '-c',
      'until wget -q -O /dev/null http://127.0.0.1:8080/large; do sleep 0.1; done',
    ])
    const pod = await node.client.get('v1', 'Pod', { namespace: 'default', name: 'subject' })
    const status = pod.status.containerStatuses?.find(({ name }) => name === 'main')
    mainContainer = (status?.containerID ?? '').replace('docker://', '')
    witness = await open(`${base}/exec?container=main&stdin=1&stdout=1${command('cat')}`)
  })
  after(async () => {
    witness?.tcp.destroy()
    await node?.dispose()
  })

  async function open(path: string, isCalm = true): Promise<Client> {
    const { api } = node
    const url = new URL(api.server.url)
    const tcp = connectTcp(Number(url.port), url.hostname)
    tcp.on('error', () => {}) // leaving is what clients are here for
    const createConnection = () =>
      connectTls({ socket: tcp, host: url.hostname, ca: api.server.credentials.authority, cert: api.admin.cert, key: api.admin.key })
    const protocols = path.includes('/log?') ? [] : [path.includes('portforward') ? 'v4.channel.k8s.io' : 'v5.channel.k8s.io']
    const socket = new WebSocket(`${api.server.url.replace('https', 'wss')}${path}`, protocols, { createConnection })
    socket.on('error', () => {}) // as above
    const talking = new Promise<void>((resolve) =>
      socket.on('message', (message: Buffer) => {
        if (message.length > 1) resolve()
      }),
    )
    if (isCalm) await once(socket, 'open')
    return { socket, tcp, talking }
  }

  async function echo(text: string): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      const listen = (message: Buffer) => {
        if (!message.toString().includes(text)) return
        witness.socket.off('message', listen)
        resolve()
      }
      witness.socket.on('message', listen)
    })
    witness.socket.send(Buffer.from(`\0${text}\n`))
    await heard
  }

  /** Sessions that the kubelet still has, the witness's apart, and processes in the container that are of none. */
  async function remains(): Promise<string[]> {
    const metrics = await node.kubectl.ok(['get', '--raw', `/api/v1/nodes/${node.nodeName}/proxy/metrics`])
    const counts = [...metrics.matchAll(/^kubelet_streaming_sessions\{verb="(exec|attach|logs|portForward)"\} (\d+)/gm)]
    const open = counts.map(([, verb, count]) => `${verb} ${count}`).filter((line) => line !== 'exec 1')
    const processes = (await outputOf('docker', ['top', mainContainer, '-eo', 'pid,args'])).split('\n')
    return [...open, ...processes.filter((line) => /765\d|yes$|trap/.test(line))]
  }

  async function nothingRemains(): Promise<void> {
    const deadline = clock.monotonic() + 40_000
    let left = await remains()
    for (; left.length > 0 && clock.monotonic() < deadline; left = await remains()) await clock.sleep(200)
    assert.deepEqual(left, [])
  }

  for (const [way, leave] of Object.entries(ways)) {
    it(`${way}, at any moment of any session, ends that session and all it started, and nothing else`, async () => {
      const { pid } = node.kubelet
      await Promise.all(
        Object.entries(sessions).flatMap(([what, path]) => [
          ...(hasty.has(what)
            ? [
                // Before it stands, and as soon as it stands.
                open(path, false).then(({ tcp }) => clock.after(5 + what.length, () => tcp.destroy())),
                open(path).then(leave),
              ]
            : []),
          // In the middle of it.
          open(path).then(async (client) => {
            if (path.includes('portforward')) client.socket.send(Buffer.from('\0GET /large HTTP/1.0\r\n\r\n'))
            if (what !== SILENT) await client.talking
            // One that reads nothing is given more than fits.
            else if (!behindInput.has(way)) for (let piece = 0; piece < 64; piece++) client.socket.send(Buffer.alloc(32_768))
            leave(client)
          }),
        ]),
      )
      await echo(way)
      await nothingRemains()
      assert.equal(node.kubelet.pid, pid)
      assert.equal(node.kubelet.exitCode, null)
      await echo(`${way} again`)
    })
  }

  for (const [name, env] of [
    ['WebSocket', {}],
    ['SPDY', { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }],
  ] as const) {
    it(`kubectl over ${name} that is killed, or whose reader closes early, leaves nothing behind`, async () => {
      const endless = ['exec', 'subject', '-c', 'main', '--', 'yes']
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        const child = node.kubectl.start(endless, { env })
        await once(child.stdout!, 'data')
        child.kill(signal)
        await once(child, 'exit')
      }
      // The shell's pipe, not ours: Node gives a child a socket as stdout, whose end may be a reset, after which kubectl prints no more and waits on.
      const { program, environment } = node.kubectl
      const piped = await outputOf('sh', ['-c', '"$@" | head -n 1', 'sh', program, ...endless], { env: { ...environment, ...env } })
      assert.equal(piped, 'y')
      await echo(name)
      await nothingRemains()
    })

    it(`aborted downloads do not end a port-forward over ${name}, and slow ones are whole`, async () => {
      const forward = node.kubectl.start(['port-forward', 'subject', ':8080'], { env })
      try {
        let said = ''
        forward.stdout?.setEncoding('utf8').on('data', (text: string) => {
          said += text
        })
        while (!/:(\d+) -> 8080/.test(said)) await once(forward.stdout!, 'data')
        const port = Number(/:(\d+) -> 8080/.exec(said)?.[1])
        for (let count = 0; count < 8; count++) {
          const download = connectTcp(port, '127.0.0.1')
          download.on('error', () => {}) // it is aborted
          download.write('GET /large HTTP/1.0\r\n\r\n')
          await once(download, 'data')
          if (count % 2 === 0) download.destroy()
          else download.resetAndDestroy()
        }
        // And one that is read slowly is whole, though its server has long hung up.
        const slow = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
        slow.write('GET /large HTTP/1.0\r\n\r\n')
        let size = 0
        for await (const chunk of slow) {
          if (size === 0) await clock.sleep(500)
          size += (chunk as Buffer).length
        }
        assert.ok(size > 20_000_000, `${size} bytes came`)
        assert.equal(forward.exitCode, null)
      } finally {
        forward.kill()
        await once(forward, 'exit')
      }
    })
  }

  it('what a container prints after the end of a piped input arrives when its stdin is not for once', async () => {
    await node.kubectl.apply(runOnce('reader', 'echo ready; read line; sleep 1; echo "late $line"', true))
    await node.kubectl.ok('wait pod/reader --for=condition=Ready --timeout=60s')
    const { stdout, stderr } = await node.kubectl.run(['attach', '-i', 'reader'], { input: 'word\n' })
    assert.match(stdout, /ready\n.*late word\n/s, stderr)
  })

  it('run --rm shows all that was printed, however short the container lived, and ends with its code', async () => {
    const runs = Array.from({ length: Number(process.env['RUNS'] ?? 6) }, (_, index) => index)
    const one = async (index: number) => {
      const script = index % 2 === 0 ? `echo begun ${index}; exit 3` : `echo begun ${index}; cat; sleep 0.${index % 10}; exit 3`
      const options = ['--rm', '-i', '--restart=Never', '--image=busybox', '--image-pull-policy=IfNotPresent', '--quiet']
      return node.kubectl.run(['run', `short-${index}`, ...options, '--', 'sh', '-c', script], { input: `typed ${index}\n` })
    }
    for (let at = 0; at < runs.length; at += 3) {
      for (const [offset, { stdout, stderr, code }] of (await Promise.all(runs.slice(at, at + 3).map(one))).entries()) {
        const index = at + offset
        assert.doesNotMatch(stderr, /couldn't attach/)
        assert.match(stdout, new RegExp(index % 2 === 0 ? `begun ${index}\n` : `begun ${index}\ntyped ${index}\n`), stderr)
        assert.equal(code, 3, stderr)
      }
    }
  })

  it('a followed log gives every line once over the engine’s rotations', async () => {
    const lines = 30_000
    const script = `while [ ! -e /tmp/go ]; do sleep 0.1; done; p=$(printf %01000d 0); n=0; while [ $n -lt ${lines} ]; do n=$((n+1)); echo "$n $p"; done`
    await node.kubectl.apply(runOnce('writer', script))
    await node.kubectl.ok('wait pod/writer --for=condition=Ready --timeout=60s')
    const following = node.kubectl.run(['logs', '-f', 'writer'])
    await node.kubectl.ok('exec writer -- touch /tmp/go')
    const numbers = (await following).stdout
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split(' ', 1)[0]))
    assert.equal(numbers.length, lines)
    for (const [index, number] of numbers.entries()) assert.equal(number, index + 1)
  })
})
