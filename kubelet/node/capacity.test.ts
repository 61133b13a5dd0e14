import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { measureCapacity, measureHeadroom } from './capacity.ts'

const GI = 2 ** 30

function machine(context: TestContext, files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'capacity-'))
  context.after(() => rmSync(root, { recursive: true }))
  const all = { 'proc/meminfo': 'MemTotal:       8388608 kB\nMemFree: 1 kB\nMemAvailable:   4194304 kB\n', ...files }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return { rootDir: root, treeRoot: root, processors: 4 }
}

test('without limits the node is the machine', async (context) => {
  const size = await measureCapacity(machine(context, {}))
  assert.equal(size.memoryBytes, 8 * GI)
  assert.equal(size.cpuMillis, 4000)
  assert.ok(size.storageBytes > 0)
})

test('cgroup v1: the tightest limit of the group and those above counts; the page-rounded maximum is no limit', async (context) => {
  const places = machine(context, {
    'proc/self/cgroup': '9:memory:/docker/abc\n7:cpu,cpuacct:/docker/abc\n3:pids:/\n',
    'sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '9223372036854771712\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': `${GI}\n`,
    'sys/fs/cgroup/memory/memory.usage_in_bytes': `${GI / 2}\n`,
    'sys/fs/cgroup/memory/memory.stat': `cache 5\ntotal_inactive_file ${GI / 4}\n`,
    'sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us': '150000\n',
    'sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us': '100000\n',
    'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    'sys/fs/cgroup/pids/pids.max': '100\n',
    'sys/fs/cgroup/pids/pids.current': '40\n',
  })
  const size = await measureCapacity(places)
  assert.deepEqual({ memory: size.memoryBytes, cpu: size.cpuMillis }, { memory: GI, cpu: 1500 })
  const left = await measureHeadroom(places)
  assert.equal(left.memoryBytes, GI - GI / 4)
  assert.equal(left.processes, 60)
})

test('cgroup v2: limits above a group that was emptied into a child hold', async (context) => {
  const places = machine(context, {
    'proc/self/cgroup': '0::/init\n',
    'sys/fs/cgroup/cgroup.controllers': 'cpu memory pids\n',
    'sys/fs/cgroup/memory.max': `${2 * GI}\n`,
    'sys/fs/cgroup/memory.current': `${GI}\n`,
    'sys/fs/cgroup/memory.stat': 'inactive_file 0\n',
    'sys/fs/cgroup/init/memory.max': 'max\n',
    'sys/fs/cgroup/cpu.max': '50000 100000\n',
    'sys/fs/cgroup/init/cpu.max': 'max 100000\n',
    'sys/fs/cgroup/pids.max': 'max\n',
    'proc/sys/kernel/pid_max': '4194304\n',
    'proc/sys/kernel/threads-max': '1000\n',
    'proc/loadavg': '0.1 0.2 0.3 2/400 777\n',
  })
  const size = await measureCapacity(places)
  assert.deepEqual({ memory: size.memoryBytes, cpu: size.cpuMillis }, { memory: 2 * GI, cpu: 500 })
  const left = await measureHeadroom(places)
  assert.equal(left.memoryBytes, GI)
  assert.equal(left.processes, 600)
})

test('a machine that does not say its memory is an error, not a guess', async (context) => {
  await assert.rejects(measureCapacity(machine(context, { 'proc/meminfo': 'nonsense\n' })), /MemTotal/)
})
