/** kubectl's verbs on running containers: logs, exec, attach, cp, port-forward, run, proxy. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { useCluster } from './cluster.ts'
import { getText } from './traffic.ts'

const folder = mkdtempSync(join(tmpdir(), 'kubectl-pods-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const cluster = await useCluster('kubectl-pods')
const { kubectl } = cluster
before(async () => {
  await kubectl.apply(`
apiVersion: v1
kind: Pod
metadata: { name: two, labels: { app: two } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - { name: web, image: 'nginx:1.27', ports: [{ name: http, containerPort: 80 }] }
    - name: counter
      image: busybox:1.36
      command: [sh, -c, 'i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.2; done']
---
apiVersion: v1
kind: Pod
metadata: { name: once }
spec:
  restartPolicy: OnFailure
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: busybox:1.36
      command: [sh, -c, '[ -e /data/been ] && { echo second life; exec sleep 3600; }; touch /data/been; echo first life; exit 3']
      volumeMounts: [{ name: data, mountPath: /data }]
  volumes: [{ name: data, emptyDir: {} }]
`)
  await kubectl.ok('wait pod two once --for=condition=Ready --timeout=60s')
})

/** A shell's prompt; one that learns of its window after it has drawn the prompt draws it again and clears to the end of the screen. */
const PROMPT = /[#$] (\x1b\[J)?$/

/** A terminal program's conversation: what it printed so far, and a wait for more. */
function conversation(child: ChildProcess) {
  let text = ''
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk
      for (const look of waiting) look()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
  return {
    ended,
    text: () => text,
    until: (expected: RegExp, withinMilliseconds = 10_000) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const signal = AbortSignal.timeout(withinMilliseconds)
        const look = () => {
          const match = expected.exec(text)
          if (!match) return
          waiting.delete(look)
          resolve(match)
        }
        signal.addEventListener('abort', () => reject(new Error(`waited for ${expected}; printed: ${text.slice(-2000)}`)))
        waiting.add(look)
        look()
      }),
    say: (line: string) => child.stdin?.write(line),
  }
}

describe('logs', () => {
  test('the last lines, with time stamps, since then', async () => {
    // A container is ready before it has said three lines.
    const early = kubectl.start('logs -f two -c counter')
    await conversation(early).until(/line 3\n/)
    early.kill('SIGINT')
    const lines = (await kubectl.ok('logs two -c counter --tail=2')).split('\n')
    assert.equal(lines.length, 2)
    assert.match(lines[0] ?? '', /^line \d+$/)
    assert.match(await kubectl.ok('logs two -c counter --tail=1 --timestamps'), /^\d{4}-\d\d-\d\dT[\d:.]+Z line \d+$/)
    assert.ok((await kubectl.ok('logs two -c counter --since=1s')).split('\n').length <= 10)
    assert.match(await kubectl.ok('logs two --all-containers --prefix --tail=1'), /^\[pod\/two\/counter\] line/m)
    assert.match(await kubectl.ok('logs -l app=two -c counter --tail=1'), /^line/)
  })

  test('follows, and ends when told', async () => {
    const child = kubectl.start('logs -f two -c counter --tail=1')
    const talk = conversation(child)
    const [, first] = await talk.until(/line (\d+)\n/)
    await talk.until(new RegExp(`line ${Number(first) + 3}\n`))
    child.kill('SIGINT')
    await talk.ended
  })

  test('of the life before this one', async () => {
    assert.equal(await kubectl.ok('logs once --previous'), 'first life')
    assert.equal(await kubectl.ok('logs once'), 'second life')
    assert.match(await kubectl.fails('logs two -c web --previous'), /previous terminated container "web" in pod "two" not found/)
    assert.match(await kubectl.fails('logs two -c none'), /container none is not valid for pod two/)
  })
})

