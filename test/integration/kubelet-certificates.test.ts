import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { loadCertificate } from '../../kubelet/node/certificate-store.ts'
import {
  type ClientCertificateOptions,
  clientCertificateFile,
  ensureClientCertificate,
  rotateClientCertificate,
} from '../../kubelet/node/client-certificate.ts'
import { keepServingCertificate, servingCertificate } from '../../kubelet/node/serving-certificate.ts'
import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { type InProcessCluster, startCluster } from '../../simulation/cluster.ts'

const CSR = ['certificates.k8s.io/v1', 'CertificateSigningRequest'] as const
const SIGNERS = ['csrapproving', 'csrsigning']
/** How long certificates are valid here; virtual time is cheap, but not free. */
const HOUR = 3_600_000
const joiner = { name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:authenticated'] }
const self = { name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] }

/** A kubeconfig with a join token, as far as the kubelet reads it; who it is, the test's `connect` says. */
const joinFile = (authority: string) =>
  JSON.stringify({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [
      { name: 'c', cluster: { server: 'https://apiserver:6443', 'certificate-authority-data': Buffer.from(authority).toString('base64') } },
    ],
    users: [{ name: 'u', user: { token: 'abcdef.x' } }],
  })

async function bench(t: TestContext, controllers: string[] = SIGNERS) {
  const rootDir = mkdtempSync(join(tmpdir(), 'joining-'))
  const cluster = await startCluster({ controllers, controllerSettings: { clusterSigningDuration: HOUR } })
  t.after(async () => {
    await cluster.stop()
    rmSync(rootDir, { recursive: true })
  })
  const options: ClientCertificateOptions = {
    ...{ nodeName: 'a', rootDir, kubeconfig: join(rootDir, 'kubelet.kubeconfig'), bootstrapKubeconfig: join(rootDir, 'join.kubeconfig') },
    ...{ clock: cluster.clock, random: cluster.tools.random, log: silentLogger(), connect: () => cluster.clientOf(joiner) },
  }
  writeFileSync(options.bootstrapKubeconfig ?? '', joinFile(cluster.api.credentials.authority))
  return { cluster, options, rootDir, file: clientCertificateFile(rootDir) }
}

/** Moves time on until the work is done. */
async function done<T>(work: Promise<T>, { clock }: InProcessCluster, step = 200): Promise<T> {
  let isDone = false
  const settled = work.finally(() => {
    isDone = true
  })
  settled.catch(() => {})
  for (let steps = 0; !isDone; steps++) {
    if (steps > 2_000) throw new Error('the work does not end')
    await clock.advance(step)
  }
  return settled
}

async function requests(cluster: InProcessCluster) {
  return (await done(cluster.client.list(...CSR), cluster)).items
}

const never = () => new AbortController().signal

