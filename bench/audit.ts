// Creates and reads a second with an audit log of the level Metadata beside the same server without one, round by round on the same machine.
// `tools/node bench/audit.ts`
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runLoad } from '../test/harness/load.ts'
import { measuredServer, prepareNamespace } from '../test/harness/measured-server.ts'
import { POD, PODS, printRow } from '../test/harness/pod-load.ts'

const ROUNDS = 3
const CONNECTIONS = 16
const jobs = [
  { what: 'create a pod', method: 'POST', path: PODS, body: POD, count: 1_500 },
  { what: 'get a pod', method: 'GET', path: `${PODS}/load-7`, body: '', count: 6_000 },
] as const

const folder = mkdtempSync(join(tmpdir(), 'bench-audit-'))
const policy = join(folder, 'policy.yaml')
writeFileSync(policy, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n')
const flags = (mode: string) => ['--audit-policy-file', policy, '--audit-log-path', join(folder, `${mode}.log`), '--audit-log-mode', mode]
const subjects = [
  { name: 'no audit log', flags: [] },
  { name: 'batch', flags: flags('batch') },
  { name: 'blocking', flags: flags('blocking') },
]

interface Measured {
  readonly rate: number
  /** Microseconds of CPU a request. */
  readonly cpu: number
}

const servers = await Promise.all(
  subjects.map(async (subject) => ({ ...subject, server: await measuredServer(), found: new Map<string, Measured[]>() })),
)
try {
  for (const { server, ...subject } of servers) {
    await server.start(subject.flags)
    await prepareNamespace(server.target)
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { what, ...job } of jobs) {
      for (const { server, found } of servers) {
        const before = server.cpu()
        const { count, seconds } = await runLoad({
          kind: 'requests',
          target: server.target,
          connections: CONNECTIONS,
          first: round * 1_500,
          ...job,
        })
        const measured = { rate: count / seconds, cpu: ((server.cpu() - before) / count) * 1e6 }
        found.set(what, [...(found.get(what) ?? []), measured])
      }
    }
  }
  for (const { what } of jobs) {
    const of = (found: ReadonlyMap<string, readonly Measured[]>, value: keyof Measured) =>
      median((found.get(what) ?? []).map((each) => each[value]))
    const bare = servers[0]!.found
    for (const { name, found } of servers) {
      const [rate, cpu] = [of(found, 'rate'), of(found, 'cpu')]
      const beside = `${(rate / of(bare, 'rate')).toFixed(2)} × no audit log; ${cpu.toFixed(0)} µs of CPU each, ${(cpu / of(bare, 'cpu')).toFixed(2)} ×`
      printRow(`${what}, ${name}`, rate, 'per s', beside)
    }
  }
} finally {
  await Promise.all(servers.map(({ server }) => server.remove()))
  rmSync(folder, { recursive: true, force: true })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
