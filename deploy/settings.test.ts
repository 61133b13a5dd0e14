import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { BadSetting, projectNameOf, readSettings } from './settings.ts'

describe('the settings of a cluster', () => {
  let checkout: string
  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), 'settings-'))
  })
  afterEach(() => rmSync(checkout, { recursive: true }))

  it('have defaults where nothing is said', () => {
    const settings = readSettings(checkout, {})
    assert.equal(settings.apiPort, 6443)
    assert.equal(settings.workers, undefined)
    assert.equal(settings.workerImage, 'coxswain/worker:latest')
    assert.equal(settings.environment['COMPOSE_PROJECT_NAME'], settings.project)
  })

  it('come from .env, and from the environment before that', () => {
    writeFileSync(
      join(checkout, '.env'),
      '# a remark\nCOXSWAIN_API_PORT = 7000\nexport COXSWAIN_SUBNET="172.30.0.0/16"\nCOXSWAIN_WORKERS=3\nnonsense\n',
    )
    const settings = readSettings(checkout, { COXSWAIN_API_PORT: '7001' })
    assert.equal(settings.apiPort, 7001)
    assert.equal(settings.subnet, '172.30.0.0/16')
    assert.equal(settings.workers, 3)
    assert.equal(settings.environment['COXSWAIN_SUBNET'], '172.30.0.0/16')
    assert.equal(settings.environment['COXSWAIN_API_PORT'], '7001')
  })

  for (const [name, value] of [
    ['COXSWAIN_API_PORT', '0'],
    ['COXSWAIN_API_PORT', '70000'],
    ['COXSWAIN_REGISTRY_PORT', 'http'],
    ['COXSWAIN_HTTPS_PORT', '8443/tcp'],
    ['COXSWAIN_INGRESS_ADDRESS', 'localhost'],
    ['COXSWAIN_WORKERS', '1.5'],
    ['COXSWAIN_HA', 'yes'],
    ['COXSWAIN_API_PORT_2', '0'],
    ['COMPOSE_PROJECT_NAME', 'My Cluster'],
  ] as const) {
    it(`refuse ${name}=${value}, by name`, () => {
      assert.throws(
        () => readSettings(checkout, { [name]: value }),
        (error: unknown) => error instanceof BadSetting && error.message.includes(name),
      )
    })
  }

  it('know one API server of a plain cluster and three of a highly available one, and tell compose', () => {
    const ports = (environment: Record<string, string>) => readSettings(checkout, environment).apiServers.map(({ port }) => port)
    assert.deepEqual(ports({}), [6443])
    assert.deepEqual(ports({ COXSWAIN_HA: '1', COXSWAIN_API_PORT: '7000', COXSWAIN_API_PORT_3: '9000' }), [7001, 7002, 9000])
    assert.deepEqual(ports({ COXSWAIN_HA: '1', COXSWAIN_API_PORT: '65534' }), [65533, 65532, 65531])
    const { environment } = readSettings(checkout, { COXSWAIN_HA: '1' })
    assert.deepEqual([environment['COXSWAIN_HA'], environment['COXSWAIN_API_PORT_1']], ['1', '6444'])
    assert.equal(readSettings(checkout, {}).environment['COXSWAIN_HA'], '0')
  })

  it('name the project as compose does', () => {
    assert.equal(projectNameOf('/home/me/Coxswain'), 'coxswain')
    assert.equal(projectNameOf('/home/me/_my.Fork-2'), 'myfork-2')
    assert.equal(projectNameOf('/'), 'coxswain')
  })
})
