import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { etcdClient } from '../../apiserver/storage/etcd/etcd-link.ts'
import { realClock } from '../../shared/time/clock.ts'

const clock = realClock()

/** Files that a member and its clients show each other. */
export interface EtcdFiles {
  readonly authority: string
  readonly certificate: string
  readonly key: string
}

export interface EtcdMember {
  readonly endpoint: string
  kill(signal?: NodeJS.Signals): Promise<void>
  start(): void
  /** Stops it where it stands (SIGSTOP), or lets it go on. */
  pause(): void
  resume(): void
}

/** An etcd of the test's own: data in memory where the machine has such a place, ports and processes apart from the machine's. */
export interface PrivateEtcd {
  readonly endpoints: readonly string[]
  readonly members: readonly EtcdMember[]
  /** Resolves when every member that runs answers. */
  ready(): Promise<void>
  /** A call of etcd's maintenance interface to a member (the first), by its HTTP gateway; without TLS only. @throws Error when it is refused */
  maintain(call: 'status' | 'alarm' | 'defragment', body: object, member?: EtcdMember): Promise<Record<string, unknown>>
  dispose(): Promise<void>
}

export interface PrivateEtcdOptions {
  readonly members?: number
  readonly flags?: readonly string[]
  /** Clients come by TLS and show a certificate. */
  readonly files?: EtcdFiles
}

export async function privateEtcd({ members: count = 1, flags = [], files }: PrivateEtcdOptions = {}): Promise<PrivateEtcd> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'etcd-'))
  const ports = await freePorts(2 * count)
  const scheme = files ? 'https' : 'http'
  const names = Array.from({ length: count }, (_, n) => `m${n}`)
  const peers = names.map((name, n) => `${name}=http://127.0.0.1:${ports[2 * n + 1]}`)
  const members = names.map((name, n) => {
    const endpoint = `${scheme}://127.0.0.1:${ports[2 * n]}`
    return memberOf(folder, name, endpoint, [
      ...[`--name=${name}`, `--data-dir=${join(folder, name)}`, '--log-level=warn', '--logger=zap'],
      ...[`--listen-client-urls=${endpoint}`, `--advertise-client-urls=${endpoint}`],
      ...[`--listen-peer-urls=${peers[n]!.split('=')[1]}`, `--initial-advertise-peer-urls=${peers[n]!.split('=')[1]}`],
      ...[`--initial-cluster=${peers.join()}`, '--initial-cluster-state=new', `--initial-cluster-token=${folder}`],
      ...['--heartbeat-interval=50', '--election-timeout=500', ...flags],
      ...(files
        ? [`--cert-file=${files.certificate}`, `--key-file=${files.key}`, `--trusted-ca-file=${files.authority}`, '--client-cert-auth']
        : []),
    ])
  })
  for (const member of members) member.start()
  const etcd: PrivateEtcd = {
    members,
    endpoints: members.map(({ endpoint }) => endpoint),
    ready: () => Promise.all(members.map(({ answers }) => answers(files))).then(() => undefined),
    async maintain(call, body, member = members[0]!) {
      const answer = await fetch(`${member.endpoint}/v3/maintenance/${call}`, { method: 'POST', body: JSON.stringify(body) })
      const said = (await answer.json()) as Record<string, unknown>
      if (!answer.ok) throw new Error(`etcd refused ${call}: ${JSON.stringify(said)}`)
      return said
    },
    async dispose() {
      await Promise.all(members.map((member) => member.kill()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await etcd.ready()
  } catch (error) {
    await etcd.dispose()
    throw error
  }
  return etcd
}

export function tlsOf({ authority, certificate, key }: EtcdFiles) {
  return { authority: readFileSync(authority), certificate: readFileSync(certificate), key: readFileSync(key) }
}

function memberOf(folder: string, name: string, endpoint: string, args: readonly string[]) {
  const logFile = join(folder, `${name}.log`)
  let child: ChildProcess | undefined
  return {
    endpoint,
    start() {
      const log = openSync(logFile, 'a')
      child = spawn('etcd', args, { stdio: ['ignore', log, log] })
    },
    async kill(signal: NodeJS.Signals = 'SIGKILL') {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGCONT')
      child.kill(signal)
      await exited
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async answers(files?: EtcdFiles) {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const client = etcdClient(endpoint, clock, files && tlsOf(files))
      try {
        for (let tries = 0; ; tries++) {
          try {
            await client.call('Range', { key: Buffer.from('none') }, { patience: 2_000 })
            return
          } catch (error) {
            if (child.exitCode !== null || tries > 300)
              throw new Error(`etcd does not start: ${readFileSync(logFile, 'utf8').slice(-2000)}`, { cause: error })
            await clock.sleep(50)
          }
        }
      } finally {
        client.close()
      }
    },
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  return servers.map((server) => {
    const address = server.address()
    server.close()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return address.port
  })
}
