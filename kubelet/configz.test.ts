import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../shared/process/config.ts'
import { settings } from './config.ts'
import { kubeletConfiguration } from './config-file.ts'
import { kubeletConfigurationOf } from './configz.ts'

const read = (args: string[]) => readConfig({ name: 'kubelet', summary: '' }, settings, { args: ['--node-name=n', ...args], env: {} })

test('what is in force is told in the words of the file, and reading that gives the same again', () => {
  const config = read([
    ...['--max-pods=7', '--node-status-update-frequency=1m30s', '--cluster-dns=10.0.0.10,10.0.0.11', '--eviction-hard=memory.available<5%'],
    ...[
      '--system-reserved=cpu=100m,memory=1Gi',
      '--register-with-taints=key=value:NoSchedule',
      '--manifest-url-header=Authorization:secret',
    ],
    ...['--kube-reserved=cpu=200m', '--image-maximum-gc-age=24h', '--allowed-unsafe-sysctls=net.core.somaxconn,kernel.msg*'],
    ...['--eviction-soft-grace-period=nodefs.available=1m', '--shutdown-grace-period-by-pod-priority=0=60,1000=20'],
  ])
  const told = kubeletConfigurationOf(config)
  assert.deepEqual(
    [told['maxPods'], told['nodeStatusUpdateFrequency'], told['clusterDNS'], told['evictionHard'], told['registerWithTaints']],
    [7, '1m30s', ['10.0.0.10', '10.0.0.11'], { 'memory.available': '5%' }, [{ key: 'key', value: 'value', effect: 'NoSchedule' }]],
  )
  assert.ok(!JSON.stringify(told).includes('secret'))
  const fields = kubeletConfiguration.read(JSON.parse(JSON.stringify(told)))
  const back = Object.entries(fields).flatMap(([setting, value]) =>
    value ? [[setting, settings[setting as keyof typeof settings].parse(value.text)]] : [],
  )
  for (const [setting, value] of back) assert.deepEqual(value, config[setting as keyof typeof config], String(setting))
  assert.ok(back.length >= 20)
})
