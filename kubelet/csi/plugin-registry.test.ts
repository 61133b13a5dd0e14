import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Server, ServerCredentials, type ServiceDefinition, type sendUnaryData } from '@grpc/grpc-js'
import { loadProto } from '../../shared/grpc/grpc-client.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { followPlugins } from './plugin-registry.ts'

const PROTO = fileURLToPath(new URL('./plugin-registration.proto', import.meta.url))

/** A plug-in that says who it is by a socket, until it is ended. */
async function plugin(socket: string, name: string) {
  const service = loadProto(PROTO)['pluginregistration.Registration'] as ServiceDefinition
  const server = new Server()
  server.addService(service, {
    GetInfo: (_: unknown, reply: sendUnaryData<object>) => reply(null, { type: 'CSIPlugin', name, supportedVersions: ['1.0.0'] }),
    NotifyRegistrationStatus: (_: unknown, reply: sendUnaryData<object>) => reply(null, {}),
  })
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()))
  })
  return () => server.forceShutdown()
}

/** A folder that is followed; `happened` waits for what the handler is told. */
function followed(context: TestContext, { clock = realClock(), onWarn = () => {} }: { clock?: Clock; onWarn?: () => void } = {}) {
  const place = mkdtempSync(join(tmpdir(), 'plugins-'))
  const folder = join(place, 'registry')
  mkdirSync(folder)
  const lifetime = new AbortController()
  const told: string[] = []
  let changed = Promise.withResolvers<void>()
  const tell = async (what: string) => {
    told.push(what)
    changed.resolve()
    changed = Promise.withResolvers()
  }
  const handler = { register: ({ name }: { name: string }) => tell(`+${name}`), unregister: (name: string) => tell(`-${name}`) }
  const log = { ...silentLogger(), warn: onWarn }
  const ended = followPlugins({ folder, handlers: new Map([['CSIPlugin', handler]]), clock, log }, lifetime.signal)
  context.after(async () => {
    lifetime.abort(new Error('over'))
    await ended
    rmSync(place, { recursive: true })
  })
  return {
    folder,
    told,
    async happened(what: string) {
      while (!told.includes(what)) await changed.promise
    },
  }
}

test('a plug-in is seen when its socket appears, and when it goes, without a look at the folder in between', async (context) => {
  // Where all is settled no time passes: whatever is seen then was told by the kernel.
  const real = realClock()
  const never: Clock = {
    ...real,
    after: (milliseconds, action) => (milliseconds > 1000 ? { cancel: () => undefined } : real.after(milliseconds, action)),
    sleep: () => new Promise(() => undefined),
  }
  const { folder, happened } = followed(context, { clock: never })
  const end = await plugin(join(folder, 'a.sock'), 'a')
  context.after(end)
  await happened('+a')
  rmSync(join(folder, 'a.sock'))
  await happened('-a')
})

test('a folder that cannot be read gives nobody up', async (context) => {
  const warned = Promise.withResolvers<void>()
  const { folder, told, happened } = followed(context, { onWarn: () => warned.resolve() })
  context.after(await plugin(join(folder, 'a.sock'), 'a'))
  await happened('+a')
  renameSync(folder, `${folder}.away`)
  symlinkSync(folder, folder)
  await warned.promise
  rmSync(folder)
  renameSync(`${folder}.away`, folder)
  context.after(await plugin(join(folder, 'b.sock'), 'b'))
  await happened('+b')
  assert.deepEqual(told, ['+a', '+b'])
})
