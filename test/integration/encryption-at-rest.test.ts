import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDatabase } from '../../apiserver/storage/leveldb-database.ts'
import { decodePlace, presentKey, valueKey } from '../../apiserver/storage/leveldb-format.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { type ApiOptions, startApi, type TestApi } from '../harness/api.ts'
import { apiServerProcess } from '../harness/apiserver-process.ts'
import { keyNamed, writeEncryptionConfiguration } from '../harness/encryption.ts'

const identity = { identity: {} }
const gcm = (...names: string[]) => ({ aesgcm: { keys: names.map((name) => keyNamed(name)) } })
const box = (...names: string[]) => ({ secretbox: { keys: names.map((name) => keyNamed(name)) } })
const SECRETS = '/api/v1/namespaces/default/secrets'
const MAPS = '/api/v1/namespaces/default/configmaps'

/** A durable cluster of one API server that stops and starts again. */
function cluster(context: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'encryption-'))
  const file = join(directory, 'encryption.json')
  context.after(() => rmSync(directory, { recursive: true }))
  const start = (options: ApiOptions & { encrypted?: boolean } = {}) => {
    const encryption = options.encrypted === false ? [] : ['--encryption-provider-config', file]
    return startApi({ ...options, args: ['--storage', 'leveldb', '--data-dir', directory, ...encryption, ...(options.args ?? [])] })
  }
  return {
    directory,
    file,
    configure: (rules: Parameters<typeof writeEncryptionConfiguration>[1]) => writeEncryptionConfiguration(file, rules),
    start,
    /** Runs the body with a server, which ends after it. */
    async during(body: (api: TestApi) => Promise<void>, options?: Parameters<typeof start>[0]): Promise<void> {
      const api = await start(options)
      try {
        await body(api)
      } finally {
        await api.stop()
      }
    },
    /** What the value of a key begins with on the disk, while no server runs. */
    async markerOf(key: string): Promise<string> {
      const store = join(directory, 'store')
      rmSync(join(store, 'FILES'), { force: true })
      const database = await openDatabase(store)
      try {
        const place = await database.get<string, string>(presentKey(key), { valueEncoding: 'utf8' })
        assert.ok(place, `${key} is stored`)
        const value = await database.get(valueKey(decodePlace(presentKey(key), place).revision))
        return /^(?:k8s:enc:(\w+:v1:\w+):|\{)/.exec(value?.toString('latin1') ?? '')?.[1] ?? 'plain'
      } finally {
        await database.close()
      }
    },
  }
}

const secret = (name: string, password: string) => ({ metadata: { name }, data: { password: Buffer.from(password).toString('base64') } })

/** An object, or a list of them. */
interface Stored {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion: string }
  readonly data?: { readonly password?: string }
  readonly items: readonly Stored[]
}

