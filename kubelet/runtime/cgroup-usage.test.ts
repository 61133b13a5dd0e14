import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { measureMachine } from '../stats/machine-usage.ts'
import { foldersOfProcess, isGone, readCgroupUsage, statField } from './cgroup-usage.ts'
import { parseNetDev } from './interface-stats.ts'

/** A folder with these files; removed at the end. */
function recorded(context: { after(done: () => void): void }, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'coxswain-cgroup-'))
  context.after(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

const stat2 = 'anon 8000\nfile 9000\ninactive_anon 1\ninactive_file 3000\npgfault 77\npgmajfault 5\n'
const stat1 = 'cache 1\nrss 2\ninactive_file 5\ntotal_rss 8000\ntotal_inactive_file 3000\ntotal_pgfault 77\ntotal_pgmajfault 5\n'

test('a group of version 2 says what it used, from files as a kernel writes them', async (context) => {
  const root = recorded(context, {
    'proc/42/cgroup': '0::/kubepods.slice/pod1/abc\n',
    'cg/kubepods.slice/pod1/abc/cpu.stat': 'usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n',
    'cg/kubepods.slice/pod1/abc/memory.current': '20000\n',
    'cg/kubepods.slice/pod1/abc/memory.max': '50000\n',
    'cg/kubepods.slice/pod1/abc/memory.stat': stat2,
  })
  const folders = await foldersOfProcess(42, join(root, 'cg'), join(root, 'proc'))
  assert.deepEqual(await readCgroupUsage(folders), {
    ...{ cpuNanoseconds: 1_234_567_000n, memoryBytes: 20_000, workingSetBytes: 17_000, memoryLimitBytes: 50_000 },
    ...{ rssBytes: 8_000, pageFaults: 77, majorPageFaults: 5 },
  })
  writeFileSync(join(root, 'cg/kubepods.slice/pod1/abc/memory.max'), 'max\n')
  assert.equal((await readCgroupUsage(folders)).memoryLimitBytes, undefined)
})

test('a group of version 1 says the same, with a folder a controller', async (context) => {
  const root = recorded(context, {
    'proc/42/cgroup': '4:memory:/m\n2:cpu,cpuacct:/c\n0::/x\n',
    'cg/cpuacct/c/cpuacct.usage': '1234567000\n',
    'cg/memory/m/memory.usage_in_bytes': '20000\n',
    'cg/memory/m/memory.limit_in_bytes': '9223372036854771712\n',
    'cg/memory/m/memory.stat': stat1,
  })
  const folders = await foldersOfProcess(42, join(root, 'cg'), join(root, 'proc'))
  assert.deepEqual(await readCgroupUsage(folders), {
    ...{ cpuNanoseconds: 1_234_567_000n, memoryBytes: 20_000, workingSetBytes: 17_000 },
    ...{ rssBytes: 8_000, pageFaults: 77, majorPageFaults: 5 },
  })
  rmSync(join(root, 'cg/memory/m'), { recursive: true })
  await assert.rejects(readCgroupUsage(folders), isGone)
})

test('the working set is never below nothing, and rows are found whole', async (context) => {
  const root = recorded(context, {
    'g/cpu.stat': 'usage_usec 1\n',
    'g/memory.current': '10\n',
    'g/memory.max': 'max\n',
    'g/memory.stat': 'total_inactive_file 9\ninactive_file 99\n',
  })
  assert.equal((await readCgroupUsage({ unified: join(root, 'g') })).workingSetBytes, 0)
  assert.equal(statField('anon 1\nanon_thp 2\n', 'anon'), 1)
  assert.equal(statField('xanon 1\nanon 3\n', 'anon'), 3)
  assert.equal(statField('anon_thp 2\n', 'anon'), 0)
})

test('the machine is the top of the groups; the true top of version 2 has its memory in the kernel’s table', async (context) => {
  const contained = recorded(context, {
    'sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
    'sys/fs/cgroup/cpu.stat': 'usage_usec 5\n',
    'sys/fs/cgroup/memory.current': '100\n',
    'sys/fs/cgroup/memory.max': 'max\n',
    'sys/fs/cgroup/memory.stat': 'inactive_file 40\n',
  })
  assert.deepEqual((await measureMachine(contained)).workingSetBytes, 60)
  const whole = recorded(context, {
    'sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
    'sys/fs/cgroup/cpu.stat': 'usage_usec 5\n',
    'proc/meminfo': 'MemTotal: 1000 kB\nMemFree: 400 kB\nInactive(file): 100 kB\nAnonPages: 50 kB\n',
  })
  const kib = 1024
  assert.deepEqual(await measureMachine(whole), {
    ...{ cpuNanoseconds: 5_000n, memoryBytes: 600 * kib, workingSetBytes: 500 * kib, rssBytes: 50 * kib },
  })
  const version1 = recorded(context, {
    'sys/fs/cgroup/cpuacct/cpuacct.usage': '7\n',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '100\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    'sys/fs/cgroup/memory/memory.stat': 'total_inactive_file 30\n',
  })
  assert.deepEqual([(await measureMachine(version1)).cpuNanoseconds, (await measureMachine(version1)).workingSetBytes], [7n, 70])
})

test('interfaces are read from the kernel’s table, loopback left out', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:       9       9    0    0    0     0          0         0        9       9    0    0    0     0       0          0',
    '  eth0:     446       5    1    0    0     0          0         0      900       7    2    0    0     0       0          0',
  ].join('\n')
  assert.deepEqual(parseNetDev(text), [{ name: 'eth0', rxBytes: 446, rxErrors: 1, txBytes: 900, txErrors: 2 }])
})
