import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { realClock } from '../../shared/time/clock.ts'
import { made } from '../../test/harness/admission-trial.ts'
import { type FuseFolder, mountFuseFolder, whyNoFuse } from '../../test/harness/fuse-folder.ts'
import { containerMounts } from '../containers/container-mounts.ts'
import { removeFolder } from './folders.ts'
import { runMountProgram } from './mount-program.ts'
import { linuxMounter, type Mounter } from './mounter.ts'
import { mountNfs, nfs } from './nfs.ts'
import { nfsClientOfMachine } from './nfs-client.ts'

const clock = realClock()
const { signal } = new AbortController()
const skip = whyNoFuse()
const source = { server: 'files.example.com', path: '/exports' }
const pod: Pod = made('v1', 'Pod', { metadata: { name: 'web', namespace: 'default', uid: 'u1' } })

/** Real mounts of this kernel; what a file server would offer is a folder that a process serves by FUSE, since not every kernel mounts NFS. */
function bench(context: TestContext, { patience = { mount: 5000, unmount: 5000, answer: 5000 }, blockDevice = '' } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'nfs-'))
  const directory = join(root, 'volume')
  const served: FuseFolder[] = []
  const mounter: Mounter = {
    ...linuxMounter(clock, patience),
    fileSystem: async (_type, _source, target) => void served.push(await mountFuseFolder(target, blockDevice || undefined)),
  }
  context.after(async () => {
    for (const each of served) await each.end()
    await removeFolder(root, linuxMounter(clock), signal)
  })
  const type = nfs(mounter)
  const prepare = () => type.prepare({ pod, volume: { name: 'v', nfs: source }, directory }, signal)
  return { root, directory, served, mounter, type, prepare }
}

test('a server that is away is said to be, and used as it was when it comes back', { skip }, async (context) => {
  const { served, prepare, directory } = bench(context, { patience: { mount: 5000, unmount: 5000, answer: 1000 } })
  assert.deepEqual(await prepare(), { hostPath: directory, readOnly: false, isRemote: true })
  served[0]?.silence()
  // More often than this process has threads for files: none of them hangs.
  const answers = await Promise.allSettled(Array.from({ length: 6 }, prepare))
  for (const answer of answers)
    assert.match(String(answer.status === 'rejected' && answer.reason), /file server of files.example.com:\/exports does not answer/)
  assert.equal(typeof (await readFile('/proc/self/stat', 'utf8')), 'string')
  served[0]?.comeBack()
  await prepare()
  assert.equal(served.length, 1)
})

test('what broke is taken off and mounted anew', { skip }, async (context) => {
  const { served, prepare, mounter, directory } = bench(context)
  await prepare()
  await served[0]?.end()
  assert.equal(await mounter.condition(directory, signal), 'broken')
  await prepare()
  assert.equal(await mounter.condition(directory, signal), 'answers')
  assert.deepEqual(await mounter.mountsUnder(directory), [directory])
})

test('a container of a server that is away waits with the reason, and neither runtime nor kubelet hangs', { skip }, async (context) => {
  const { served, prepare, mounter, root } = bench(context, { patience: { mount: 5000, unmount: 5000, answer: 1000 } })
  const volumes = new Map([['v', await prepare()]])
  const container = { name: 'main', volumeMounts: [{ name: 'v', mountPath: '/data', subPath: 'part' }] }
  const input = { pod, container, attempt: 0, podIPs: [], volumes, environment: new Map() } as unknown as Parameters<
    typeof containerMounts
  >[0]
  served[0]?.silence()
  await assert.rejects(containerMounts(input, { rootDir: root, clusterDomain: 'x', mounter }, signal), {
    reason: 'CreateContainerConfigError',
    message: /the file server of volume "v" does not answer/,
  })
})