describe('exec', () => {
  test('both outputs, the exit code, an input', async () => {
    const result = await kubectl.run(['exec', 'two', '-c', 'counter', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'])
    assert.equal(result.stdout, 'out\n')
    assert.match(result.stderr, /^err\n/)
    assert.equal(result.code, 7)
    const echoed = await kubectl.run(['exec', '-i', 'two', '-c', 'counter', '--', 'wc', '-c'], { input: 'x'.repeat(300_000) })
    assert.equal(echoed.stdout.trim(), '300000')
    const absent = await kubectl.run(['exec', 'two', '-c', 'counter', '--', '/no/such/program'])
    assert.notEqual(absent.code, 0)
    assert.match(absent.stdout + absent.stderr, /no such file/)
    assert.match(await kubectl.fails('exec absent -- true'), /pods "absent" not found/)
  })

  test('a terminal, of the size of this one', async () => {
    const words = `${kubectl.program} --namespace ${cluster.namespace} exec -it two -c counter -- sh`
    const child = spawn('script', ['-qec', `stty rows 33 cols 101; ${words}`, '/dev/null'], {
      env: { ...kubectl.environment, TERM: 'xterm' } as NodeJS.ProcessEnv,
    })
    const talk = conversation(child)
    await talk.until(PROMPT)
    talk.say('tty; stty size; echo $((6*7))\n')
    await talk.until(/\/dev\/(pts\/\d+|console)/)
    await talk.until(/33 101/)
    await talk.until(/^42\r?$/m)
    talk.say('exit 5\n')
    assert.equal(await talk.ended, 5)
  })
})

test('attach joins the output of what runs', async () => {
  const child = kubectl.start('attach two -c counter')
  const talk = conversation(child)
  await talk.until(/line \d+\n[\s\S]*line \d+\n/)
  child.kill('SIGINT')
  await talk.ended
})

test('cp carries files in and out, whole', async () => {
  const bytes = randomBytes(3_000_000)
  writeFileSync(join(folder, 'in'), bytes)
  await kubectl.ok(`cp ${join(folder, 'in')} two:/tmp/there -c counter`)
  const sum = createHash('sha256').update(bytes).digest('hex')
  assert.match(await kubectl.ok('exec two -c counter -- sha256sum /tmp/there'), new RegExp(sum))
  await kubectl.ok(`cp two:/tmp/there ${join(folder, 'out')} -c counter`)
  assert.ok(bytes.equals(readFileSync(join(folder, 'out'))))
})

describe('port-forward', () => {
  const forward = async (target: string) => {
    const child = kubectl.start(`port-forward ${target}`)
    const talk = conversation(child)
    const [, port] = await talk.until(/Forwarding from 127\.0\.0\.1:(\d+)/)
    return { child, talk, port: Number(port) }
  }

  test('to a pod: many requests, at the same time too', async () => {
    const { child, talk, port } = await forward('pod/two :80')
    for (let round = 0; round < 5; round++) assert.match(await getText(`http://127.0.0.1:${port}/`), /nginx/i)
    const together = await Promise.all(Array.from({ length: 8 }, () => getText(`http://127.0.0.1:${port}/`)))
    for (const body of together) assert.match(body, /nginx/i)
    child.kill('SIGINT')
    await talk.ended
  })

  test('a megabyte each way arrives as it was', async () => {
    await kubectl.ok(['exec', 'two', '-c', 'counter', '--', 'sh', '-c', 'nc -l -p 7000 -e /bin/cat >/dev/null 2>&1 &'])
    const { child, talk, port } = await forward('pod/two :7000')
    const bytes = randomBytes(1_000_000)
    const received: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    await new Promise<void>((resolve, reject) => {
      let length = 0
      socket.on('data', (chunk: Buffer) => {
        received.push(chunk)
        length += chunk.length
        if (length >= bytes.length) resolve()
      })
      socket.on('error', reject)
      socket.on('close', () => reject(new Error(`closed after ${length} bytes`)))
      socket.write(bytes)
    })
    socket.destroy()
    assert.ok(Buffer.concat(received).equals(bytes))
    child.kill('SIGINT')
    await talk.ended
  })

  test('to a Service, by the name of its port', async () => {
    await kubectl.ok('expose pod two --name=two --port=8000 --target-port=http')
    const { child, talk, port } = await forward('service/two :8000')
    assert.match(await getText(`http://127.0.0.1:${port}/`), /nginx/i)
    child.kill('SIGINT')
    await talk.ended
  })
})

test('run gives a terminal in a new pod, its exit code, and removes it', async () => {
  const words = `${kubectl.program} --namespace ${cluster.namespace} run visitor --image=busybox:1.36 --rm -it --restart=Never --pod-running-timeout=20s -- sh`
  const child = spawn('script', ['-qec', words, '/dev/null'], { env: { ...kubectl.environment, TERM: 'xterm' } as NodeJS.ProcessEnv })
  const talk = conversation(child)
  await talk.until(/[#$] /, 20_000)
  talk.say('echo "hello from $(hostname)"\n')
  await talk.until(/hello from visitor/)
  talk.say('exit\n')
  await talk.ended
  assert.match(talk.text(), /pod "visitor" deleted/)
  assert.match(await kubectl.fails('get pod visitor'), /NotFound/)
})

test('run without a terminal prints what the program prints', async () => {
  const printed = await kubectl.ok('run adder --image=busybox:1.36 --rm -i --restart=Never --quiet -- echo done')
  assert.match(printed, /^done$/m)
})

test('the API server proxies to pods and Services', async () => {
  const base = `/api/v1/namespaces/${cluster.namespace}`
  assert.match(await kubectl.ok(`get --raw ${base}/pods/two:80/proxy/`), /nginx/i)
  assert.match(await kubectl.ok(`get --raw ${base}/services/two:8000/proxy/`), /nginx/i)
})

test('proxy opens the API to this machine', async () => {
  const child = kubectl.start('proxy --port=0')
  const talk = conversation(child)
  const [, port] = await talk.until(/Starting to serve on 127\.0\.0\.1:(\d+)/)
  assert.equal(JSON.parse(await getText(`http://127.0.0.1:${port}/version`)).minor, '36')
  const list = JSON.parse(await getText(`http://127.0.0.1:${port}/api/v1/namespaces/${cluster.namespace}/pods`))
  assert.equal(list.kind, 'PodList')
  child.kill('SIGINT')
  await talk.ended
})

test('describe shows containers, their past and their events', async () => {
  const described = await kubectl.ok('describe pod once')
  assert.match(described, /Last State: +Terminated[\s\S]*Exit Code: +3/)
  assert.match(described, /Restart Count: +1/)
  for (const reason of ['Scheduled', 'Pulled', 'Created', 'Started']) assert.match(described, new RegExp(`Normal +${reason} `))
})
