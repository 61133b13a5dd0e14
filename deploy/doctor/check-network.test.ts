import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, it } from 'node:test'
import { readSettings } from '../settings.ts'
import { lookAtNetwork } from './check-network.ts'

let root: string
before(async () => void (root = await mkdtemp(join(tmpdir(), 'doctor-'))))
after(() => rm(root, { recursive: true }))

async function found(files: Record<string, string>): Promise<string[]> {
  await rm(root, { recursive: true })
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  const findings = await lookAtNetwork(readSettings('/nowhere', {}), root)
  return findings.map(({ state, text }) => `${state} ${text}`)
}
const machine = (connections: number, mtu: number, resolv: string) => ({
  'proc/sys/net/netfilter/nf_conntrack_max': `${connections}\n`,
  'proc/net/route': 'Iface\tDestination\tGateway\neth0\t00000000\t0101A8C0\n',
  'sys/class/net/eth0/mtu': `${mtu}\n`,
  'etc/resolv.conf': resolv,
})

it('a machine as most are', async () => {
  const findings = await found(machine(262_144, 1_500, 'search lan\nnameserver 192.168.1.1\n'))
  assert.deepEqual(findings, [
    'good connections: 262144 at once',
    'good packet size: 1500 bytes on eth0',
    'good DNS: names outside by 192.168.1.1',
  ])
})

it('few connections, small packets, and DNS in a circle', async () => {
  const findings = await found(machine(8_192, 1_280, 'nameserver 10.96.0.10\n'))
  assert.match(findings[0] ?? '', /^warning connections: the kernel tracks only 8192/)
  assert.match(findings[1] ?? '', /^warning packet size: 1280/)
  assert.match(findings[2] ?? '', /^failed DNS: this machine asks 10\.96\.0\.10/)
})

it('what is not there is not judged, but for a name server', async () => {
  assert.deepEqual(
    (await found({ 'etc/hosts': '' })).map((line) => line.slice(0, 12)),
    ['warning DNS:'],
  )
})