test('a volume of a server that is away is given back within its time', { skip }, async (context) => {
  const image = join(mkdtempSync(join(tmpdir(), 'nfs-loop-')), 'image')
  context.after(() => rmSync(join(image, '..'), { recursive: true }))
  writeFileSync(image, Buffer.alloc(1 << 16))
  const loop = spawnSync('losetup', ['--find', '--show', image], { encoding: 'utf8' })
  if (loop.status !== 0) return context.skip(`no loop device: ${loop.stderr}`)
  const blockDevice = loop.stdout.trim()
  context.after(() => spawnSync('losetup', ['--detach', blockDevice]))
  const { served, prepare, type, directory, mounter } = bench(context, {
    patience: { mount: 5000, unmount: 1000, answer: 5000 },
    blockDevice,
  })
  await prepare()
  served[0]?.silence()
  await type.teardown(directory, signal)
  assert.deepEqual(await mounter.mountsUnder(directory), [])
  assert.ok(!existsSync(directory))
})

test('an unmount that waits for a server is made a lazy one', { skip }, async (context) => {
  const { prepare, directory, root } = bench(context)
  await prepare()
  // The program as it is on a machine where the file system's own helper asks the server first.
  const programs = join(root, 'bin')
  mkdirSync(programs)
  const real = spawnSync('sh', ['-c', 'command -v umount'], { encoding: 'utf8' }).stdout.trim()
  writeFileSync(join(programs, 'umount'), `#!/bin/sh\ncase "$*" in *--lazy*) exec ${real} "$@";; esac\nexec sleep 1000\n`)
  chmodSync(join(programs, 'umount'), 0o755)
  const { PATH } = process.env
  process.env['PATH'] = `${programs}:${PATH}`
  context.after(() => {
    process.env['PATH'] = PATH
  })
  const mounter = linuxMounter(clock, { mount: 5000, unmount: 1000, answer: 5000 })
  await mounter.unmount(directory, signal)
  assert.deepEqual(await mounter.mountsUnder(directory), [])
})

test('a mount that nobody wants any more ends with its helper, or the helper would mount later', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'nfs-helper-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const pipe = join(folder, 'pipe')
  spawnSync('mkfifo', [pipe])
  const stopped = new AbortController()
  const running = runMountProgram('sh', ['-c', `exec 3>'${pipe}'; echo ready >&3; sleep 1000 & wait`], {
    ...{ patience: 600_000, clock, signal: stopped.signal },
  })
  const refused = assert.rejects(running, /the pod is to end/)
  // Ends when all who can write to it have.
  for await (const text of createReadStream(pipe, 'utf8')) {
    assert.equal(text, 'ready\n')
    stopped.abort(new Error('the pod is to end'))
  }
  await refused
})

test("what the machine's own mount says is told as upstream tells it, with the cure", {
  skip: process.getuid?.() !== 0 && 'mounting needs root',
}, async (context) => {
  const root = mkdtempSync(join(tmpdir(), 'nfs-'))
  context.after(() => rmSync(root, { recursive: true }))
  const target = join(root, 'v')
  // Nobody listens there, whatever this kernel can.
  const nowhere = { server: '127.0.0.1', path: '/exports' }
  const attempt = (client: Parameters<typeof mountNfs>[1]['client']) =>
    mountNfs(nowhere, { target, readOnly: true, options: ['nfsvers=4.2', 'port=1', 'retry=0'], client }, linuxMounter(clock), signal)
  const args = `Mounting command: mount\nMounting arguments: -t nfs -o ro,nfsvers=4.2,port=1,retry=0 -- 127.0.0.1:/exports ${target}\nOutput: `
  const said = (cure: string) => (error: Error) => {
    assert.match(error.message, /^mount failed: exit status \d+\n/)
    assert.ok(error.message.includes(args), error.message)
    assert.ok(error.message.includes(cure), error.message)
    return true
  }
  await assert.rejects(
    attempt({ helper: join(root, 'none'), isInKernel: async () => true }),
    said('install it (Debian, Ubuntu: nfs-common;'),
  )
  await assert.rejects(
    attempt({ helper: root, isInKernel: async () => false }),
    said("the kernel of this node has no NFS client: 'modprobe nfs'"),
  )
  const { isInKernel } = nfsClientOfMachine()
  assert.equal(await isInKernel(), /\snfs4?$/m.test(readFileSync('/proc/filesystems', 'utf8')))
})