async function ok(api: TestApi, method: string, path: string, body?: unknown): Promise<Stored> {
  const answer = await api.request(method, path, body)
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`)
  return JSON.parse(answer.text) as Stored
}

/** `kubectl get secrets -A -o json | kubectl replace -f -`; answers how many were written. */
async function rewriteAll(api: TestApi): Promise<number> {
  const list = await ok(api, 'GET', '/api/v1/secrets')
  let written = 0
  for (const item of list.items) {
    const { name, namespace, resourceVersion } = item.metadata
    const next = await ok(api, 'PUT', `/api/v1/namespaces/${namespace}/secrets/${name}`, item)
    if (next.metadata.resourceVersion !== resourceVersion) written++
  }
  return written
}

const passwordOf = (object: Stored) => Buffer.from(object.data?.password ?? '', 'base64').toString()

test('what the server makes itself and what people make is encrypted from the first write on; deletes too', async (t) => {
  const { directory, during, configure } = cluster(t)
  configure({ secrets: [gcm('a')], '*.*': [box('b')] })
  await during(async (api) => {
    await ok(api, 'POST', SECRETS, secret('s', 'hunter-one'))
    await ok(api, 'POST', MAPS, { metadata: { name: 'm' }, data: { text: 'hunter-two' } })
    await ok(api, 'DELETE', `${SECRETS}/s`)
    await ok(api, 'DELETE', `${MAPS}/m`)
  })
  await during(async (api) => void (await ok(api, 'GET', '/api/v1/secrets')))
  const token = readFileSync(join(directory, 'pki', 'bootstrap-token'), 'utf8')
    .trim()
    .split('.')[1]!
  const texts = [
    'hunter-one',
    Buffer.from('hunter-one').toString('base64').slice(0, 12),
    'hunter-two',
    token,
    Buffer.from(token).toString('base64'),
    'apiVersion',
  ]
  const store = join(directory, 'store')
  const found = readdirSync(store).filter((file) => texts.some((text) => readFileSync(join(store, file)).includes(text)))
  assert.deepEqual(found, [])
})

test('keys are rotated: second, first, everything written anew, the old one removed', async (t) => {
  const { during, configure, markerOf } = cluster(t)
  await during(async (api) => void (await ok(api, 'POST', SECRETS, secret('old', 'one'))), { encrypted: false })
  const reads = async (api: TestApi) => {
    assert.equal(passwordOf(await ok(api, 'GET', `${SECRETS}/old`)), 'one')
    assert.equal(passwordOf(await ok(api, 'GET', `${SECRETS}/new`)), 'two')
  }
  configure({ secrets: [gcm('k1'), identity] })
  await during(async (api) => {
    await ok(api, 'POST', SECRETS, secret('new', 'two'))
    await reads(api)
  })
  assert.equal(await markerOf('core/secrets/default/old'), 'plain')
  assert.equal(await markerOf('core/secrets/default/new'), 'aesgcm:v1:k1')

  configure({ secrets: [gcm('k1', 'k2'), identity] })
  await during(reads)
  configure({ secrets: [gcm('k2', 'k1'), identity] })
  await during(async (api) => {
    assert.equal(await rewriteAll(api), 3, 'the two and the join token')
    assert.equal(await rewriteAll(api), 0, 'what is in the newest form is not written again')
    const map = await ok(api, 'POST', MAPS, { metadata: { name: 'm' } })
    assert.deepEqual((await ok(api, 'PUT', `${MAPS}/m`, map)).metadata, map.metadata)
  })
  assert.equal(await markerOf('core/secrets/default/old'), 'aesgcm:v1:k2')
  configure({ secrets: [gcm('k2')] })
  await during(async (api) => {
    await reads(api)
    assert.equal(await rewriteAll(api), 0)
  })
  // And back to plain.
  configure({ secrets: [identity, gcm('k2')] })
  await during(async (api) => assert.equal(await rewriteAll(api), 3))
  await during(reads, { encrypted: false })
})

test('without its key an object is answered 500 that says so, its list too; everything else goes on, and the key may come back', async (t) => {
  const { during, configure } = cluster(t)
  configure({ secrets: [gcm('k1'), identity] })
  await during(async (api) => {
    await ok(api, 'POST', SECRETS, secret('lost', 'one'))
    await ok(api, 'POST', MAPS, { metadata: { name: 'm' } })
  })
  const errors: string[] = []
  configure({ secrets: [gcm('k2'), identity] })
  await during(
    async (api) => {
      assert.ok(
        errors.some((line) => /stored objects cannot be read.*core\/secrets/.test(line)),
        errors.join('\n'),
      )
      const answer = await api.request('GET', `${SECRETS}/lost`)
      assert.equal(answer.status, 500)
      const { kind, reason, message, details } = answer.json as { kind: string; reason: string; message: string; details: unknown }
      assert.deepEqual([kind, reason], ['Status', 'InternalError'])
      const why = 'no matching prefix found: it begins with "k8s:enc:aesgcm:v1:k1:", and no provider of its resource has that key'
      assert.equal(message, `Internal error occurred: unable to read secrets "lost" in namespace "default" from storage: ${why}`)
      assert.deepEqual(details, { name: 'lost', kind: 'secrets', causes: [{ message: why }] })
      for (const [method, path, body] of [
        ['GET', SECRETS],
        ['GET', '/api/v1/secrets?limit=1'],
        ['GET', `${SECRETS}?labelSelector=a`],
        ['PUT', `${SECRETS}/lost`, secret('lost', 'two')],
        ['DELETE', `${SECRETS}/lost`],
        ['DELETE', SECRETS],
      ] as const) {
        const refused = await api.request(method, path, body)
        assert.equal(refused.status, 500, `${method} ${path}: ${refused.text}`)
        assert.match(refused.text, /unable to read secrets/)
      }
      for (const form of ['Table', 'PartialObjectMetadataList']) {
        const accept = `application/json;as=${form};g=meta.k8s.io;v=v1`
        const refused = await api.request('GET', SECRETS, undefined, { accept })
        assert.equal(refused.status, 500, `${form}: ${refused.text}`)
      }
      const watched = await api.request('GET', `${SECRETS}?watch=true&timeoutSeconds=1`)
      const event = JSON.parse(watched.text.split('\n')[0]!) as { type: string; object: { code: number; message: string } }
      assert.deepEqual([event.type, event.object.code], ['ERROR', 500])
      assert.match(event.object.message, /unable to read secrets "lost"/)
      assert.equal((await api.request('POST', SECRETS, secret('lost', 'two'))).status, 409)
      await ok(api, 'POST', SECRETS, secret('other', 'three'))
      assert.equal(passwordOf(await ok(api, 'GET', `${SECRETS}/other`)), 'three')
      await ok(api, 'GET', MAPS)
      await ok(api, 'DELETE', `${MAPS}/m`)
    },
    { log: logTo(errors) },
  )
  configure({ secrets: [gcm('k2', 'k1')] })
  await during(async (api) => {
    assert.equal(passwordOf(await ok(api, 'GET', `${SECRETS}/lost`)), 'one')
    await ok(api, 'DELETE', `${SECRETS}/lost`)
    await ok(api, 'GET', SECRETS)
  })
})

test('a watch from before a key was removed lists again', async (t) => {
  const { during, configure } = cluster(t)
  configure({ secrets: [gcm('k1'), identity] })
  let before = ''
  await during(async (api) => {
    before = (await ok(api, 'POST', SECRETS, secret('a', 'one'))).metadata.resourceVersion
    await ok(api, 'PUT', `${SECRETS}/a`, secret('a', 'two'))
  })
  configure({ secrets: [gcm('k2', 'k1'), identity] })
  await during(async (api) => void (await rewriteAll(api)))
  configure({ secrets: [gcm('k2')] })
  await during(async (api) => {
    const watched = await api.request('GET', `${SECRETS}?watch=true&timeoutSeconds=1&resourceVersion=${before}`)
    const event = JSON.parse(watched.text.split('\n')[0]!) as { type: string; object: { code: number } }
    assert.deepEqual([event.type, event.object.code], ['ERROR', 410])
    await ok(api, 'GET', SECRETS)
  })
})

test('a changed file is followed; one that is wrong, or would close what is open, is told and leaves the one before in force', async (t) => {
  const { during, configure, file, markerOf } = cluster(t)
  const clock = manualClock()
  const errors: string[] = []
  configure({ secrets: [gcm('k1'), identity] })
  const look = () => clock.advance(10_000)
  await during(
    async (api) => {
      await ok(api, 'POST', SECRETS, secret('a', 'one'))
      writeFileSync(file, 'kind: EncryptionConfiguration')
      await look()
      await look()
      assert.equal(errors.filter((line) => /not taken into use.*is expected/.test(line)).length, 1, errors.join('\n'))
      await ok(api, 'POST', SECRETS, secret('b', 'two'))
      configure({ secrets: [gcm('k2'), identity] })
      await look()
      assert.ok(
        errors.some((line) => /3 stored objects, core\/secrets\/default\/a for one, need a provider or a key/.test(line)),
        errors.join('\n'),
      )
      await ok(api, 'POST', SECRETS, secret('c', 'three'))
      configure({ secrets: [gcm('k2', 'k1'), identity] })
      await look()
      assert.equal(await rewriteAll(api), 4, 'the three and the join token')
      configure({ secrets: [gcm('k2')] })
      await look()
      await ok(api, 'POST', SECRETS, secret('d', 'four'))
      assert.equal((await ok(api, 'GET', SECRETS)).items.length, 4)
      const metrics = (await api.request('GET', '/metrics')).text
      const reloads = 'apiserver_encryption_config_controller_automatic_reloads_total'
      assert.match(metrics, new RegExp(`${reloads}\\{status="failure"\\} 2\\n`))
      assert.match(metrics, new RegExp(`${reloads}\\{status="success"\\} 2\\n`))
      assert.equal(errors.length, 2, errors.join('\n'))
    },
    { clock, log: logTo(errors), args: ['--encryption-provider-config-automatic-reload'] },
  )
  for (const name of ['a', 'b', 'c', 'd']) assert.equal(await markerOf(`core/secrets/default/${name}`), 'aesgcm:v1:k2')
})

test('a server with a wrong file does not start, and says what is wrong with it', async (t) => {
  const { start, file, configure } = cluster(t)
  await assert.rejects(start(), /encryption\.json cannot be read: ENOENT/)
  configure({ secrets: [{ aesgcm: { keys: [keyNamed('k', 'k', 5)] } }] })
  await assert.rejects(start(), /encryption\.json: resources\[0\]\.providers\[0\]\.aesgcm\.keys\[0\]\.secret: Invalid value: "REDACTED"/)
  assert.ok(file)
})

/** Errors as lines. */
function logTo(lines: string[]): Logger {
  const log: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (message, fields) =>
      void lines.push(`${message} ${JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? value.message : value))}`),
    child: () => log,
  }
  return log
}

test('a server whose own objects do not open refuses to start, and starts when their key is back', async (t) => {
  const server = await apiServerProcess()
  t.after(() => server.remove())
  const file = join(server.directory, 'encryption.json')
  const start = (...keys: string[]) => {
    writeEncryptionConfiguration(file, { '*.*': [gcm(...keys)] })
    return server.start(['--encryption-provider-config', file])
  }
  await start('a')
  await server.kill('SIGTERM')
  await assert.rejects(start('b'), /from storage: no matching prefix found: .*k8s:enc:aesgcm:v1:a:/)
  await start('b', 'a')
})