describe('a node’s certificates', () => {
  it('are got by joining, once: the second start uses what is there', async (t) => {
    const { cluster, options, rootDir, file } = await bench(t)
    await done(ensureClientCertificate(options, never()), cluster)
    assert.equal(loadCertificate(file)?.read.subject.commonName, 'system:node:a')
    const kubeconfig = readFileSync(options.kubeconfig, 'utf8')
    assert.match(kubeconfig, /"server":"https:\/\/apiserver:6443/)
    for (const sibling of ['kube-proxy', 'dns']) assert.equal(readFileSync(join(rootDir, `${sibling}.kubeconfig`), 'utf8'), kubeconfig)
    await done(ensureClientCertificate(options, never()), cluster)
    assert.equal((await requests(cluster)).length, 1)
  })

  it('a kubelet killed while it waits goes on with the same request', async (t) => {
    const { cluster, options } = await bench(t, [])
    for (let life = 0; life < 3; life++) {
      const killed = new AbortController()
      const joining = ensureClientCertificate(options, killed.signal)
      joining.catch(() => {})
      await cluster.clock.advance(5_000)
      killed.abort(new Error('killed'))
      await assert.rejects(done(joining, cluster), /killed/)
    }
    assert.equal((await requests(cluster)).length, 1)
  })

  it('a denied request is followed by another one, with another key', async (t) => {
    const { cluster, options, file } = await bench(t, ['csrsigning'])
    const joining = ensureClientCertificate(options, never())
    await cluster.clock.advance(1_000)
    const [first] = await requests(cluster)
    await done(decide(cluster, first?.metadata.name ?? '', 'Denied'), cluster)
    await cluster.clock.advance(2_000)
    const second = (await requests(cluster)).find(({ metadata }) => metadata.name !== first?.metadata.name)
    assert.ok(second)
    assert.notEqual(second.spec.request, first?.spec.request)
    await done(decide(cluster, second.metadata.name ?? '', 'Approved'), cluster)
    await done(joining, cluster)
    assert.ok(loadCertificate(file))
  })

  it('a server that is away, and a join file that is not there yet, are waited for', async (t) => {
    const { cluster, options } = await bench(t)
    const text = readFileSync(options.bootstrapKubeconfig ?? '', 'utf8')
    rmSync(options.bootstrapKubeconfig ?? '')
    let isAway = true
    const away = () => Promise.reject(new Error('connect ECONNREFUSED'))
    const connect: typeof options.connect = () => {
      const client = cluster.clientOf(joiner)
      return {
        ...client,
        create: (...args: Parameters<typeof client.create>) => (isAway ? away() : client.create(...args)),
      } as typeof client
    }
    const joining = ensureClientCertificate({ ...options, connect }, never())
    await cluster.clock.advance(60_000)
    writeFileSync(options.bootstrapKubeconfig ?? '', text)
    await cluster.clock.advance(60_000)
    assert.equal((await requests(cluster)).length, 0)
    isAway = false
    await done(joining, cluster)
  })

  it('are renewed in time by the node itself, and the file changes under its users', async (t) => {
    const { cluster, options, file } = await bench(t)
    await done(ensureClientCertificate(options, never()), cluster)
    const first = loadCertificate(file)!.read
    const stopped = new AbortController()
    const rotating = rotateClientCertificate(options, cluster.clientOf(self), stopped.signal)
    const life = first.notAfter - first.notBefore
    await cluster.clock.advance(first.notBefore + 0.69 * life - cluster.clock.now())
    assert.equal(loadCertificate(file)?.read.notAfter, first.notAfter)
    await done(
      until(() => loadCertificate(file)?.read.notAfter !== first.notAfter, cluster),
      cluster,
      HOUR / 60,
    )
    const second = loadCertificate(file)!.read
    assert.ok(cluster.clock.now() < first.notBefore + 0.92 * life)
    assert.equal(second.x509.publicKey.equals(first.x509.publicKey), false)
    stopped.abort(new Error('stop'))
    await done(rotating, cluster)
  })

  it('of another cluster, for another node, or expired are not used: the node joins again', async (t) => {
    const { cluster, options, file } = await bench(t)
    await done(ensureClientCertificate(options, never()), cluster)
    const first = readFileSync(file, 'utf8')
    await done(ensureClientCertificate({ ...options, nodeName: 'b' }, never()), cluster)
    assert.equal(loadCertificate(file)?.read.subject.commonName, 'system:node:b')
    writeFileSync(file, first.slice(0, -40))
    await done(ensureClientCertificate(options, never()), cluster)
    await cluster.clock.advance(2 * HOUR)
    const late = { ...options, bootstrapKubeconfig: undefined }
    await assert.rejects(done(ensureClientCertificate(late, never()), cluster), /it has expired.*no --bootstrap-kubeconfig/)
  })

  it('a kubeconfig that somebody else wrote is left alone', async (t) => {
    const { cluster, options } = await bench(t)
    writeFileSync(options.kubeconfig, joinFile('PEM'))
    await done(ensureClientCertificate(options, never()), cluster)
    assert.equal(readFileSync(options.kubeconfig, 'utf8'), joinFile('PEM'))
    assert.equal((await requests(cluster)).length, 0)
  })

  it('to serve with: its own at once, the cluster’s as soon as the addresses are the node’s', async (t) => {
    const { cluster, rootDir } = await bench(t)
    const serving = {
      ...{ nodeName: 'a', rootDir, names: { dnsNames: ['a'], ipAddresses: ['10.0.0.7'] }, authority: cluster.api.credentials.authority },
      ...{ clock: cluster.clock, random: cluster.tools.random, log: silentLogger() },
    }
    const own = readCertificate((await servingCertificate(serving)).certificate)
    assert.deepEqual(own.x509.subjectAltName, 'DNS:a, IP Address:10.0.0.7')
    const stopped = new AbortController()
    const installed: string[] = []
    const keeping = keepServingCertificate(
      serving,
      cluster.clientOf(self),
      ({ certificate }) => installed.push(certificate),
      stopped.signal,
    )
    await cluster.clock.advance(10_000)
    assert.equal(installed.length, 0)
    const addresses = [
      { type: 'InternalIP', address: '10.0.0.7' },
      { type: 'Hostname', address: 'a' },
    ]
    await done(cluster.client.create('v1', 'Node', { metadata: { name: 'a' }, status: { addresses } }), cluster)
    await done(
      until(() => installed.length > 0, cluster),
      cluster,
    )
    assert.equal((await servingCertificate(serving)).certificate.trim(), installed[0]?.trim())
    stopped.abort(new Error('stop'))
    await done(keeping, cluster)

    // Elsewhere it goes on with what it has, for its name is the same, until it has one for the new address.
    const moved = { ...serving, names: { dnsNames: ['a'], ipAddresses: ['10.0.0.8'] } }
    assert.equal((await servingCertificate(moved)).certificate.trim(), installed[0]?.trim())
    const again = new AbortController()
    const keepingAgain = keepServingCertificate(
      moved,
      cluster.clientOf(self),
      ({ certificate }) => installed.push(certificate),
      again.signal,
    )
    const body = { status: { addresses: [{ type: 'InternalIP', address: '10.0.0.8' }] } }
    await done(cluster.client.patch('v1', 'Node', { name: 'a' }, { type: 'strategic', subresource: 'status', body }), cluster)
    await done(
      until(() => installed.length > 1, cluster),
      cluster,
    )
    assert.equal(readCertificate((await servingCertificate(moved)).certificate).x509.subjectAltName, 'DNS:a, IP Address:10.0.0.8')
    again.abort(new Error('stop'))
    await done(keepingAgain, cluster)
  })
})

async function until(condition: () => boolean, { clock }: InProcessCluster): Promise<void> {
  while (!condition()) await clock.sleep(1_000)
}

async function decide(cluster: InProcessCluster, name: string, type: 'Approved' | 'Denied'): Promise<void> {
  const body = { status: { conditions: [{ type, status: 'True', reason: 'Test', message: 'by the test' }] } }
  await cluster.client.patch(...CSR, { name }, { type: 'merge', subresource: 'approval', body })
}
