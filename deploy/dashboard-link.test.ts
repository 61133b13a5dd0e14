import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { realClock } from '../shared/time/clock.ts'
import { serveApi } from '../test/harness/served-api.ts'
import { dashboardLink } from './dashboard-link.ts'
import { CannotGoOn } from './step.ts'

test('a link is made for an administrator’s account, again too; what the dashboard refuses is said in its words', async (t) => {
  const api = await serveApi()
  t.after(() => api.stop())
  let answer: object = { code: 'one' }
  const dashboard = createServer((_request, response) => response.end(JSON.stringify(answer)))
  dashboard.listen(0, '127.0.0.1')
  await once(dashboard, 'listening')
  t.after(() => dashboard.close())
  const { port } = dashboard.address() as AddressInfo
  const link = () => dashboardLink({ dashboardPort: port, kubeconfig: join(api.directory, 'credentials/admin.kubeconfig') }, realClock())
  for (let round = 0; round < 2; round++) assert.equal(await link(), `http://127.0.0.1:${port}/#one`)
  answer = { message: 'the API server cannot be reached' }
  await assert.rejects(
    link(),
    (error) => error instanceof CannotGoOn && /gives no link: the API server cannot be reached/.test(error.message),
  )
})
