/** The two files of compose say the same where a plain and a highly available cluster are alike. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'

interface Service {
  image?: string
  command?: string[]
  environment?: Record<string, string>
  volumes?: string[]
  cap_add?: string[]
  healthcheck?: unknown
  stop_grace_period?: string
}

const read = (name: string) =>
  (parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'), { merge: true }) as { services: Record<string, Service> }).services
const plain = read('docker-compose.yml')['apiserver']!
const several = read('docker-compose.ha.yml')
const servers = Object.keys(several).filter((name) => /^apiserver-\d$/.test(name))

/** What a server is told, but for who it is. */
const words = ({ command = [] }: Service) => command.filter((flag) => !/^--(advertise|etcd|pki)-/.test(flag)).sort()

test('each of several API servers is told what the only one of a plain cluster is', () => {
  assert.equal(servers.length, 3)
  for (const name of servers) {
    const server = several[name]!
    assert.deepEqual(words(server), words(plain))
    const { COXSWAIN_ADVERTISE_URL: own, COXSWAIN_AWAIT_FILE: _file, ...environment } = server.environment ?? {}
    assert.deepEqual(environment, plain.environment)
    assert.equal(own, `https://${name}:6443`)
    for (const key of ['image', 'cap_add', 'healthcheck', 'stop_grace_period'] as const) assert.deepEqual(server[key], plain[key], key)
    const handed = (volumes: string[] = []) => volumes.filter((volume) => /:\/etc\/coxswain/.test(volume))
    assert.deepEqual(handed(server.volumes), handed(plain.volumes))
  }
})

test('what all servers advertise, and what the door leads to, is all of them', () => {
  const list = servers.map((name) => `https://${name}:6443`).join()
  for (const name of servers) assert.ok(several[name]?.command?.includes(`--advertise-servers=${list}`))
  assert.deepEqual(several['api-door']?.command, [`--servers=${list}`])
})
