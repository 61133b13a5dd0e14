import { X509Certificate } from 'node:crypto'
import { readFileIfPresent } from '../../shared/certificates/atomic-file.ts'
import { connectionFromKubeconfig } from '../../shared/client/kubeconfig.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { runCommand } from '../command.ts'
import { askServer } from '../lab/joining/ask-server.ts'
import { clockProblem, connectionProblem } from '../lab/joining/join-problem.ts'
import { type MachineRecord, readMachine } from '../lab/machine/machine-record.ts'
import { places } from '../lab/machine/places.ts'
import { isHealthy } from '../lab/machine/prepare-machine.ts'
import { ownKubeconfig, processesOf } from '../lab/machine/processes.ts'
import { supervisorHere } from '../lab/machine/supervisor.ts'
import { CannotGoOn } from '../step.ts'
import { overlap } from './check-ranges.ts'
import { type Finding, good } from './finding.ts'

const DAY = 24 * 3_600_000
const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`
const run = (command: string, ...args: string[]) =>
  runCommand(command, args, { env: { ...process.env, PATH: path } }).catch(() => ({ code: -1, stdout: '', stderr: '' }))

/** A machine of a lab: its processes, its way to the server, its clock, its certificate, its forwarding. Nothing on other machines. */
export async function checkLabMachine(_settings: unknown, { now }: Pick<Clock, 'now'>): Promise<Finding[]> {
  const machine = readMachine()
  if (!machine) return []
  const about = machine.role === 'server' ? 'the server of its cluster' : `the node ${machine.nodeName} of ${machine.server}`
  const general = [good(`lab: this machine is ${about}`), ...(await processes(machine)), ...(await server(machine, now))]
  return machine.role === 'server'
    ? general
    : [...general, ...certificate(now()), ...(await forwarding(machine)), ...(await ranges(machine))]
}

async function processes(machine: MachineRecord): Promise<Finding[]> {
  const supervisor = supervisorHere()
  return Promise.all(
    processesOf(machine).map(async ({ name, healthPort }): Promise<Finding> => {
      const cure = `${supervisor.logOf(name)} says why; coxswain-lab start starts what does not run`
      if (!(await supervisor.isRunning(name))) return { state: 'failed', text: `${name} does not run`, cure }
      if (healthPort !== undefined && !(await isHealthy(healthPort)))
        return { state: 'failed', text: `${name} runs and is not healthy`, cure }
      return good(`${name} runs, by ${supervisor.name}`)
    }),
  )
}

async function server(machine: MachineRecord, now: () => number): Promise<Finding[]> {
  const url = new URL(machine.server)
  try {
    const { ca } = connectionFromKubeconfig(ownKubeconfig(machine)).current()
    const answer = await askServer(url, '/readyz', ca === undefined ? {} : { authority: ca })
    const skew = clockProblem(answer.date, now())
    if (skew) return [{ state: 'failed', text: skew.message, cure: skew.cure }]
    return [good(`the API server answers at ${url.host} (${answer.status}), and the clocks agree`)]
  } catch (error) {
    const { message, cure } = error instanceof CannotGoOn ? error : connectionProblem(error, { host: url.hostname, port: url.port })
    return [{ state: 'failed', text: message, cure }]
  }
}

function certificate(now: number): Finding[] {
  const text = readFileIfPresent(`${places.kubelet}/pki/kubelet-client-current.pem`)
  const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text ?? '')?.[0]
  if (pem === undefined)
    return [{ state: 'failed', text: 'this node has no certificate yet', cure: 'the log of the kubelet says what it waits for' }]
  const { validFromDate, validToDate } = new X509Certificate(pem)
  const left = validToDate.getTime() - now
  const words = `the certificate of this node is good until ${validToDate.toISOString().slice(0, 16)}`
  if (left <= 0) return [{ state: 'failed', text: `${words}, which is over`, cure: 'coxswain-lab uninstall, then join with a new token' }]
  // It is renewed after 90 % of its life at the latest.
  const isLate = left < (validToDate.getTime() - validFromDate.getTime()) * 0.08 && left < 30 * DAY
  return isLate
    ? [{ state: 'warning', text: `${words} and should have been renewed`, cure: 'the log of the kubelet says why it was not' }]
    : [good(words)]
}

/** What keeps packets of pods from passing this machine. */
async function forwarding({ ranges: { clusterCidr } }: MachineRecord): Promise<Finding[]> {
  const cure = 'restart kube-proxy: its start sets this right'
  if (readFileIfPresent('/proc/sys/net/ipv4/ip_forward')?.trim() !== '1') {
    return [{ state: 'failed', text: 'net.ipv4.ip_forward is off: pods reach nobody', cure }]
  }
  const { stdout } = await run('iptables', '-w', '5', '-S')
  const isStrict = stdout.includes('-P FORWARD DROP')
  const lets = stdout.includes(`-A DOCKER-USER -d ${clusterCidr} -j ACCEPT`)
  if (isStrict && !lets) return [{ state: 'failed', text: `iptables drops what is forwarded, packets of pods (${clusterCidr}) too`, cure }]
  return [good('packets of pods are forwarded')]
}

async function ranges({ ranges: { clusterCidr, serviceCidr } }: MachineRecord): Promise<Finding[]> {
  const { stdout } = await run('ip', '-4', 'route', 'show')
  // Ours have our mark, and pods' own links lie inside the range.
  const foreign = stdout.split('\n').filter((line) => /^[\d.]+\/\d+ /.test(line) && !/proto 67|dev veth/.test(line))
  const clash = foreign
    .map((line) => line.split(' ')[0] ?? '')
    .filter((route) => [clusterCidr, serviceCidr].some((own) => overlap(own, route)))
  if (clash.length === 0) return [good(`no route of this machine overlaps ${clusterCidr} or ${serviceCidr}`)]
  return [
    {
      state: 'failed',
      text: `routes of this machine overlap the cluster's ranges: ${clash.join(', ')}`,
      cure: 'other ranges: coxswain-lab server --cluster-cidr --service-cidr',
    },
  ]
}
