import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { hostPortsOf } from '../../shared/pods/host-ports.ts'
import { hostsFile, podHostname } from './hosts-file.ts'
import { parseResolvConf, podDns } from './resolv-conf.ts'

function podOf(spec: object = {}, name = 'web-1'): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop', uid: 'u' }, spec: { containers: [], ...spec }, status: {} }
}
const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local' }
const node = { servers: ['192.0.2.53'], searches: ['corp.example'], options: ['timeout:2'] }

describe('resolv.conf', () => {
  it('is read as the C library reads it', () => {
    const text = 'domain a\nsearch b c\nnameserver 1.1.1.1 # one\n;nameserver 2.2.2.2\nnameserver 3.3.3.3\noptions ndots:2 rotate\n'
    assert.deepEqual(parseResolvConf(text), { servers: ['1.1.1.1', '3.3.3.3'], searches: ['b', 'c'], options: ['ndots:2', 'rotate'] })
  })
  it('points to the cluster first', () => {
    assert.deepEqual(podDns(podOf(), cluster, node), {
      servers: ['10.96.0.10'],
      searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.example'],
      options: ['ndots:5'],
    })
  })
  it('is that of the node for Default, on the host network, and where the cluster has no DNS', () => {
    assert.deepEqual(podDns(podOf({ dnsPolicy: 'Default' }), cluster, node), node)
    assert.deepEqual(podDns(podOf({ hostNetwork: true }), cluster, node), node)
    assert.deepEqual(podDns(podOf(), { servers: [], domain: 'cluster.local' }, node), node)
    assert.deepEqual(podDns(podOf({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }), cluster, node).servers, ['10.96.0.10'])
  })
  it('takes additions, and options in place of defaults', () => {
    const dnsConfig = {
      nameservers: ['9.9.9.9', '10.96.0.10'],
      searches: ['extra'],
      options: [{ name: 'ndots', value: '1' }, { name: 'rotate' }],
    }
    const dns = podDns(podOf({ dnsConfig }), cluster, node)
    assert.deepEqual(dns.servers, ['10.96.0.10', '9.9.9.9'])
    assert.equal(dns.searches.at(-1), 'extra')
    assert.deepEqual(dns.options, ['ndots:1', 'rotate'])
    const none = podDns(podOf({ dnsPolicy: 'None', dnsConfig: { nameservers: ['9.9.9.9'] } }), cluster, node)
    assert.deepEqual(none, { servers: ['9.9.9.9'], searches: [], options: [] })
  })
})

describe('host names', () => {
  it('are the pod name, cut to what the kernel takes', () => {
    assert.deepEqual(podHostname(podOf(), 'cluster.local'), { hostname: 'web-1', shortName: 'web-1' })
    const long = podHostname(podOf({}, `${'a'.repeat(62)}-b`), 'cluster.local').hostname
    assert.equal(long, 'a'.repeat(62))
  })
  it('have a full form with a subdomain', () => {
    const spec = { hostname: 'db', subdomain: 'pg' }
    assert.deepEqual(podHostname(podOf(spec), 'cluster.local'), {
      ...{ hostname: 'db', shortName: 'db', fullName: 'db.pg.shop.svc.cluster.local' },
    })
    assert.equal(podHostname(podOf({ ...spec, setHostnameAsFQDN: true }), 'cluster.local').hostname, 'db.pg.shop.svc.cluster.local')
    assert.equal(podHostname(podOf({ ...spec, hostnameOverride: 'other' }), 'cluster.local').hostname, 'other')
  })
  it('fit the kernel, or are refused', () => {
    const spec = { hostname: 'd'.repeat(40), subdomain: 'pg', setHostnameAsFQDN: true }
    assert.throws(() => podHostname(podOf(spec), 'cluster.local'), /FQDN d{40}\.pg\.shop\.svc\.cluster\.local is too long \(64 characters/)
    assert.equal(podHostname(podOf({ ...spec, setHostnameAsFQDN: false }), 'cluster.local').hostname, 'd'.repeat(40))
  })
  it('are in /etc/hosts with aliases', () => {
    const aliases = { hostAliases: [{ ip: '192.0.2.9', hostnames: ['foo', 'bar'] }] }
    const text = hostsFile(podOf(aliases), { hostname: 'db.pg', shortName: 'db', fullName: 'db.pg' }, ['10.0.0.1'], '')
    assert.match(text, /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/)
    assert.match(text, /\n10\.0\.0\.1\tdb\.pg\tdb\n/)
    assert.match(text, /\n# Entries added by HostAliases\.\n192\.0\.2\.9\tfoo\tbar\n$/)
    const shared = hostsFile(podOf({ hostNetwork: true }), { hostname: 'n1', shortName: 'n1' }, [], '127.0.0.1 localhost\n')
    assert.equal(shared, '# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n')
  })
})

describe('host ports', () => {
  it('are those of the app and its sidecars', () => {
    const port = (hostPort: number, more: object = {}) => ({ ports: [{ containerPort: 80, hostPort, ...more }] })
    const initContainers = [
      { name: 'i', ...port(1) },
      { name: 's', restartPolicy: 'Always', ...port(2) },
    ]
    const containers = [
      { name: 'a', ...port(3, { protocol: 'UDP', hostIP: '127.0.0.1' }) },
      { name: 'b', ports: [{ containerPort: 80 }] },
    ]
    assert.deepEqual(hostPortsOf(podOf({ initContainers, containers })), [
      { hostPort: 2, containerPort: 80, protocol: 'TCP' },
      { hostPort: 3, containerPort: 80, protocol: 'UDP', hostIP: '127.0.0.1' },
    ])
  })
})
