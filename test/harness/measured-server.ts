import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { realClock } from '../../shared/time/clock.ts'
import { LoadConnection, type LoadTarget } from './load-connection.ts'

const clock = realClock()
const node = fileURLToPath(new URL('../../tools/node', import.meta.url))
const main = fileURLToPath(new URL('../../apiserver/main.ts', import.meta.url))
const echo = fileURLToPath(new URL('./bare-echo.ts', import.meta.url))
const TOKEN = 'measuring'
export const NAMESPACE = 'measured'

/** The API server as people run it, in a process of its own, on data of its own. */
export interface MeasuredServer {
  readonly target: LoadTarget
  /** Starts it (again), and answers the milliseconds until it was ready. */
  start(flags?: readonly string[]): Promise<number>
  /** Resident memory, MiB. */
  memory(): number
  /** Seconds of CPU since it was started: what other work on the machine changes little. */
  cpu(): number
  /** Starts, with the same certificate, a bare node:https server that answers these bytes; POST bodies are parsed first. */
  startEcho(answer: Buffer): Promise<LoadTarget>
  stop(): Promise<void>
  /** Stops it and removes its data. */
  remove(): Promise<void>
}

/** Chooses a port and a folder; starts nothing. */
export async function measuredServer(): Promise<MeasuredServer> {
  const directory = mkdtempSync(join(tmpdir(), 'measured-server-'))
  const tokens = join(directory, 'tokens.csv')
  writeFileSync(tokens, `${TOKEN},measurer,1,"system:masters"\n`)
  const port = await freePort()
  const data = join(directory, 'data')
  let child: ChildProcess | undefined
  const echoes: ChildProcess[] = []
  const targetAt = (at: number): LoadTarget => ({ port: at, ca: readFileSync(join(data, 'pki', 'ca.crt'), 'utf8'), token: TOKEN })
  const stop = async () => {
    for (const each of echoes.splice(0)) each.kill('SIGKILL')
    if (!child || child.exitCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
  }
  return {
    get target() {
      return targetAt(port)
    },
    async start(flags = []) {
      const begin = clock.monotonic()
      const args = ['--data-dir', data, '--secure-port', String(port), '--token-file', tokens, '--log-level', 'warn', ...flags]
      child = spawn(node, [main, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
      while (!(await isReady(() => targetAt(port)))) {
        if (child.exitCode !== null) throw new Error('the API server did not start')
        await clock.sleep(5)
      }
      return clock.monotonic() - begin
    },
    memory() {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child!.pid}/status`, 'utf8'))![1]) / 1024
    },
    cpu() {
      // Fields 14 and 15 of proc(5), in hundredths; the name before them ends with the last parenthesis.
      const fields = readFileSync(`/proc/${child!.pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    async startEcho(answer) {
      const started = fork(echo, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      echoes.push(started)
      const pki = join(data, 'pki')
      started.send({ key: join(pki, 'apiserver.key'), cert: join(pki, 'apiserver.crt'), answer: answer.toString('latin1') })
      const [listening] = await once(started, 'message')
      return targetAt(Number(listening))
    },
    stop,
    async remove() {
      await stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The namespace for the load, with the service account that no controller makes here. */
export async function prepareNamespace(target: LoadTarget): Promise<void> {
  const connection = await LoadConnection.open(target)
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }
  await connection.request('POST', '/api/v1/namespaces', JSON.stringify(namespace))
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }
  await connection.request('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, JSON.stringify(account))
  connection.close()
}

async function isReady(target: () => LoadTarget): Promise<boolean> {
  try {
    const connection = await LoadConnection.open(target())
    const { code } = await connection.request('GET', '/readyz')
    connection.close()
    return code === 200
  } catch {
    return false // not yet: its certificates or its port are not there
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
