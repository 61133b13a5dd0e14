import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { settings as apiserver } from '../../../apiserver/config.ts'
import { settings as cloudControllerManager } from '../../../cloud-controller-manager/config.ts'
import { settings as controllerManager } from '../../../controller-manager/config.ts'
import { settings as dns } from '../../../dns/config.ts'
import { settings as ingress } from '../../../ingress/config.ts'
import { settings as kubeProxy } from '../../../kube-proxy/config.ts'
import { settings as kubelet } from '../../../kubelet/config.ts'
import { settings as scheduler } from '../../../scheduler/config.ts'
import { readConfig, type SettingsTable } from '../../../shared/process/config.ts'
import { runCommand } from '../../command.ts'
import type { MachineRecord } from './machine-record.ts'
import { places } from './places.ts'
import { machineProcesses } from './processes.ts'
import { ownHome, releaseFolders } from './release.ts'
import { s6Service } from './s6-service.ts'
import { systemdUnit, unitName } from './systemd-unit.ts'

const machine: MachineRecord = {
  ...{
    role: 'node',
    server: 'https://192.0.2.1:6443',
    nodeName: 'n1',
    address: '192.0.2.1',
    port: 6443,
    extraNames: ['lab.example', '192.0.2.9'],
    doors: { httpPort: 8080, httpsPort: 8443, pool: ['192.0.2.240/28', '192.0.2.200-192.0.2.210'] },
  },
  ranges: { clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16', clusterDns: '10.96.0.10', clusterDomain: 'cluster.local' },
  ...{ forwardingBefore: '0', imagesBrought: [] },
}
const tables: Readonly<Record<string, SettingsTable>> = {
  ...{ apiserver, 'controller-manager': controllerManager, scheduler, kubelet, 'kube-proxy': kubeProxy, dns },
  ...{ 'cloud-controller-manager': cloudControllerManager, ingress },
}

for (const process of machineProcesses) {
  test(`${process.name}: its program is part of a release and takes the flags`, () => {
    assert.ok((releaseFolders as readonly string[]).includes(process.name))
    const table = tables[process.name] ?? assert.fail('its settings are not in the table above')
    readConfig({ name: process.name, summary: '' }, table, { args: process.flags(machine), env: {} })
  })
}

test('systemd finds nothing to say about the units', async (t) => {
  if ((await runCommand('sh', ['-c', 'command -v systemd-analyze'])).code !== 0)
    return t.skip('there is no systemd-analyze on this machine')
  const folder = mkdtempSync(join(tmpdir(), 'units-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const files = machineProcesses.map((process) => {
    // The programs must be there for it: those of this checkout.
    writeFileSync(join(folder, unitName(process)), systemdUnit(process, machine).replaceAll(places.current, ownHome))
    return join(folder, unitName(process))
  })
  const { stdout, stderr, code } = await runCommand('systemd-analyze', ['verify', ...files])
  const ours = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('coxswain'))
  assert.deepEqual(ours, [])
  assert.equal(code, 0)
})

test('words with blanks, quotes and signs of systemd stay one word', () => {
  const [apiServer] = machineProcesses
  const odd = { ...apiServer!, flags: () => ['--a=two words', '--b="q"', '--c=$HOME', '--d=100%'] }
  assert.match(systemdUnit(odd, machine), /apiserver "--a=two words" "--b=\\"q\\"" --c=\$\$HOME --d=100%%\n/)
})

test('a service of s6 gives its program the same words', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 's6-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const words = ['--a=two words', "--b=it's", '--c=$HOME', '--d=*']
  const [apiServer] = machineProcesses
  for (const { path, content } of s6Service({ ...apiServer!, flags: () => words }, machine)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    // What it would run, it shows here.
    writeFileSync(join(folder, path), content.replace(`exec ${places.current}/deploy/coxswain.sh`, "exec printf '%s\\n'"), { mode: 0o755 })
  }
  const shown = await runCommand(join(folder, 'apiserver/run'), [])
  assert.deepEqual(shown.stdout.trimEnd().split('\n'), ['apiserver', ...words])
})
